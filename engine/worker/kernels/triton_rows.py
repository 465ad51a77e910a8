"""The kernels of `rows` in Triton: one program a row, one pass over memory. HOT.

In, Out: as in `rows`, whose plain twins these are held against.
Thread: generator.

A row stays in registers between its statistics and its result, so a kernel moves what it reads and
writes once. Constants in capitals are compiled in; the rest may change from call to call.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.worker.kernels.products import FP8, Activation, Product
from engine.worker.kernels.rows import Affine, HeadNorms, KVSlots, Turn

_FP8_MAX = tl.constexpr(448.0)
_LEAST = tl.constexpr(1e-12)
_GELU_SCALE = tl.constexpr(0.7978845608028654)  # sqrt(2 / pi)
_GELU_CUBIC = tl.constexpr(0.044715)

# Numbers of warps are the fastest of 2, 4, 8, 16 for rows of 1536, 5120, 8960 and 13824 (one H100,
# triton 3.6, 2026-11-27).


@triton.jit
def _load_product(values, row_scales, column_scales, bias, row, at, inside, WIDTH, HAS_SCALES):
    """Return one row of a product, written out."""
    value = tl.load(values + row * WIDTH + at, inside, 0.0, eviction_policy="evict_first")
    value = value.to(tl.float32)
    if HAS_SCALES:
        value *= tl.load(row_scales + row) * _load_shared(column_scales, at, inside)
    return value + _load_shared(bias, at, inside)


@triton.jit
def _load_shared(vector, at, inside):
    """Return what all rows read, and what should therefore stay in the cache."""
    return tl.load(vector + at, inside, 0.0, eviction_policy="evict_last").to(tl.float32)


@triton.jit
def _store_row(value, out, out_scales, row, at, inside, WIDTH, IS_FP8: tl.constexpr):
    """Write one row, in FP8 with its scale."""
    if IS_FP8:
        largest = tl.maximum(tl.max(tl.abs(tl.where(inside, value, 0.0)), 0), _LEAST)
        tl.store(out_scales + row, largest / _FP8_MAX)
        value *= _FP8_MAX / largest  # one division a row, not one a number
    tl.store(out + row * WIDTH + at, value.to(out.dtype.element_ty), inside)


@triton.jit
def _normed_row(value, mul, add, at, inside, width, eps, ONE: tl.constexpr):
    mean = tl.sum(tl.where(inside, value, 0.0), 0) / width
    centred = tl.where(inside, value - mean, 0.0)
    inverse = tl.rsqrt(tl.sum(centred * centred, 0) / width + eps)
    scaled = centred * inverse * (_load_shared(mul, at, inside) + ONE)
    return scaled + _load_shared(add, at, inside)


@triton.jit
def _norm_kernel(
    x, mul, add, out, out_scales, eps,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, ONE: tl.constexpr, IS_FP8: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    value = tl.load(x + row * WIDTH + at, inside, 0.0).to(tl.float32)
    y = _normed_row(value, mul, add, at, inside, WIDTH, eps, ONE)
    _store_row(y, out, out_scales, row, at, inside, WIDTH, IS_FP8)


@triton.jit
def _add_norm_kernel(
    x, values, row_scales, column_scales, bias, gate, mul, add, out, out_scales, eps,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, HAS_SCALES: tl.constexpr, HAS_GATE: tl.constexpr,
    HAS_NORM: tl.constexpr, ONE: tl.constexpr, IS_FP8: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    update = _load_product(
        values, row_scales, column_scales, bias, row, at, inside, WIDTH, HAS_SCALES
    )
    if HAS_GATE:
        update *= _load_shared(gate, at, inside)
    value = tl.load(x + row * WIDTH + at, inside, 0.0).to(tl.float32) + update
    rounded = value.to(x.dtype.element_ty)
    tl.store(x + row * WIDTH + at, rounded, inside)
    if HAS_NORM:
        y = _normed_row(rounded.to(tl.float32), mul, add, at, inside, WIDTH, eps, ONE)
        _store_row(y, out, out_scales, row, at, inside, WIDTH, IS_FP8)


@triton.jit
def _rms_row(value, weight, at, inside, width, eps):
    inverse = tl.rsqrt(tl.sum(tl.where(inside, value * value, 0.0), 0) / width + eps)
    return value * inverse * _load_shared(weight, at, inside)


@triton.jit
def _head_norm_kernel(
    values, row_scales, column_scales, bias, weight, out, eps,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, HAS_SCALES: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    value = _load_product(
        values, row_scales, column_scales, bias, row, at, inside, WIDTH, HAS_SCALES
    )
    y = _rms_row(value, weight, at, inside, WIDTH, eps)
    tl.store(out + row * WIDTH + at, y.to(out.dtype.element_ty), inside)


@triton.jit
def _qkv_kernel(
    values, row_scales, column_scales, bias, weights, cos, sin, q, k, v, plain, narrow, eps,
    head_stride, start, skip, WIDTH: tl.constexpr, HEAD: tl.constexpr, BLOCK: tl.constexpr,
    HAS_SCALES: tl.constexpr, HAS_PLAIN: tl.constexpr, HAS_NARROW: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    part = tl.program_id(1)  # 0: queries, 1: keys, 2: values
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    first = part * WIDTH
    value = _load_product(
        values + first, row_scales, column_scales + first, bias + first, row, at, inside,
        3 * WIDTH, HAS_SCALES,
    )  # fmt: skip
    place = (at // HEAD) * head_stride + (row - skip + start) * HEAD + at % HEAD
    is_kept = inside & (row >= skip)
    if part == 2:
        tl.store(v + place, value.to(v.dtype.element_ty), is_kept)
    else:
        y = _rms_row(value, weights + first, at, inside, WIDTH, eps)
        # Two conditions in one would compile the store in where there is nothing to store to.
        if HAS_PLAIN:  # noqa: SIM102
            if part == 1:
                tl.store(plain + place, y.to(plain.dtype.element_ty), is_kept)
        even, odd = tl.split(tl.reshape(y, [BLOCK // 2, 2]))
        angle = tl.arange(0, BLOCK // 2) % (HEAD // 2)
        c = tl.load(cos + row * (HEAD // 2) + angle)
        s = tl.load(sin + row * (HEAD // 2) + angle)
        turned = tl.reshape(tl.join(even * c - odd * s, even * s + odd * c), [BLOCK])
        if part == 0:
            tl.store(q + row * WIDTH + at, turned.to(q.dtype.element_ty), inside)
        else:
            tl.store(k + place, turned.to(k.dtype.element_ty), is_kept)
            if HAS_NARROW:
                tl.store(narrow + place, turned.to(narrow.dtype.element_ty), is_kept)


@triton.jit
def _fast_tanh(z):
    """Return tanh to 11 bits by the instruction for it: half of what a division takes."""
    return tl.inline_asm_elementwise(
        "tanh.approx.f32 $0, $1;", "=f,f", [z], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _gelu_kernel(
    values, row_scales, column_scales, bias, out, out_scales,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, HAS_SCALES: tl.constexpr, IS_FP8: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    y = _load_product(values, row_scales, column_scales, bias, row, at, inside, WIDTH, HAS_SCALES)
    z = _GELU_SCALE * (y + _GELU_CUBIC * y * y * y)
    # 1 + tanh(z) = 2 sigmoid(2 z). FP8 keeps 3 bits of the result, so 11 bits of tanh are enough.
    y *= 0.5 + 0.5 * _fast_tanh(z) if IS_FP8 else tl.sigmoid(2.0 * z)
    _store_row(y, out, out_scales, row, at, inside, WIDTH, IS_FP8)


@triton.jit
def _quantise_kernel(x, out, out_scales, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    value = tl.load(x + row * WIDTH + at, inside, 0.0).to(tl.float32)
    _store_row(value, out, out_scales, row, at, inside, WIDTH, True)


def normed(x: Tensor, affine: Affine, eps: float, *, narrow: bool) -> Activation:
    """As `rows.normed`."""
    num_rows, width = x.shape
    out = _activation(x, x.shape, narrow=narrow)
    _norm_kernel[(num_rows,)](
        x, affine.mul, affine.add, out.values, _or(out.scales, x), eps,
        ONE=affine.one, IS_FP8=narrow, **_sizes(width),
    )  # fmt: skip
    return out


def add_inplace_normed(
    x: Tensor, update: Product, gate: Tensor | None, affine: Affine, eps: float, *, narrow: bool
) -> Activation:
    """As `rows.add_inplace_normed`."""
    out = _activation(x, x.shape, narrow=narrow)
    _add(x, update, gate, (affine, out, eps))
    return out


def add_inplace(x: Tensor, update: Product, gate: Tensor | None) -> None:
    """As `rows.add_inplace`."""
    _add(x, update, gate, None)


def _add(
    x: Tensor, update: Product, gate: Tensor | None, norm: tuple[Affine, Activation, float] | None
) -> None:
    num_rows, width = x.shape
    affine, out, eps = norm or (Affine(x, x), Activation(x), 0.0)
    _add_norm_kernel[(num_rows,)](
        x, *_product(update), _or(gate, x), affine.mul, affine.add, out.values,
        _or(out.scales, x), eps,
        HAS_SCALES=update.row_scales is not None, HAS_GATE=gate is not None,
        HAS_NORM=norm is not None, ONE=affine.one, IS_FP8=out.scales is not None,
        **_sizes(width, 1 if width <= 2048 else 2),
    )  # fmt: skip


def queries_into_slots(
    qkv: Product, norms: HeadNorms, turn: Turn, slots: KVSlots, out_dtype: torch.dtype
) -> Tensor:
    """As `rows.queries_into_slots`."""
    num_heads, _, head_dim = slots.k.shape
    num_rows, width = len(qkv.values), num_heads * head_dim
    q = qkv.values.new_empty(num_rows, num_heads, head_dim, dtype=out_dtype)
    _qkv_kernel[(num_rows, 3)](
        *_product(qkv), norms.weights, turn.cos, turn.sin, q, slots.k, slots.v,
        _or(slots.plain, slots.k), _or(slots.narrow_k, slots.k), norms.eps,
        slots.k.stride(0), slots.start, slots.skip,
        HEAD=head_dim, HAS_SCALES=qkv.row_scales is not None,
        HAS_PLAIN=slots.plain is not None, HAS_NARROW=slots.narrow_k is not None,
        **_sizes(width, 2 if width <= 2048 else 4),
    )  # fmt: skip
    return q


def head_normed(product: Product, norm: HeadNorms, out_dtype: torch.dtype) -> Tensor:
    """As `rows.head_normed`."""
    num_rows, width = product.values.shape
    out = torch.empty_like(product.values, dtype=out_dtype)
    _head_norm_kernel[(num_rows,)](
        *_product(product), norm.weights, out, norm.eps,
        HAS_SCALES=product.row_scales is not None, **_sizes(width),
    )  # fmt: skip
    return out


def gelu(product: Product, dtype: torch.dtype, *, narrow: bool) -> Activation:
    """As `rows.gelu`."""
    num_rows, width = product.values.shape
    out = _activation(product.values, product.values.shape, dtype, narrow=narrow)
    _gelu_kernel[(num_rows,)](
        *_product(product), out.values, _or(out.scales, product.bias),
        HAS_SCALES=product.row_scales is not None, IS_FP8=narrow,
        **_sizes(width, 16 if width > 12000 else 8),
    )  # fmt: skip
    return out


def quantised_rows(x: Tensor) -> Activation:
    """As `products.quantised`."""
    out = _activation(x, x.shape, narrow=True)
    _quantise_kernel[(len(x),)](x, out.values, out.scales, **_sizes(x.shape[1]))
    return out


def _product(product: Product) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    bias = product.bias
    return product.values, _or(product.row_scales, bias), _or(product.column_scales, bias), bias


def _or(tensor: Tensor | None, stand_in: Tensor) -> Tensor:
    """A pointer that is never followed stands where a kernel needs none."""
    return stand_in if tensor is None else tensor


def _activation(
    like: Tensor, shape: torch.Size, dtype: torch.dtype | None = None, *, narrow: bool
) -> Activation:
    if not narrow:
        return Activation(like.new_empty(shape, dtype=dtype or like.dtype))
    values = torch.empty(shape, dtype=FP8, device=like.device)
    return Activation(values, like.new_empty(shape[0], dtype=torch.float32))


def _sizes(width: int, num_warps: int = 4) -> dict[str, int]:
    return {"WIDTH": width, "BLOCK": triton.next_power_of_2(width), "num_warps": num_warps}
