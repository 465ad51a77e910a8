"""The VACE stack of a fast pass: hints as products that the layers add. HOT.

In:     embedded noisy latents [L, D], embedded control context [Lv, D], its references first.
Out:    layer → `Product` [L, D].
Thread: generator.   Plain twin: `VaceStack.hints`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.worker.kernels.products import Product, multiply, weight_of
from engine.worker.kernels.rows import (
    KVSlots,
    activation_of,
    add_inplace,
    add_inplace_normed,
)
from engine.worker.models.wan.blocks import TextKV
from engine.worker.models.wan.fast_block import Run, entered, through_attention, through_rest
from engine.worker.models.wan.fast_weights import FastBlock
from engine.worker.models.wan.kv_cache import Keys
from engine.worker.models.wan.vace import VaceBlock, VaceStack


class FastVace:
    """The weights of a stack, made ready."""

    def __init__(self, stack: VaceStack, *, narrow: bool) -> None:
        blocks = [block for block in stack.vace_blocks if isinstance(block, VaceBlock)]
        first = blocks[0].before_proj
        assert first is not None
        self.layers = stack.vace.layers
        self.blocks = [FastBlock(block, narrow=narrow) for block in blocks]
        self._before = weight_of([first], narrow=narrow)
        self._after = [weight_of([block.after_proj], narrow=narrow) for block in blocks]

    def hints(
        self, x: Tensor, context: Tensor, text: Sequence[TextKV], run: Run, num_ahead: int
    ) -> dict[int, Product]:
        """Return what each hinted layer adds, not yet scaled.

        Args:
            x: embedded noisy latents, references first, [Lv, D].
            context: embedded control context [Lv, D].
            text: keys and values of every block.
            run: of the stack: its rows begin with its first block.
            num_ahead: rows of references, which get no hint.
        """
        state = x.clone()
        add_inplace(state, multiply(activation_of(context, narrow=run.narrow), self._before))
        y = entered(run, 0, state)
        made = {}
        for layer, block in enumerate(self.blocks):
            y = through_attention(run, block, layer, (state, y), _keys_of(state, text[layer]))
            product = through_rest(run, block, layer, (state, y), text[layer])
            gate = run.rows.gate(layer, 1)
            if layer + 1 < len(self.blocks):
                following = run.rows.before(layer + 1)
                y = add_inplace_normed(state, product, gate, following, run.eps, narrow=run.narrow)
            else:
                add_inplace(state, product, gate)
            hint = multiply(activation_of(state, narrow=run.narrow), self._after[layer])
            made[self.layers[layer]] = _behind(hint, num_ahead)
        return made


def _keys_of(x: Tensor, text: TextKV) -> Keys:
    """The stack sees its own rows alone: keys and values that no cache keeps."""
    num_heads, head_dim = text.k.shape[2:]
    k, v = torch.empty(2, num_heads, len(x), head_dim, dtype=x.dtype, device=x.device)
    return Keys(KVSlots(k, v, None), k.transpose(0, 1)[None], v.transpose(0, 1)[None])


def _behind(product: Product, num_rows: int) -> Product:
    rows = product.row_scales
    return product._replace(
        values=product.values[num_rows:], row_scales=None if rows is None else rows[num_rows:]
    )
