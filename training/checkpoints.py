"""Weights and resumable states on disk.

Weights are bf16 safetensors, as shipped. States (optimisers included) are full precision and stay
on the training machine.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def save_weights(module: nn.Module, path: Path) -> None:
    """Save `module` in bf16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = module.state_dict()
    save_file(
        {k: v.detach().to(torch.bfloat16).contiguous().cpu() for k, v in weights.items()}, path
    )


def load_weights(module: nn.Module, path: Path) -> None:
    """Load what `save_weights` wrote, as float32.

    Raises:
        FileNotFoundError: the stage that writes `path` has not been run.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the stage that makes it first")
    module.load_state_dict({key: value.float() for key, value in load_file(path).items()})


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Save a resumable state so that a killed run leaves the old one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_state(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Load a state, or return None if there is none yet."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return state
