"""Prompts for models of the Wan family: UMT5 from a checkpoint folder, beside the chunk loop."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.worker.device import Compute
from engine.worker.models.wan.umt5 import UMT5_XXL, UMT5Config
from engine.worker.models.wan.wan_text import Offload, load_wan_text
from engine.worker.text_service import DEFAULT_BUDGET_BYTES, TextService


def load_wan_prompts(
    folder: Path,
    compute: Compute,
    offload: Offload | None = None,
    *,
    config: UMT5Config = UMT5_XXL,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> TextService:
    """Load tokenizer and encoder of a checkpoint folder as the prompt book of a show.

    Args:
        folder: holds `google/umt5-xxl/spiece.model` and `models_t5_umt5-xxl-enc-bf16.pth`, or the
            other places that `tokenizer` and `text_weights` name.
        compute: where the video model runs; its text rows arrive there.
        offload: where the encoder lives. None: block by block on a GPU, else on the CPU.
        config: sizes of the encoder.
        budget_bytes: of encoded prompts in CPU memory.

    Raises:
        WeightsError: a file is missing, truncated, or of another model.
        OutOfMemoryError: the device has no room for the weights.
    """
    if offload is None:
        offload = Offload.CPU if compute.device.type == "cpu" else Offload.BLOCKS
    encoder = load_wan_text(folder, compute.device, offload, config=config, dtype=torch.bfloat16)
    return TextService(encoder, compute.device, budget_bytes=budget_bytes)
