"""The kernel of `text_attention` in Triton: one program a tile of queries and a head. HOT.

In, Out: as in `text_attention`, whose plain twin it is held against.
Thread: generator.

How many keys there are is read on the device, so a new prompt records nothing anew.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.worker.kernels.text_attention import TextRows

_LOG2_E = 1.4426950408889634
_NOTHING = tl.constexpr(-1e30)
_QUERIES, _KEYS, _WARPS = 64, 32, 4
"""50 us for 4680 queries on a text of 40 rows, 40 heads; 128, 64, 4: 91 (H100, triton 3.6)."""
_LEAST_KEYS = 16  # the matrix units take no fewer


@triton.jit
def _text_kernel(
    q, k, v, count_at, repeats_at, out, num_queries, scale,
    WIDTH: tl.constexpr, HEAD: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    count, repeats = tl.load(count_at), tl.load(repeats_at)
    head = tl.program_id(1)
    row = (tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)).to(tl.int64)
    channel = head * HEAD + tl.arange(0, HEAD)
    at = row[:, None] * WIDTH + channel[None, :]
    inside = (row < num_queries)[:, None]
    queries = tl.load(q + at, inside, 0.0)
    largest = tl.full([QUERIES], _NOTHING, tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    found = tl.zeros([QUERIES, HEAD], tl.float32)
    for first in range(0, count, KEYS):
        place = first + tl.arange(0, KEYS)
        key_at, is_key = place[:, None] * WIDTH + channel[None, :], (place < count)[:, None]
        keys = tl.load(k + key_at, is_key, 0.0)
        scores = tl.dot(queries, tl.trans(keys)) * scale
        scores += tl.where(place == count - 1, repeats, 0.0)[None, :]
        scores = tl.where((place < count)[None, :], scores, _NOTHING)
        new = tl.maximum(largest, tl.max(scores, 1))
        fade, weights = tl.exp2(largest - new), tl.exp2(scores - new[:, None])
        total = total * fade + tl.sum(weights, 1)
        values = tl.load(v + key_at, is_key, 0.0)
        found = tl.dot(weights.to(values.dtype), values, found * fade[:, None])
        largest = new
    tl.store(out + at, (found / total[:, None]).to(out.dtype.element_ty), inside)


def text_attention(q: Tensor, k: Tensor, v: Tensor, rows: TextRows) -> Tensor:
    """As `text_attention.text_attention`."""
    num_queries, num_heads, head_dim = q.shape
    out = torch.empty_like(q)
    num_keys = min(_KEYS, max(_LEAST_KEYS, triton.next_power_of_2(len(k))))
    _text_kernel[(triton.cdiv(num_queries, _QUERIES), num_heads)](
        q, k, v, rows.num_read, rows.repeats, out, num_queries, head_dim**-0.5 * _LOG2_E,
        WIDTH=num_heads * head_dim, HEAD=head_dim, QUERIES=_QUERIES, KEYS=num_keys,
        num_warps=_WARPS,
    )  # fmt: skip
    return out
