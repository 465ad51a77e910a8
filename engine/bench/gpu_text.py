"""Attention on a text: the padding as one key, beside a library's kernel on all places."""

from __future__ import annotations

import torch

from engine.bench.random_model import TEXT_ROWS
from engine.worker.kernels.attention_backends import SoftmaxAttention
from engine.worker.kernels.text_attention import text_attention, text_rows
from engine.worker.kernels.timing import median_ms
from engine.worker.models.wan.transformer import TransformerConfig


@torch.inference_mode()
def text_attention_ms(
    config: TransformerConfig, num_tokens: int, attend: SoftmaxAttention, device: torch.device
) -> dict[str, float]:
    """Return the median ms of one layer.

    Args:
        config: of the model.
        num_tokens: queries, those of a chunk.
        attend: the backend that runs the show's self-attention.
        device: where.
    """
    size, places = (config.num_heads, config.head_dim), config.text_len
    q = torch.randn(num_tokens, *size, dtype=torch.bfloat16, device=device)
    k, v = torch.randn(2, places, *size, dtype=torch.bfloat16, device=device)
    rows = text_rows(device)
    found = {}
    for num_given in sorted({min(count, places) for count in (TEXT_ROWS, places // 4, places)}):
        rows.take(num_given, places)
        found[f"{num_given} rows"] = median_ms(lambda: text_attention(q, k, v, rows))
    found[f"library, all {places}"] = median_ms(lambda: attend(q[None], k[None], v[None]))
    return found
