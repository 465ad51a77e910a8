"""Softmax attention on a GPU: what there is, which of it answers rightly, and which is fastest.

In:     q [B, Lq, n, dh], k and v [B, Lk, n, dh], bfloat16 or float16, no mask.
Out:    [B, Lq, n, dh].
Thread: main, while the worker loads; the backend that was chosen runs on the generator.

A backend is asked what it can do, never guessed from the device's name: it is imported, run on
numbers that the plain reference is also run on, and timed on the shapes of the show. One that
fails is left out with its reason.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.worker.kernels import narrow
from engine.worker.kernels.attention import attention, attention_reference
from engine.worker.kernels.products import FP8
from engine.worker.kernels.timing import median_ms

SoftmaxAttention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""q, k, v [B, L, n, dh] → [B, L, n, dh]."""

_TOLERANCE: Final = 0.01
"""Relative L2 against float32: a bfloat16 kernel has about 0.003, a wrong one about 1."""
_CLEARLY: Final = 0.97
"""A backend further down the list must take this share of the time to go before one above."""
_PROBE_TOKENS: Final = (320, 704)  # neither is a multiple of a usual tile of 128
_WORTH_ITS_ERROR: Final = 0.95
"""FP8 attention has to take this share of the time: it costs precision, and copies are made."""
NARROW: Final = "fp8"
"""Name of attention on FP8 copies of keys and values, which is no backend for other inputs."""
_NARROW_HEADS: Final = (64, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionShape:
    """What a show attends with: queries on keys, both in tokens."""

    num_queries: int
    num_keys: int
    num_heads: int
    head_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionChoice:
    """The backend that runs.

    Attributes:
        name: of the backend.
        attend: runs it.
        ms: backend → median ms on the shape of the show, of those that answered rightly.
        refused: backend → why it was left out.
    """

    name: str
    attend: SoftmaxAttention
    ms: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def choose_attention(
    shape: AttentionShape, dtype: torch.dtype, device: torch.device, wanted: str = "auto"
) -> AttentionChoice:
    """Return the fastest backend that answers rightly.

    Args:
        shape: of the show.
        dtype: of queries, keys and values.
        device: where they are.
        wanted: name of the only one to try; auto tries all.
    """
    if device.type != "cuda":
        return AttentionChoice(name="sdpa", attend=attention)
    made, refused = _probed(shape, dtype, device, wanted)
    if not made:
        return AttentionChoice(name="sdpa", attend=attention, refused=refused)
    inputs = _random_inputs(shape, dtype, device)
    ms = {}
    for name, attend in made.items():
        try:
            ms[name] = median_ms(partial(attend, *inputs))
        except RuntimeError as error:  # right on small numbers, but not made for this shape
            refused[name] = str(error).partition("\n")[0]
    if not ms:
        return AttentionChoice(name="sdpa", attend=attention, refused=refused)
    name = fastest(ms)
    return AttentionChoice(name=name, attend=made[name], ms=ms, refused=refused)


def fastest(ms: dict[str, float]) -> str:
    """Return the first name that no later one clearly beats, so that noise decides nothing."""
    best, *others = ms
    for name in others:
        if ms[name] < _CLEARLY * ms[best]:
            best = name
    return best


def is_narrow_faster(shape: AttentionShape, choice: AttentionChoice, device: torch.device) -> bool:
    """Whether attention on FP8 copies beats the backend that was chosen by enough."""
    if device.type != "cuda" or shape.head_dim not in _NARROW_HEADS:
        return False
    q, k, v = _random_inputs(shape, torch.bfloat16, device)
    k, v = (part[0].transpose(0, 1).contiguous() for part in (k, v))
    copies = narrow.narrow_like(k)
    narrow.narrow_keys(k, copies.k, 0, shape.num_keys)
    narrow.narrow_values(v, copies.v, 0, shape.num_keys)
    queries = q[0].to(FP8)
    ms = median_ms(partial(narrow.attention, queries, copies, shape.num_keys, torch.bfloat16))
    choice.ms[NARROW] = ms
    return ms < _WORTH_ITS_ERROR * choice.ms.get(choice.name, 0.0)


def _probed(
    shape: AttentionShape, dtype: torch.dtype, device: torch.device, wanted: str
) -> tuple[dict[str, SoftmaxAttention], dict[str, str]]:
    """Return the backends that answer rightly, and why the others do not."""
    small = AttentionShape(
        num_queries=_PROBE_TOKENS[0], num_keys=_PROBE_TOKENS[1],
        num_heads=min(shape.num_heads, 4), head_dim=shape.head_dim,
    )  # fmt: skip
    inputs = _random_inputs(small, dtype, device)
    expected = attention_reference(*inputs).float()
    made, refused = {}, {}
    for name, make in BACKENDS.items():
        if wanted not in ("auto", name):
            continue
        try:
            attend = make()
            found = attend(*inputs).float()
        except (ImportError, AttributeError, RuntimeError, TypeError, ValueError) as error:
            refused[name] = str(error).partition("\n")[0] or type(error).__name__
            continue
        distance = float((found - expected).norm() / expected.norm())
        if distance < _TOLERANCE:
            made[name] = attend
        else:
            refused[name] = f"differs from the reference by {distance:.3f}, at most {_TOLERANCE}"
    return made, refused


def _random_inputs(
    shape: AttentionShape, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Random tensors laid out as a show lays them out: heads of keys and values lie apart."""
    generator = torch.Generator(device).manual_seed(1)
    size = (shape.num_heads, shape.head_dim)
    q = torch.randn(1, shape.num_queries, *size, dtype=dtype, device=device, generator=generator)
    k, v = torch.randn(
        2, 1, shape.num_heads, shape.num_keys, shape.head_dim,
        dtype=dtype, device=device, generator=generator,
    ).transpose(2, 3)  # fmt: skip
    return q, k, v


def _sdpa(kinds: Sequence[SDPBackend]) -> SoftmaxAttention:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        with sdpa_kernel(list(kinds)):
            out = F.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            )
        return out.transpose(1, 2)

    return attend


def _package(module: str, function: str) -> SoftmaxAttention:
    """Return a function of FlashAttention's family; all take [B, L, n, dh]."""
    call: Callable[..., Any] = getattr(importlib.import_module(module), function)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        found = call(q, k, v)
        out: Tensor = found[0] if isinstance(found, tuple) else found
        return out

    return attend


BACKENDS: Final[dict[str, Callable[[], SoftmaxAttention]]] = {
    "cudnn": partial(_sdpa, [SDPBackend.CUDNN_ATTENTION]),
    "flash-attention 4": partial(_package, "flash_attn.cute", "flash_attn_func"),
    "flash-attention 3": partial(_package, "flash_attn_interface", "flash_attn_func"),
    "flash": partial(_sdpa, [SDPBackend.FLASH_ATTENTION]),
    "memory-efficient": partial(_sdpa, [SDPBackend.EFFICIENT_ATTENTION]),
}
"""In the order of preference where two are equally fast."""
