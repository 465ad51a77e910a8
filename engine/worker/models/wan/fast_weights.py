"""The weights of transformer blocks as fast passes read them: joined, and narrow.

Made once at load. When LoRAs are turned, `refresh` writes what they make of the weights into the
same memory, so that nothing recorded over it has to be recorded again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.worker.kernels.products import Weight, weight_of
from engine.worker.kernels.rows import Affine, HeadNorms
from engine.worker.models.wan.blocks import Block, Head
from engine.worker.models.wan.lora_rack import LoraLinear


class FastBlock:
    """What one block needs in a pass; text keys and time rows come from elsewhere."""

    def __init__(self, block: Block, *, narrow: bool) -> None:
        """Read a block's weights; `narrow` makes its products FP8."""
        own, cross = block.self_attn, block.cross_attn
        first, _, last = block.ffn
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        self._narrow = narrow
        self._layers: dict[str, list[nn.Linear]] = {
            "qkv": [own.q, own.k, own.v],
            "o": [own.o],
            "text_q": [cross.q],
            "text_o": [cross.o],
            "up": [first],
            "down": [last],
        }
        made = {
            name: weight_of(_merged(layers), narrow=narrow) for name, layers in self._layers.items()
        }
        self.qkv, self.o = made["qkv"], made["o"]
        self.text_q, self.text_o = made["text_q"], made["text_o"]
        self.up, self.down = made["up"], made["down"]
        norms = torch.stack([own.norm_q.weight, own.norm_k.weight]).detach()
        self.norms = HeadNorms(norms, own.norm_q.eps)
        self.text_norm = HeadNorms(cross.norm_q.weight.detach()[None], cross.norm_q.eps)
        self.norm3 = Affine(block.norm3.weight.detach(), block.norm3.bias.detach())
        self.modulation = block.modulation.detach()[0]  # [6, D] in the model's type

    def refresh(self) -> None:
        """Take up what LoRAs make of the weights."""
        for name, layers in self._layers.items():
            if any(isinstance(layer, LoraLinear) for layer in layers):
                target: Weight = getattr(self, name)
                for old, new in zip(
                    target, weight_of(_merged(layers), narrow=self._narrow), strict=True
                ):
                    if isinstance(old, Tensor) and isinstance(new, Tensor):
                        old.copy_(new)


class TimeRows:
    """Shift, scale and gate rows of all blocks at one timestep, in memory that stays.

    blocks: [num_blocks, 6, D]; head: [2, D]; in the model's type.
    """

    def __init__(self, blocks: Tensor, head: Tensor) -> None:
        self.blocks = blocks
        self.head = head

    def take_inplace(self, other: TimeRows) -> None:
        """Become another timestep's rows."""
        self.blocks.copy_(other.blocks)
        self.head.copy_(other.head)

    def like(self) -> TimeRows:
        """Return rows of the same size."""
        return TimeRows(torch.empty_like(self.blocks), torch.empty_like(self.head))

    def before(self, layer: int) -> Affine:
        """What follows the norm before self-attention of a block; behind the last, the head's."""
        if layer == len(self.blocks):
            return self.head_affine
        return Affine(self.blocks[layer, 1], self.blocks[layer, 0], 1.0)

    def middle(self, layer: int) -> Affine:
        """What follows the norm before the feed-forward part of a block."""
        return Affine(self.blocks[layer, 4], self.blocks[layer, 3], 1.0)

    def gate(self, layer: int, half: int) -> Tensor:
        """Gate [D] of a block's self-attention (0) or feed-forward part (1)."""
        return self.blocks[layer, 2 + 3 * half]

    @property
    def head_affine(self) -> Affine:
        """What follows the norm before the head."""
        return Affine(self.head[1], self.head[0], 1.0)


def time_rows(e: Tensor, e6: Tensor, blocks: Sequence[FastBlock], head: Head) -> TimeRows:
    """Make the rows of a timestep.

    Args:
        e: for the head, [1, 1, D].
        e6: for the blocks, [1, 1, 6, D].
        blocks: all blocks.
        head: the model's.
    """
    rows = e6[0] + torch.stack([block.modulation for block in blocks])
    return TimeRows(rows, e[0] + head.modulation.detach()[0])


def _merged(layers: list[nn.Linear]) -> list[nn.Linear]:
    return [layer.merged() if isinstance(layer, LoraLinear) else layer for layer in layers]
