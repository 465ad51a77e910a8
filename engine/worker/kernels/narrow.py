"""FP8 copies of cached keys and values, and attention on them. HOT.

In:     keys after their rotation and values, [N, T, dh], N layers times heads.
Out:    keys [N, T, dh] and values [N, dh, P] in e4m3; attended values.
Thread: generator.

Copies are made when keys and values are cached, once and not at every step. On a GPU the kernels of
`triton_attention` run; elsewhere their plain twins.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.worker.kernels.attention import attention_reference as wide_reference
from engine.worker.kernels.products import FP8

_ALIGNED = 16
"""Rows of values begin at multiples of this many bytes, as matrix units load them."""


class NarrowKV(NamedTuple):
    """Copies of one layer: k [n, T, dh], v [n, dh, P]; or of all, with layers and heads first."""

    k: Tensor
    v: Tensor


def narrow_like(k: Tensor) -> NarrowKV:
    """Return room for copies of keys and values [..., T, dh]."""
    *outer, places, head_dim = k.shape
    padded = -(-places // _ALIGNED) * _ALIGNED
    room = torch.zeros(*outer, head_dim, padded, dtype=torch.float32, device="cpu")
    return NarrowKV(
        torch.zeros_like(k, dtype=FP8, memory_format=torch.contiguous_format),
        room.to(FP8).to(k.device),
    )


def narrow_keys(k: Tensor, narrow: Tensor, first: int, stop: int) -> None:
    """Copy keys [N, T, dh] at places `first` up to `stop`."""
    narrow[:, first:stop].copy_(k[:, first:stop])


def narrow_values(v: Tensor, narrow: Tensor, first: int, stop: int) -> None:
    """Copy values [N, T, dh] at places `first` up to `stop`; places are last in the copy."""
    if v.is_cuda:
        from engine.worker.kernels import triton_attention

        triton_attention.narrow_values(v, narrow, first, stop)
    else:
        narrow[..., first:stop].copy_(v[:, first:stop].transpose(1, 2))


def attention(q: Tensor, kv: NarrowKV, num_keys: int, dtype: torch.dtype) -> Tensor:
    """Attend queries [Lq, n, dh] in e4m3 to the first `num_keys` places.

    Args:
        q: queries.
        kv: copies of one layer.
        num_keys: places that are valid.
        dtype: of the result.

    Returns:
        [Lq, n, dh].
    """
    if q.is_cuda:
        from engine.worker.kernels import triton_attention

        return triton_attention.attention(q, kv.k, kv.v, num_keys, dtype)
    return attention_reference(q, kv, num_keys, dtype)


def attention_reference(q: Tensor, kv: NarrowKV, num_keys: int, dtype: torch.dtype) -> Tensor:
    """Plain twin of `attention`, with weights in float32."""
    k = kv.k[:, :num_keys].float().transpose(0, 1)
    v = kv.v[..., :num_keys].float().permute(2, 0, 1)
    return wide_reference(q[None].float(), k[None], v[None])[0].to(dtype)
