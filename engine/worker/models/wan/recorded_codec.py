"""The decoder of one stream on a GPU, recorded once and played back. HOT.

In, Out: as `Codec.decode`.
Thread: generator.   Plain twin: the codec itself.

The state that is handed out lies in memory of the recording and is overwritten by the next call,
so a recorder belongs to one stream. The start of a stream runs plain.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.worker.kernels.graphs import Graphs
from engine.worker.models.wan.codec import Codec, CodecConfig, CodecState


class RecordedDecoder:
    """A codec whose `decode` is played back; `encode` is the codec's own."""

    def __init__(self, codec: Codec, graphs: Graphs) -> None:
        self._codec = codec
        self._graphs = graphs
        self._latents: dict[object, Tensor] = {}
        self._states: dict[object, CodecState] = {}

    @property
    def config(self) -> CodecConfig:
        """Sizes and conventions."""
        return self._codec.config

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return self._codec.dtype

    def encode(self, frames: Tensor, state: CodecState | None = None) -> tuple[Tensor, CodecState]:
        """Encode the next frames of a stream."""
        return self._codec.encode(frames, state)

    def decode(self, latents: Tensor, state: CodecState | None = None) -> tuple[Tensor, CodecState]:
        """Decode the next latent frames; frames and state are overwritten by the next call."""
        if state is None:
            return self._codec.decode(latents)
        key = (latents.shape, tuple(part.shape for part in state))
        if key not in self._latents:
            self._latents[key] = latents.clone()
            self._states[key] = tuple(part.clone() for part in state)
        self._latents[key].copy_(latents)
        held = self._states[key]
        for own, given in zip(held, state, strict=True):
            own.copy_(given)
        return self._graphs.run(
            ("decode", *key), lambda: self._codec.decode(self._latents[key], held)
        )
