"""The text encoder of a Wan checkpoint folder: tokenizer, weights, and where they run.

text = load_wan_text(folder, torch.device("cuda"), Offload.BLOCKS)
rows, parsed = text.encode("a cat on a drum")      # rows [L, 4096] on the CPU, L tokens

On a GPU it works in a stream of its own, so that chunks do not queue up behind a prompt.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import WeightsError
from engine.worker.models.house.text import ParsedPrompt
from engine.worker.models.wan.text_weights import find_text_weights, load_text_weights
from engine.worker.models.wan.tokenizer import PromptTokenizer, load_tokenizer
from engine.worker.models.wan.umt5 import UMT5_XXL, UMT5Config, UMT5Encoder, encode_streamed

_CPU = torch.device("cpu")


class Offload(StrEnum):
    """Where the encoder's weights live and where it runs; bfloat16 sizes are of UMT5-XXL."""

    NONE = "none"  # on the device: 11.4 GB of it
    BLOCKS = "blocks"  # in CPU memory, block by block on the device: 386 MB of it
    CPU = "cpu"  # in CPU memory, runs there: nothing of the device


class WanTextEncoder:
    """Turns prompts into text rows [L, D]; L counts tokens, and missing rows are zeros."""

    def __init__(
        self,
        tokenizer: PromptTokenizer,
        encoder: UMT5Encoder,
        device: torch.device,
        offload: Offload = Offload.BLOCKS,
    ) -> None:
        """Take an encoder whose weights lie where `offload` says.

        Raises:
            WeightsError: the tokenizer has more pieces than the encoder knows.
        """
        if tokenizer.vocab > encoder.config.vocab:
            raise WeightsError(
                f"tokenizer has {tokenizer.vocab} pieces, the text encoder knows "
                f"{encoder.config.vocab}: they are of different checkpoints; use one folder"
            )
        self._tokenizer = tokenizer
        self._encoder = encoder
        self._device = _CPU if offload is Offload.CPU else device
        self._streams_blocks = offload is Offload.BLOCKS
        self._side: torch.cuda.Stream | None = None
        if self._device.type == "cuda":
            self._side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call] # torch
            self._side.wait_stream(torch.cuda.current_stream(self._device))  # weights may be on it

    def read(self, prompt: str) -> ParsedPrompt:
        """Say what of a prompt is read; words beyond the last token are `left_out`. Any thread."""
        tokenized = self._tokenizer.read(prompt)
        cut = tuple(tokenized.cut.split())
        return ParsedPrompt(
            ids=tokenized.ids,
            caption=tokenized.kept,
            understood=tuple((word, word) for word in tokenized.kept.split()),
            ignored=cut,
            left_out=cut,
        )

    @torch.inference_mode()
    def encode(self, prompt: str) -> tuple[Tensor, ParsedPrompt]:
        """Return text rows [L, D] on the CPU and what was read of the prompt. One thread."""
        parsed = self.read(prompt)
        ids = torch.tensor([parsed.ids])
        with self._stream():
            if self._streams_blocks:
                rows = encode_streamed(self._encoder, ids, self._device)
            else:
                rows = self._encoder(ids.to(self._device))
            return rows[0].cpu(), parsed

    def _stream(self) -> AbstractContextManager[object]:
        return nullcontext() if self._side is None else torch.cuda.stream(self._side)


def load_wan_text(
    folder: Path,
    device: torch.device,
    offload: Offload = Offload.BLOCKS,
    *,
    config: UMT5Config = UMT5_XXL,
    dtype: torch.dtype = torch.bfloat16,
) -> WanTextEncoder:
    """Load tokenizer and weights from a checkpoint folder.

    Raises:
        WeightsError: a file is missing, truncated, or of another model.
        OutOfMemoryError: the device has no room for the weights.
    """
    tokenizer = load_tokenizer(folder)
    path = find_text_weights(folder)
    with torch.device("meta"):  # without memory until the weights, checked first, move in
        encoder = UMT5Encoder(config)
    load_text_weights(encoder, path, device if offload is Offload.NONE else _CPU, dtype)
    encoder.eval().requires_grad_(requires_grad=False)
    return WanTextEncoder(tokenizer, encoder, device, offload)
