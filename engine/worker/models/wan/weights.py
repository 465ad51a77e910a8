"""Check weights against a module, then move them in: one tensor after the other, nothing twice.

    weights = read_weights(path, layout)                       # mapped, officially named
    move_into(module, weights, layout, (device, dtype))        # module may be on meta

Everything is refused before anything moves, in one sentence: what is missing, unexpected or
misshapen, and what the file looks like. Beside the finished weights at most one more tensor is in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.errors import OutOfMemoryError, WeightsError
from engine.worker.models.wan.known_weights import looks_like
from engine.worker.models.wan.weight_files import CONTAINERS, map_weights, some
from engine.worker.models.wan.weight_names import Rename, official_name

_ASIDE = {"a LoRA": "; a LoRA goes into the folder `loras` of its model"}

Place = tuple[torch.device, torch.dtype]
"""Where weights go and in which type."""

Adjust = Callable[[str, Tensor], Tensor]
"""(official name, mapped tensor) -> the tensor that is meant, on any device and in any type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a kind of checkpoint names its weights.

    Attributes:
        what: what the weights are for, in words; begins every refusal.
        renames: see `weight_names`.
        containers: see `weight_files`.
        ignored: names that are no weights.
        has_ties: a weight may be there by two names.
        without_room: what to do when the device has no room.
    """

    what: str
    renames: Sequence[Rename] = ()
    containers: Sequence[str] = CONTAINERS
    ignored: frozenset[str] = frozenset()
    has_ties: bool = False
    without_room: str = "choose a smaller model, or close what else uses the device"


@dataclass(frozen=True, slots=True)
class Weights:
    """Mapped tensors by their official names, and where they come from."""

    path: Path
    tensors: Mapping[str, Tensor]

    def only(self, prefix: str) -> Weights:
        """Return the weights whose names begin with `prefix`."""
        kept = {key: value for key, value in self.tensors.items() if key.startswith(prefix)}
        return Weights(self.path, kept)


@dataclass(frozen=True, slots=True)
class Differences:
    """What stands between weights and a module. False when nothing does."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        named = {
            "missing": self.missing, "unexpected": self.unexpected, "misshapen": self.misshapen
        }  # fmt: skip
        return ", ".join(
            f"{len(keys)} {kind} ({some(keys)})" for kind, keys in named.items() if keys
        )


def differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Differences:
    """Compare names and shapes; no values are read."""
    return Differences(
        missing=tuple(key for key in expected if key not in found),
        unexpected=tuple(key for key in found if key not in expected),
        misshapen=tuple(
            f"{key} is {list(found[key].shape)}, expected {list(tensor.shape)}"
            for key, tensor in expected.items()
            if key in found and found[key].shape != tensor.shape
        ),
    )


def read_weights(path: Path, layout: Layout) -> Weights:
    """Map a file and name its tensors officially.

    Raises:
        WeightsError: the file cannot be read, or two of its names mean the same weight.
    """
    tensors: dict[str, Tensor] = {}
    for key, tensor in map_weights(path, layout.what, layout.containers).items():
        name = official_name(key, layout.renames)
        if name in tensors and not layout.has_ties:
            raise WeightsError(f"{layout.what}: {path} has {name} twice; take another file")
        if name not in layout.ignored:
            tensors[name] = tensor
    return Weights(path, tensors)


def check_weights(module: nn.Module, weights: Weights, what: str) -> None:
    """Compare weights with a module.

    Raises:
        WeightsError: they are of another model.
    """
    wrong = differences(module.state_dict(), weights.tensors)
    if wrong:
        found = looks_like(weights.tensors)
        raise WeightsError(
            f"{what}: {weights.path} does not fit, it looks like {found}; take the file that is "
            f"meant{_ASIDE.get(found.split(' of ')[0], '')} ({wrong})"
        )


def move_into(
    module: nn.Module,
    weights: Weights,
    layout: Layout,
    place: Place,
    adjust: Adjust | None = None,
) -> None:
    """Move checked weights into a module, which is then frozen and ready for inference.

    Args:
        module: may be on meta.
        weights: of all its names.
        layout: what they are, for refusals.
        place: device and type of what it holds afterwards.
        adjust: changes weights on their way.

    Raises:
        WeightsError: the weights are of another model; `module` is as it was.
        OutOfMemoryError: the device has no room for them.
    """
    check_weights(module, weights, layout.what)
    moved: dict[str, Tensor] = {}
    try:
        for name in module.state_dict():
            moved[name] = _moved(name, weights.tensors[name], place, adjust)
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"{layout.what}: {weights.path.name} does not fit on {place[0]}; {layout.without_room}"
        ) from error
    module.load_state_dict(moved, assign=True)
    # What no file has, such as the statistics of latents, is small and moves as it is.
    module.to(device=place[0], dtype=place[1])
    module.eval().requires_grad_(requires_grad=False)


def _moved(name: str, tensor: Tensor, place: Place, adjust: Adjust | None) -> Tensor:
    """Copy one tensor out of its file, onto the device and into its type."""
    if adjust is not None:
        tensor = adjust(name, tensor)
    # A copy also where nothing changes: a tensor that stays mapped would be lost with its file.
    return tensor.to(device=place[0], dtype=place[1], copy=True)
