"""The bare floor of a chunk on a GPU: the products and attention calls of its passes, no more.

Shapes are the model's; numbers are random. Norms, rotations, activations, copies and the host are
left out, and the decoder too: no way of running these products in these libraries is faster. The
padding of a text counts as the one key that it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.bench.random_model import TEXT_ROWS
from engine.worker.kernels.attention_backends import SoftmaxAttention
from engine.worker.kernels.products import Activation, Weight, multiply, quantised
from engine.worker.kernels.timing import median_ms
from engine.worker.models.spec import ModelSpec
from engine.worker.models.wan.cache_plan import ContextWrite

_STD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFloor:
    """Medians in ms of one pass: products in both types, self- and cross-attention."""

    products_bf16_ms: float
    products_fp8_ms: float
    self_attention_ms: float
    context_attention_ms: float
    cross_attention_ms: float

    def chunk_ms(self, num_steps: int, *, narrow: bool) -> float:
        """Return ms of a chunk: denoising steps and one pass for the context."""
        products = self.products_fp8_ms if narrow else self.products_bf16_ms
        each = products + self.cross_attention_ms
        return num_steps * (each + self.self_attention_ms) + each + self.context_attention_ms


@torch.inference_mode()
def pass_floor(
    spec: ModelSpec, tokens_per_latent: int, attend: SoftmaxAttention, device: torch.device
) -> PassFloor:
    """Time the products and attention calls of one pass over a chunk."""
    config = spec.transformer
    num_tokens = tokens_per_latent * spec.latents_per_chunk
    dim, ffn, layers = config.dim, config.ffn_dim, config.num_layers
    sizes = ((3 * dim, dim), (dim, dim), (dim, dim), (dim, dim), (ffn, dim), (dim, ffn))
    window = tokens_per_latent * spec.window.window_latents
    is_recomputed = spec.rule.context_write is ContextWrite.RECOMPUTE
    context = window - num_tokens if is_recomputed else window

    def attention_ms(num_keys: int) -> float:
        q, k, v = (
            torch.randn(
                1, count, config.num_heads, config.head_dim, dtype=torch.bfloat16, device=device
            )
            for count in (num_tokens, num_keys, num_keys)
        )
        return layers * median_ms(lambda: attend(q, k, v))

    return PassFloor(
        products_bf16_ms=layers * _products_ms(sizes, num_tokens, device, narrow=False),
        products_fp8_ms=layers * _products_ms(sizes, num_tokens, device, narrow=True),
        self_attention_ms=attention_ms(window),
        context_attention_ms=attention_ms(context),
        cross_attention_ms=attention_ms(min(TEXT_ROWS + 1, config.text_len)),
    )


def _products_ms(
    sizes: tuple[tuple[int, int], ...], num_tokens: int, device: torch.device, *, narrow: bool
) -> float:
    """Time one layer's products one after the other, each on its own numbers."""
    pairs = []
    for wide, deep in sizes:
        x = torch.randn(num_tokens, deep, dtype=torch.bfloat16, device=device)
        w = torch.randn(wide, deep, dtype=torch.bfloat16, device=device) * _STD
        pairs.append((_activation(x, narrow), _weight(w, narrow)))

    def run() -> None:
        for x, w in pairs:
            multiply(x, w)

    return median_ms(run)


def _activation(x: Tensor, narrow: bool) -> Activation:
    return Activation(*quantised(x)) if narrow else Activation(x)


def _weight(w: Tensor, narrow: bool) -> Weight:
    bias = torch.zeros(len(w), device=w.device)
    if not narrow:
        return Weight(w, bias)
    values, scales = quantised(w)
    return Weight(values, bias, scales)
