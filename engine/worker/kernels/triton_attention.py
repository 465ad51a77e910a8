"""Softmax attention in FP8 on keys and values that were narrowed when they were cached. HOT.

In:     q [Lq, n, dh], k [n, T, dh], v [n, dh, P] with P >= T, all e4m3.
Out:    [Lq, n, dh] in the type that is asked for.
Thread: generator.   Plain twin: `narrow.attention_reference`.
Source: Dao et al., FlashAttention (arXiv 2205.14135), for the running maximum and sum.

Nothing is scaled: queries and keys come out of a norm, values out of a projection, and e4m3 holds
five decades. Weights are kept 2^8 times as large as they are, so that small ones do not vanish; the
sum that divides them is as much larger. Values lie with places last, as the matrix units read them.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_LOG2_E = 1.4426950408889634
_SHIFT = tl.constexpr(8.0)
_NOTHING = tl.constexpr(-1e30)
_QUERIES, _KEYS, _WARPS, _STAGES = 128, 128, 4, 3
"""685 TFLOP/s for 2352 queries on 4704 keys, 40 heads; 128, 64, 8, 3: 601 (H100, triton 3.6)."""
_PLACES = 128


@triton.jit
def _attend_tile(
    q, k, v, first, largest, total, found, num_keys, scale, v_stride,
    HEAD: tl.constexpr, KEYS: tl.constexpr, IS_LAST: tl.constexpr,
):  # fmt: skip
    """Take in KEYS keys: weights, running maximum and sum, weighted values."""
    channel = tl.arange(0, HEAD)
    place = first + tl.arange(0, KEYS)
    k_at = k + place[None, :] * HEAD + channel[:, None]
    v_at = v + channel[:, None] * v_stride + place[None, :]
    if IS_LAST:
        inside = (place < num_keys)[None, :]
        scores = tl.where(inside, tl.dot(q, tl.load(k_at, inside, 0.0)), _NOTHING)
        values = tl.load(v_at, inside, 0.0)
    else:
        scores = tl.dot(q, tl.load(k_at))
        values = tl.load(v_at)
    new = tl.maximum(largest, tl.max(scores, 1))
    fade = tl.exp2((largest - new) * scale)
    weights = tl.exp2(scores * scale - (new * scale - _SHIFT)[:, None])
    total = total * fade + tl.sum(weights, 1)
    found = tl.dot(weights.to(tl.float8e4nv), tl.trans(values), found * fade[:, None])
    return new, total, found


@triton.jit
def _attention_kernel(
    q, k, v, out, num_queries, num_keys, scale, row_stride, k_stride, v_head, v_stride,
    HEAD: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(1)
    row = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)
    channel = tl.arange(0, HEAD)
    at = row[:, None] * row_stride + head * HEAD + channel[None, :]
    inside = (row < num_queries)[:, None]
    queries = tl.load(q + at, inside, 0.0)
    k += head.to(tl.int64) * k_stride
    v += head.to(tl.int64) * v_head
    largest = tl.full([QUERIES], _NOTHING, tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    found = tl.zeros([QUERIES, HEAD], tl.float32)
    whole = num_keys // KEYS * KEYS
    for first in range(0, whole, KEYS):
        largest, total, found = _attend_tile(
            queries, k, v, first, largest, total, found, num_keys, scale, v_stride,
            HEAD, KEYS, False,
        )  # fmt: skip
    if whole < num_keys:
        largest, total, found = _attend_tile(
            queries, k, v, whole, largest, total, found, num_keys, scale, v_stride,
            HEAD, KEYS, True,
        )  # fmt: skip
    tl.store(out + at, (found / total[:, None]).to(out.dtype.element_ty), inside)


def attention(q: Tensor, k: Tensor, v: Tensor, num_keys: int, dtype: torch.dtype) -> Tensor:
    """Attend queries [Lq, n, dh] to the first `num_keys` places; returns [Lq, n, dh]."""
    num_queries, num_heads, head_dim = q.shape
    out = torch.empty_like(q, dtype=dtype)
    _attention_kernel[(triton.cdiv(num_queries, _QUERIES), num_heads)](
        q, k, v, out, num_queries, num_keys, head_dim**-0.5 * _LOG2_E,
        q.stride(0), k.stride(0), v.stride(0), v.stride(1),
        HEAD=head_dim, QUERIES=_QUERIES, KEYS=_KEYS, num_warps=_WARPS, num_stages=_STAGES,
    )  # fmt: skip
    return out


@triton.jit
def _narrow_values_kernel(
    v, narrow, places, padded, first, count, HEAD: tl.constexpr, PLACES: tl.constexpr
):
    index = tl.program_id(1) * PLACES + tl.arange(0, PLACES)
    channel = tl.arange(0, HEAD)
    inside = index < count
    row = tl.program_id(0).to(tl.int64)
    source = (row * places + first + index)[:, None] * HEAD + channel[None, :]
    value = tl.trans(tl.load(v + source, inside[:, None], 0.0).to(tl.float32))
    target = (row * HEAD + channel)[:, None] * padded + (first + index)[None, :]
    tl.store(narrow + target, value.to(narrow.dtype.element_ty), inside[None, :])


def narrow_values(v: Tensor, narrow: Tensor, first: int, stop: int) -> None:
    """Write values [N, T, dh] at places `first` up to `stop` into `narrow` [N, dh, P], e4m3."""
    num_rows, places, head_dim = v.shape
    count = stop - first
    _narrow_values_kernel[(num_rows, triton.cdiv(count, _PLACES))](
        v, narrow, places, narrow.shape[2], first, count,
        HEAD=head_dim, PLACES=_PLACES, num_warps=4,
    )  # fmt: skip
