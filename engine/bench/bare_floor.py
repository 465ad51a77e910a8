"""The bare floor of a computation: its products, attention and convolutions, and nothing else.

What is called is recorded once, by shape and layout, and played again on random numbers. Norms,
activations apart, rotations, copies, casts, Python: all that is left out, so no way of running
the same arithmetic in the same library can be faster than this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_KINDS = {
    "products": ("addmm", "mm", "bmm", "baddbmm", "linear", "matmul", "_linear_pointwise"),
    "attention": (
        "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
        "softmax", "_softmax",
    ),
    "convolutions": (
        "conv2d", "convolution", "mkldnn_convolution", "_convolution_pointwise",
        "_convolution_pointwise_",
    ),
}  # fmt: skip
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}


class Call(NamedTuple):
    """One operator on tensors that stand in for those that it was called with."""

    kind: str
    operator: Callable[..., Any]
    positional: tuple[Any, ...]
    named: dict[str, Any]


class BareFloor:
    """Recorded calls, ready to be timed. `run` overwrites only tensors of its own."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._stand_ins: dict[tuple[object, ...], Tensor] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what is called inside, in this thread."""
        with _Recorder(self._record):
            yield

    @torch.inference_mode()
    def run(self) -> dict[str, float]:
        """Play all calls once; returns kind → ms."""
        spent_ms = dict.fromkeys(_KINDS, 0.0)
        for call in self.calls:
            began = time.perf_counter()
            call.operator(*call.positional, **call.named)
            spent_ms[call.kind] += 1000 * (time.perf_counter() - began)
        return spent_ms

    def _record(
        self, operator: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        kind = _KIND_OF.get(str(operator).split(".")[1])
        if kind is not None:
            places = [self._stand_in(place, value) for place, value in enumerate(positional)]
            names = {name: self._stand_in(name, value) for name, value in named.items()}
            self.calls.append(Call(kind, operator, tuple(places), names))

    def _stand_in(self, place: object, value: object) -> object:
        """Random numbers like a tensor; one for all alike at one place, so inputs stay inputs."""
        if not isinstance(value, Tensor):
            return value
        key = (place, value.shape, value.stride(), value.dtype, value.device)
        if key not in self._stand_ins:
            made = torch.empty_strided(
                value.shape, value.stride(), dtype=value.dtype, device=value.device
            )
            self._stand_ins[key] = made.normal_(std=0.02)  # as small as weights: nothing overflows
        return self._stand_ins[key]


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands every operator to a function before it runs."""

    def __init__(
        self, record: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], None]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._record = record

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self._record(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))
