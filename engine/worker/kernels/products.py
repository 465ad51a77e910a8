"""Matrix products whose scales and bias wait for whoever reads the result. HOT.

In:     activations [L, K] in the model's type, or FP8 (e4m3) with one scale a row.
Out:    `Product`: [L, N] and what it still has to be multiplied with.
Thread: generator. Holds nothing.

An FP8 product with a scale per row and column runs a library's slower kernel (14B at 448x448:
47.6 ms a pass, with one scale for all 42.1; H200, torch 2.11, 2026-11-23). The result is read by an
elementwise kernel anyway, so that applies the scales, and the bias, at no cost.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

FP8: Final = torch.float8_e4m3fn
FP8_MAX: Final = 448.0
"""Largest number of e4m3.  Source: arXiv 2209.05433."""
_LEAST: Final = 1e-12
"""Largest magnitude that a row of zeros is taken to have: its scale must not be 0."""


class Activation(NamedTuple):
    """Rows [L, K] as a product reads them; in FP8 they are meant times `scales` [L] float32."""

    values: Tensor
    scales: Tensor | None = None


class Weight(NamedTuple):
    """A linear layer's weight [N, K]; in FP8 its rows are meant times `scales` [N].

    `bias` is [N]. Both are in the model's type: kernels read them again for every row of tokens, so
    their size counts (14B: 51 us a kernel with float32, H100).
    """

    values: Tensor
    bias: Tensor
    scales: Tensor | None = None


class Product(NamedTuple):
    """`values * row_scales * column_scales + bias` is meant.

    values: [L, N]; row_scales: [L] float32; column_scales and bias: [N] in the model's type.
    Without scales they are 1.
    """

    values: Tensor
    bias: Tensor
    row_scales: Tensor | None = None
    column_scales: Tensor | None = None

    def written_out(self) -> Tensor:
        """Return what is meant, [L, N] float32."""
        wide = self.values.float()
        if self.row_scales is not None and self.column_scales is not None:
            wide = wide * self.row_scales[:, None] * self.column_scales.float()
        return wide + self.bias.float()


def weight_of(layers: list[nn.Linear], *, narrow: bool) -> Weight:
    """Put linear layers with the same input side by side.

    Args:
        layers: their outputs follow each other in the product.
        narrow: whether the product runs in FP8.
    """
    joined = torch.cat([layer.weight.detach() for layer in layers])
    bias = torch.cat([_bias(layer) for layer in layers])
    if not narrow:
        return Weight(joined, bias)
    wide = joined.float()
    # Rounded to the model's type before they are used, scales are exact there.
    scales = (wide.abs().amax(-1).clamp_(min=_LEAST) / (0.99 * FP8_MAX)).to(joined.dtype)
    return Weight((wide / scales.float()[:, None]).to(FP8), bias, scales)


def quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows [L, K] in FP8 and the scale [L] float32 of each; its largest number is 448."""
    wide = x.float()
    scales = wide.abs().amax(-1).clamp_(min=_LEAST) / FP8_MAX
    return (wide / scales[:, None]).to(FP8), scales


def multiply(x: Activation, weight: Weight) -> Product:
    """Return the product of rows [L, K] with a weight, scales and bias put off."""
    if weight.scales is None:
        return Product(F.linear(x.values, weight.values), weight.bias)
    if x.values.is_cuda:
        one = _one(x.values.device)
        values = torch._scaled_mm(
            x.values, weight.values.t(), scale_a=one, scale_b=one,
            out_dtype=torch.bfloat16, use_fast_accum=True,
        )  # fmt: skip
    else:
        values = F.linear(x.values.float(), weight.values.float()).bfloat16()
    return Product(values, weight.bias, x.scales, weight.scales)


_ones: dict[torch.device, Tensor] = {}


def _one(device: torch.device) -> Tensor:
    if device not in _ones:
        _ones[device] = torch.ones((), device=device)
    return _ones[device]


def _bias(layer: nn.Linear) -> Tensor:
    bias: Tensor | None = layer.bias  # torch's types say that every layer has one
    return layer.weight.new_zeros(layer.out_features) if bias is None else bias.detach()
