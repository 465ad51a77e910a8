"""RMS norm over channels and SiLU behind it, in one pass over memory. HOT.

In, Out: [P, C], one row a pixel, float16 or bfloat16.
Thread: generator, preprocess.   Plain twin: `vae_layers.norm_silu_reference`.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_ELEMENTS = 4096  # of one program


@triton.jit
def _norm_silu_kernel(
    x, gamma, out, num_rows, scale, least,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    at = tl.arange(0, BLOCK)
    inside = (row < num_rows)[:, None] & (at < WIDTH)[None, :]
    place = row[:, None] * WIDTH + at[None, :]
    value = tl.load(x + place, inside, 0.0).to(tl.float32)
    length = tl.maximum(tl.sqrt(tl.sum(value * value, 1)), least)
    weight = tl.load(gamma + at, at < WIDTH, 0.0).to(tl.float32)
    normed = value * (scale / length)[:, None] * weight[None, :]
    tl.store(out + place, (normed * tl.sigmoid(normed)).to(out.dtype.element_ty), inside)


def norm_silu(x: Tensor, gamma: Tensor, least: float) -> Tensor:
    """Return SiLU of the normed rows.

    Args:
        x: [P, C], contiguous.
        gamma: weight of each channel, [C].
        least: norm that a row of zeros is taken to have.
    """
    num_rows, width = x.shape
    out = torch.empty_like(x)
    block = triton.next_power_of_2(width)
    rows = max(_ELEMENTS // block, 1)
    _norm_silu_kernel[(triton.cdiv(num_rows, rows),)](
        x, gamma, out, num_rows, float(width) ** 0.5, least,
        WIDTH=width, BLOCK=block, ROWS=rows, num_warps=4,
    )  # fmt: skip
    return out
