"""The decoder of a running stream, with its memory in one place. HOT.

In:     latents [1, F, C, h, w], every time as many.
Out:    frames [F * frames_per_latent, 3, H, W] in [0, 1].
Thread: generator.   Plain twin: `PictureStream.push`.

`take`, then `run`, which alone may be part of a recording. The stream hands its memory over with
`take` and has it back at once: it may go on by itself at any later chunk.
"""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch import Tensor

from engine.worker.models.wan.codec import Codec, CodecState
from engine.worker.models.wan.codec_stream import DecodeStream


class SteadyDecoder:
    """Decodes in a stream's place. The start of a stream is its own affair."""

    def __init__(self, codec: Codec, stream: DecodeStream) -> None:
        self._codec = codec
        self._stream = stream
        self._held: dict[tuple[torch.Size, ...], CodecState] = {}

    @property
    def key(self) -> Hashable:
        """What of the stream's memory a recording depends on; None at the start of a stream."""
        state = self._stream.state
        return None if state is None else _shapes(state)

    def take(self) -> None:
        """Bring the stream's memory to where `run` reads and writes it."""
        state = self._stream.state
        assert state is not None, "a stream that begins decodes by itself"
        held = self._held.get(_shapes(state))
        if held is None:
            held = self._held[_shapes(state)] = tuple(part.clone() for part in state)
        elif held is not state:
            for own, given in zip(held, state, strict=True):
                own.copy_(given)
        self._stream.state = held

    def run(self, latents: Tensor) -> Tensor:
        """Decode the next latents and remember in place."""
        held = self._stream.state
        assert held is not None
        frames, after = self._codec.decode(latents, held)
        for own, made in zip(held, after, strict=True):
            own.copy_(made)
        num_frames = latents.shape[1] * self._codec.config.frames_per_latent
        return frames.clamp_(0, 1)[0, -num_frames:]


def _shapes(state: CodecState) -> tuple[torch.Size, ...]:
    return tuple(part.shape for part in state)
