"""Cached keys and values move to other places, and keys turn to their new positions. HOT.

In:     buffers [N, T, dh], N = layers * batch * heads.
Thread: generator.   Plain twin: `kv_cache.move_reference`.
"""

import triton
import triton.language as tl
from torch import Tensor

_TOKENS_PER_PROGRAM = 16


@triton.jit
def _move_kernel(
    plain, turned, v, cos, sin, num_places, first, step, count,
    HEAD: tl.constexpr, TOKENS: tl.constexpr, TURNS: tl.constexpr,
):  # fmt: skip
    """Move rows first + step + i to first + i, for i below `count`, which is at most `step`."""
    index = tl.program_id(1) * TOKENS + tl.arange(0, TOKENS)
    inside = (index < count)[:, None]
    channel = tl.arange(0, HEAD)
    at = tl.program_id(0).to(tl.int64) * num_places
    source = (at + first + step + index)[:, None] * HEAD + channel[None, :]
    target = (at + first + index)[:, None] * HEAD + channel[None, :]
    tl.store(v + target, tl.load(v + source, inside), inside)
    key = tl.load(plain + source, inside)
    tl.store(plain + target, key, inside)
    if TURNS:
        pairs = tl.reshape(key.to(tl.float32), [TOKENS, HEAD // 2, 2])
        even, odd = tl.split(pairs)
        half = tl.arange(0, HEAD // 2)
        angle = (first + index)[:, None] * (HEAD // 2) + half[None, :]
        c, s = tl.load(cos + angle, inside, 0.0), tl.load(sin + angle, inside, 0.0)
        joined = tl.join(even * c - odd * s, even * s + odd * c)
        rotated = tl.reshape(joined, [TOKENS, HEAD])
        tl.store(turned + target, rotated.to(turned.dtype.element_ty), inside)


def move_inplace(
    buffers: tuple[Tensor, Tensor, Tensor],
    table: tuple[Tensor, Tensor] | None,
    places: tuple[int, int, int],
) -> None:
    """Move rows down, in steps that never overlap.

    Args:
        buffers: keys before rotation, keys after it, values; each [N, T, dh], contiguous.
        table: cosine and sine [T, dh/2] float32 by place; None where keys are not turned again
            (then the first two buffers are one).
        places: first row that is overwritten, distance of the move, first row that stays as it is.
    """
    plain, turned, v = buffers
    first, step, stop = places
    cos, sin = table if table is not None else (v, v)
    for at in range(first, stop, step):
        count = min(step, stop - at)
        _move_kernel[(len(v), triton.cdiv(count, _TOKENS_PER_PROGRAM))](
            plain, turned, v, cos, sin, v.shape[1], at, step, count,
            HEAD=v.shape[2], TOKENS=_TOKENS_PER_PROGRAM, TURNS=table is not None, num_warps=4,
        )  # fmt: skip
