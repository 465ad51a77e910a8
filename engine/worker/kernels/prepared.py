"""What fast layers make of weights: once, and again when the weights have changed."""

from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from torch import Tensor, nn

Prepared = tuple[Tensor, ...]
_Seen = tuple[tuple[int, int], ...]

_made: WeakKeyDictionary[nn.Module, tuple[_Seen, Prepared]] = WeakKeyDictionary()


def prepared(owner: nn.Module, weights: Sequence[Tensor], make: Callable[[], Prepared]) -> Prepared:
    """Return what `make` returns for these weights; treat it as read-only.

    Args:
        owner: layer that it is kept for; each has one. It goes when the layer goes.
        weights: all that `make` reads. Moved or written to, they are read again.
        make: derives tensors from the weights.
    """
    seen = tuple((weight.data_ptr(), _version(weight)) for weight in weights)
    before = _made.get(owner)
    if before is None or before[0] != seen:
        before = _made[owner] = (seen, make())
    return before[1]


def _version(weight: Tensor) -> int:
    return -1 if weight.is_inference() else weight._version  # inference tensors count no changes
