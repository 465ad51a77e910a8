"""What the engine asks of an autoencoder: two functions without memory of their own.

Two classes satisfy it, `TAE` and `WanVAE`. The streams of `codec_stream` own the state; the two
functions for whole clips have none.
"""

from typing import Protocol

import torch
from torch import Tensor

CodecState = tuple[Tensor, ...]
"""What a codec remembers of a stream; opaque, and never changed once returned."""


class CodecConfig(Protocol):
    """Sizes that a codec's callers have to know."""

    @property
    def latent_channels(self) -> int:
        """Channels of a latent frame."""

    @property
    def pixels_per_latent(self) -> int:
        """Pixels along one side of a latent pixel."""

    @property
    def frames_per_latent(self) -> int:
        """Frames that one latent frame stands for, the first of a stream aside."""

    @property
    def frames_of_first_latent(self) -> int:
        """Frames that the first latent frame of a stream is encoded from."""

    @property
    def frames_to_trim(self) -> int:
        """Frames at the start of a stream that `decode` returns and nobody should see."""


class Codec(Protocol):
    """Turns frames [B, T, 3, H, W] in [0, 1] into latents [B, F, C, h, w] and back."""

    @property
    def config(self) -> CodecConfig:
        """Sizes and conventions."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""

    def encode(self, frames: Tensor, state: CodecState | None = None) -> tuple[Tensor, CodecState]:
        """Encode the next frames of a stream; `state` is None at its start."""

    def decode(self, latents: Tensor, state: CodecState | None = None) -> tuple[Tensor, CodecState]:
        """Decode the next latent frames of a stream, not clamped; `state` None at its start."""


def encode_clip(codec: Codec, frames: Tensor) -> Tensor:
    """Encode a whole clip [B, T, 3, H, W]; the last frame is repeated to fill the last latent."""
    config = codec.config
    missing = (config.frames_of_first_latent - frames.shape[1]) % config.frames_per_latent
    filler = frames[:, -1:].expand(-1, missing, -1, -1, -1)
    return codec.encode(torch.cat([frames, filler], 1))[0]


def decode_clip(codec: Codec, latents: Tensor) -> Tensor:
    """Decode a whole clip [B, F, C, h, w] to trimmed frames in [0, 1]."""
    return codec.decode(latents)[0][:, codec.config.frames_to_trim :].clamp(0, 1)
