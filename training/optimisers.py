"""Optimisers, learning-rate shapes and the moving average of weights."""

import copy
import math
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

# Source: Jordan et al., Muon (2024); rates found by the prototype run of docs/house-model.md.
MUON_RATE = 1.5e-3
ADAM_RATE = 1.0e-3


class MuonAdam:
    """Muon on the matrices of the transformer blocks, AdamW on everything else."""

    def __init__(self, modules: Sequence[nn.Module], *, fused: bool) -> None:
        named = [item for module in modules for item in module.named_parameters()]
        matrices = [p for name, p in named if p.ndim == 2 and name.startswith("blocks.")]
        chosen = {id(p) for p in matrices}
        others = [p for _, p in named if id(p) not in chosen]
        self._muon = torch.optim.Muon(
            matrices,
            lr=MUON_RATE,
            weight_decay=0.02,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        )
        self._adam = torch.optim.AdamW(
            others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=fused
        )

    def step(self, scale: float) -> None:
        """Take a step at `scale` times the base rates, then clear the gradients."""
        for optimiser, rate in ((self._muon, MUON_RATE), (self._adam, ADAM_RATE)):
            optimiser.param_groups[0]["lr"] = rate * scale
            optimiser.step()  # type: ignore[no-untyped-call]
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where a saved run stopped."""
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])


def cosine_scale(progress: float, step: int, warmup_steps: int) -> float:
    """Linear warm-up, then half a cosine down to 2 %."""
    decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return min(1.0, (step + 1) / warmup_steps) * decay


def trapezoid_scale(
    progress: float, step: int, warmup_steps: int, decay_share: float, floor: float
) -> float:
    """Linear warm-up, constant, then linear down to `floor` over the last `decay_share`."""
    decay = min(1.0, max(floor, (1 - progress) / decay_share))
    return min(1.0, (step + 1) / warmup_steps) * decay


Net = TypeVar("Net", bound=nn.Module)


class MovingAverage(Generic[Net]):
    """Exponential moving average of weights; it follows quickly during the first steps."""

    def __init__(self, module: Net, decay: float) -> None:
        self.module: Net = copy.deepcopy(module)
        self.module.requires_grad_(False)
        self.steps = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, module: Net) -> None:
        """Move towards the weights of `module`."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        own: list[Tensor] = list(self.module.parameters())
        torch._foreach_lerp_(own, list(module.parameters()), 1 - decay)
