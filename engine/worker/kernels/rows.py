"""What happens to rows of tokens between two products, each in one pass over memory. HOT.

In:     `Product`s [L, N] and the residual x [L, D], one row a token.
Out:    `Activation`s for the next product, in the model's type or in FP8 with a scale a row.
Thread: generator.

On a GPU every function is one Triton kernel (`triton_rows`); elsewhere its plain twin runs, which
is also what the kernels are tested against. Arithmetic is float32; x is rounded to its own type
before it is normed, as it is when the steps are apart.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.worker.kernels.products import FP8, Activation, Product, quantised


class Affine(NamedTuple):
    """What follows a norm: times `mul` + `one`, plus `add`; both rows are [D]."""

    mul: Tensor
    add: Tensor
    one: float = 0.0


class Hint(NamedTuple):
    """What a VACE block adds behind a layer: `update` times `scale`, [] float32."""

    update: Product
    scale: Tensor


class HeadNorms(NamedTuple):
    """RMS norms of queries and keys, over all heads: weights [2, D]."""

    weights: Tensor
    eps: float


class Turn(NamedTuple):
    """Rotary cosines and sines of the rows, [L, dh/2] float32."""

    cos: Tensor
    sin: Tensor


class KVSlots(NamedTuple):
    """Where keys and values of a pass go: [n, T, dh], of one layer.

    `plain` gets keys before their rotation and `narrow_k` FP8 copies of them after it, if somebody
    needs them. Row `skip` of the pass goes to
    place `start`; rows before it go nowhere.
    """

    k: Tensor
    v: Tensor
    plain: Tensor | None
    start: int = 0
    skip: int = 0
    narrow_k: Tensor | None = None


def normed(x: Tensor, affine: Affine, eps: float, *, narrow: bool) -> Activation:
    """LayerNorm of x [L, D] and what follows it."""
    if x.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.normed(x, affine, eps, narrow=narrow)
    return normed_reference(x, affine, eps, narrow=narrow)


def normed_reference(x: Tensor, affine: Affine, eps: float, *, narrow: bool) -> Activation:
    """Plain twin of `normed`."""
    y = F.layer_norm(x.float(), x.shape[-1:], eps=eps) * (affine.mul.float() + affine.one)
    y = y + affine.add.float()
    return _activation(y, x.dtype, narrow=narrow)


def add_inplace_normed(
    x: Tensor,
    update: Product,
    gate: Tensor | None,
    affine: Affine,
    eps: float,
    *,
    narrow: bool,
) -> Activation:
    """Add `update` times `gate` to x [L, D], then norm x as `normed` does.

    Args:
        x: the residual; it is changed.
        update: of the same shape.
        gate: [D]; None is 1.
        affine: of the norm.
        eps: of the norm.
        narrow: whether the result is FP8.
    """
    if x.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.add_inplace_normed(x, update, gate, affine, eps, narrow=narrow)
    add_inplace_reference(x, update, gate)
    return normed_reference(x, affine, eps, narrow=narrow)


def add_inplace(x: Tensor, update: Product, gate: Tensor | None = None) -> None:
    """Add `update` times `gate` [D] to x [L, D]."""
    if x.is_cuda:
        from engine.worker.kernels import triton_rows

        triton_rows.add_inplace(x, update, gate)
    else:
        add_inplace_reference(x, update, gate)


def add_inplace_reference(x: Tensor, update: Product, gate: Tensor | None = None) -> None:
    """Plain twin of `add_inplace`."""
    wide = update.written_out()
    x.copy_(x.float() + (wide if gate is None else wide * gate.float()))


def queries_into_slots(
    qkv: Product, norms: HeadNorms, turn: Turn, slots: KVSlots, out_dtype: torch.dtype
) -> Tensor:
    """Norm and rotate queries and keys, put keys and values into the cache.

    Args:
        qkv: [L, 3D]: queries, keys, values.
        norms: of queries and keys.
        turn: rotation of the rows.
        slots: where keys and values go; heads and their size are its own.
        out_dtype: of the queries.

    Returns:
        Rotated queries [L, n, dh].
    """
    if qkv.values.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.queries_into_slots(qkv, norms, turn, slots, out_dtype)
    return queries_into_slots_reference(qkv, norms, turn, slots, out_dtype)


def queries_into_slots_reference(
    qkv: Product, norms: HeadNorms, turn: Turn, slots: KVSlots, out_dtype: torch.dtype
) -> Tensor:
    """Plain twin of `queries_into_slots`."""
    num_heads, _, head_dim = slots.k.shape
    q, k, v = qkv.written_out().chunk(3, -1)
    q = torch.unflatten(_rms(q, norms.weights[0], norms.eps), -1, (num_heads, head_dim))
    k = torch.unflatten(_rms(k, norms.weights[1], norms.eps), -1, (num_heads, head_dim))
    v = torch.unflatten(v, -1, (num_heads, head_dim))
    stop = slots.start + len(k) - slots.skip
    turned = _turned(k, turn)[slots.skip :].transpose(0, 1)
    slots.k[:, slots.start : stop] = turned
    if slots.narrow_k is not None:
        slots.narrow_k[:, slots.start : stop] = turned.to(FP8)
    slots.v[:, slots.start : stop] = v[slots.skip :].transpose(0, 1)
    if slots.plain is not None:
        slots.plain[:, slots.start : stop] = k[slots.skip :].transpose(0, 1)
    return _turned(q, turn).to(out_dtype)


def head_normed(product: Product, norm: HeadNorms, out_dtype: torch.dtype) -> Tensor:
    """RMS norm of queries [L, D] by the first row of `norm`; returns [L, D]."""
    if product.values.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.head_normed(product, norm, out_dtype)
    return head_normed_reference(product, norm, out_dtype)


def head_normed_reference(product: Product, norm: HeadNorms, out_dtype: torch.dtype) -> Tensor:
    """Plain twin of `head_normed`."""
    return _rms(product.written_out(), norm.weights[0], norm.eps).to(out_dtype)


def gelu(product: Product, dtype: torch.dtype, *, narrow: bool) -> Activation:
    """GELU (tanh form) of a product [L, N], in `dtype` or in FP8."""
    if product.values.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.gelu(product, dtype, narrow=narrow)
    return gelu_reference(product, dtype, narrow=narrow)


def gelu_reference(product: Product, dtype: torch.dtype, *, narrow: bool) -> Activation:
    """Plain twin of `gelu`."""
    return _activation(F.gelu(product.written_out(), approximate="tanh"), dtype, narrow=narrow)


def activation_of(x: Tensor, *, narrow: bool) -> Activation:
    """Return rows [L, K] as a product wants them."""
    if not narrow:
        return Activation(x)
    if x.is_cuda:
        from engine.worker.kernels import triton_rows

        return triton_rows.quantised_rows(x)
    return Activation(*quantised(x))


def _rms(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.float()


def _turned(x: Tensor, turn: Turn) -> Tensor:
    """Rotate channel pairs of [L, n, dh] float32."""
    cos, sin = turn.cos.unsqueeze(1), turn.sin.unsqueeze(1)
    even, odd = torch.unflatten(x, -1, (-1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def _activation(y: Tensor, dtype: torch.dtype, *, narrow: bool) -> Activation:
    return Activation(*quantised(y)) if narrow else Activation(y.to(dtype))
