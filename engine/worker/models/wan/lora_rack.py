"""LoRAs that a show plays: beside the weights, with amounts that change from chunk to chunk. HOT.

In:     amounts, one per LoRA, at a chunk boundary; tokens [.., in] within it.
Out:    W x + sum over LoRAs of amount * alpha / rank * B (A x).
Thread: generator.
Full:   cannot fill; the LoRAs that a rack holds are chosen when it is built.

All LoRAs lie on the device from the start, so that taking one up, dropping it or fading from one to
another is a number that changes: no file is read in a show, nothing is merged, no state is reset.
One that nobody has turned up costs nothing. The plain twin is `lora.Merge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.models.wan.lora import Lora, check_lora
from engine.worker.models.wan.transformer import CausalTransformer

NUM_SLOTS: Final = 2


@dataclass(frozen=True, slots=True)
class _Added:
    """One LoRA's part of one layer; `up` holds alpha / rank."""

    down: Tensor  # [rank, in]
    up: Tensor  # [out, rank]
    amount: Tensor  # [], shared by all layers of the LoRA


class LoraLinear(nn.Linear):
    """A linear layer with what LoRAs add to it. Its weights keep their names."""

    def __init__(self, base: nn.Linear) -> None:
        has_bias = base.bias is not None
        super().__init__(base.in_features, base.out_features, bias=has_bias, device="meta")
        self.weight, self.bias = base.weight, base.bias
        self.active: tuple[_Added, ...] = ()
        self.slots: dict[int, _Added] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Map [.., in] to [.., out]."""
        y = super().forward(x)
        for part in self.active:
            y = y + part.amount * F.linear(F.linear(x, part.down), part.up)
        return y

    def merged(self) -> nn.Linear:
        """Return a plain layer that does the same at the present amounts."""
        weight = self.weight.float()
        for part in self.active:
            weight = weight + part.amount * (part.up.float() @ part.down.float())
        has_bias = self.bias is not None
        layer = nn.Linear(self.in_features, self.out_features, bias=has_bias, device="meta")
        layer.weight, layer.bias = nn.Parameter(weight.to(self.weight.dtype)), self.bias
        return layer


class LoraRack:
    """The LoRAs beside one transformer, each with its amount; all begin at 0."""

    def __init__(self, transformer: CausalTransformer, loras: Sequence[Lora]) -> None:
        """Put LoRAs on the transformer's device, in its type.

        Raises:
            WeightsError: one of them does not fit; the transformer is as it was.
        """
        for lora in loras:
            check_lora(lora, transformer)
        self.names = tuple(lora.name for lora in loras)
        self.amounts = (0.0,) * len(loras)
        place = (transformer.device, transformer.dtype)
        # Float32 whatever the type: a scalar changes no type, and its digits cost nothing.
        self._amount = [torch.zeros((), device=place[0]) for _ in loras]
        self._layers: dict[str, LoraLinear] = {}
        for slot, lora in enumerate(loras):
            for name, part in lora.layers.items():
                layer = self._layer(transformer, name)
                up = part.scale * part.up.to(place[0]).float()
                down = part.down.to(*place, copy=True)
                layer.slots[slot] = _Added(down, up.to(place[1]), self._amount[slot])

    def set_amounts(self, amounts: Sequence[float]) -> bool:
        """Play the LoRAs at these amounts from the next pass on; says whether anything changed.

        Amounts that are left out are 0, and amounts without a LoRA mean nothing.
        """
        padded = [*amounts, *(0.0,) * len(self.names)][: len(self.names)]
        if tuple(padded) == self.amounts:
            return False
        were_active = [bool(amount) for amount in self.amounts]
        self.amounts = tuple(padded)
        for held, amount in zip(self._amount, padded, strict=True):
            held.fill_(amount)
        if were_active != [bool(amount) for amount in padded]:
            for layer in self._layers.values():
                layer.active = tuple(part for n, part in layer.slots.items() if padded[n])
        return True

    def _layer(self, transformer: CausalTransformer, name: str) -> LoraLinear:
        """Return the layer of this name, made ready for LoRAs."""
        if name not in self._layers:
            parent, _, child = name.rpartition(".")
            base = transformer.get_submodule(name)
            assert isinstance(base, nn.Linear)
            layer = base if isinstance(base, LoraLinear) else LoraLinear(base)
            setattr(transformer.get_submodule(parent), child, layer)
            layer.requires_grad_(requires_grad=False)
            self._layers[name] = layer
        return self._layers[name]
