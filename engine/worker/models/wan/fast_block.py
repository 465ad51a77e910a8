"""One transformer block as six products, two attentions, and one kernel between them. HOT.

In:     the residual x [L, D], and y, x as the block's first product wants it.
Out:    x changed, and the block's last product, which the caller adds: what comes next is its own.
Thread: generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from engine.worker.kernels import narrow
from engine.worker.kernels.attention_backends import SoftmaxAttention
from engine.worker.kernels.products import FP8, Activation, Product, multiply
from engine.worker.kernels.rows import (
    Turn,
    activation_of,
    add_inplace_normed,
    gelu,
    head_normed,
    normed,
    queries_into_slots,
)
from engine.worker.kernels.text_attention import TextRows, text_attention
from engine.worker.models.wan.blocks import TextKV
from engine.worker.models.wan.fast_weights import FastBlock, TimeRows
from engine.worker.models.wan.kv_cache import Keys


class Run(NamedTuple):
    """What all blocks of a pass share."""

    rows: TimeRows
    turn: Turn
    attend: SoftmaxAttention
    text: TextRows
    eps: float
    narrow: bool
    finish_keys: Callable[[Keys], None] | None = None  # after a layer has written its own


def entered(run: Run, layer: int, x: Tensor) -> Activation:
    """Return x [L, D] as the first product of a block wants it."""
    return normed(x, run.rows.before(layer), run.eps, narrow=run.narrow)


def through_attention(
    run: Run, block: FastBlock, layer: int, states: tuple[Tensor, Activation], keys: Keys
) -> Activation:
    """Add self-attention to x and return x as the next product wants it.

    Args:
        run: of the pass.
        block: its weights.
        layer: its place in the time rows.
        states: x and y, see above.
        keys: of this layer.
    """
    x, y = states
    product = multiply(_joined(run, _attended(run, block, y, keys, x.dtype)), block.o)
    gate = run.rows.gate(layer, 0)
    return add_inplace_normed(x, product, gate, block.norm3, run.eps, narrow=run.narrow)


def _attended(run: Run, block: FastBlock, y: Activation, keys: Keys, dtype: torch.dtype) -> Tensor:
    """Write keys and values and attend to all that is valid; returns [1, L, n, dh]."""
    q_dtype = dtype if keys.narrow is None else FP8
    q = queries_into_slots(multiply(y, block.qkv), block.norms, run.turn, keys.slots, q_dtype)
    if keys.narrow is None:
        return run.attend(q[None], keys.k, keys.v)
    if run.finish_keys is not None:
        run.finish_keys(keys)
    return narrow.attention(q, keys.narrow, keys.k.shape[1], dtype)[None]


def through_rest(
    run: Run, block: FastBlock, layer: int, states: tuple[Tensor, Activation], text: TextKV
) -> Product:
    """Add cross-attention to x and return what the feed-forward part adds, without its gate."""
    x, y = states
    q = head_normed(multiply(y, block.text_q), block.text_norm, x.dtype)
    q = q.view(len(q), *text.k.shape[2:])
    attended = text_attention(q, text.k[0], text.v[0], run.text)
    product = multiply(_joined(run, attended[None]), block.text_o)
    middle = run.rows.middle(layer)
    y = add_inplace_normed(x, product, None, middle, run.eps, narrow=run.narrow)
    return multiply(gelu(multiply(y, block.up), x.dtype, narrow=run.narrow), block.down)


def write_keys(run: Run, block: FastBlock, y: Activation, keys: Keys, dtype: torch.dtype) -> None:
    """Leave a block's keys and values in the cache and nothing else.

    Its queries are made too: one product of a hundred, and the shapes stay those of every block.
    """
    queries_into_slots(multiply(y, block.qkv), block.norms, run.turn, keys.slots, dtype)
    if run.finish_keys is not None:
        run.finish_keys(keys)


def _joined(run: Run, attended: Tensor) -> Activation:
    """Join heads [1, L, n, dh] to rows for the next product."""
    return activation_of(attended[0].flatten(1), narrow=run.narrow)
