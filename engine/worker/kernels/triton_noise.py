"""`noise.normal_noise` in one kernel: the same bits. HOT.

Thread: generator.   Source: Salmon et al. (2011), for Philox4x32-10.
"""

import triton
import triton.language as tl
from torch import Tensor

_BLOCKS_PER_PROGRAM = 256


# Words of a key change from call to call: a kernel compiled for one of them would serve no other.
@triton.jit(do_not_specialize=["count", "step", "chunk", "cut", "low", "high"])
def _noise_kernel(
    out, table, count, step, chunk, cut, low, high, PER_PROGRAM: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0) * PER_PROGRAM + tl.arange(0, PER_PROGRAM)
    a = block.to(tl.uint32)
    b = tl.zeros_like(a) + step.to(tl.uint32)
    c = tl.zeros_like(a) + chunk.to(tl.uint32)
    d = tl.zeros_like(a) + cut.to(tl.uint32)
    low = tl.zeros_like(a) + low.to(tl.uint32)
    high = tl.zeros_like(a) + high.to(tl.uint32)
    left_by = tl.full(a.shape, 0xD2511F53, tl.uint32)
    right_by = tl.full(a.shape, 0xCD9E8D57, tl.uint32)
    for _ in tl.static_range(10):
        left_high, left_low = tl.umulhi(a, left_by), a * left_by
        right_high, right_low = tl.umulhi(c, right_by), c * right_by
        a, b = right_high ^ b ^ low, right_low
        c, d = left_high ^ d ^ high, left_low
        low += tl.full(a.shape, 0x9E3779B9, tl.uint32)
        high += tl.full(a.shape, 0xBB67AE85, tl.uint32)
    at = block.to(tl.int64) * 4
    _store_normal(out, table, a, at, count)
    _store_normal(out, table, b, at + 1, count)
    _store_normal(out, table, c, at + 2, count)
    _store_normal(out, table, d, at + 3, count)


@triton.jit
def _store_normal(out, table, word, at, count):
    """Write one sample: 16 bits choose a quantile, 15 the place behind it, one the sign."""
    wide = word.to(tl.int64)
    index = (wide >> 15) & 0xFFFF
    start = tl.load(table + 2 * index)
    width = tl.load(table + 2 * index + 1)
    grid = start + ((width * (wide & 0x7FFF)) >> 15)
    signed = tl.where((wide >> 31) == 0, grid, -grid)
    tl.store(out + at, signed.to(tl.float32) * 9.5367431640625e-07, at < count)  # 2^-20, exact


def normal_into(out: Tensor, table: Tensor, words: tuple[int, int, int], seed: int) -> None:
    """Fill `out` float32 with the noise of a key.

    Args:
        out: contiguous.
        table: of `noise`: quantile and distance to the next, [65536, 2] int64.
        words: step, chunk and cut of the key.
        seed: of the key.
    """
    num_blocks = (out.numel() + 3) // 4
    _noise_kernel[(triton.cdiv(num_blocks, _BLOCKS_PER_PROGRAM),)](
        out, table, out.numel(), *words, seed & 0xFFFFFFFF, seed >> 32,
        PER_PROGRAM=_BLOCKS_PER_PROGRAM,
    )  # fmt: skip
