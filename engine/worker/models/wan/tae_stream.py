"""Encode and decode streams over one autoencoder, exactly equal to whole clips in any chunking.

In:     encode: frames [B, T, 3, H, W] in [0, 1]; decode: latents [B, F, C, h, w].
Out:    latents; or frames [B, T, 3, H, W] in [0, 1], the first chunk after `reset` shorter by
        `frames_to_trim`.
Thread: encode: preprocess; decode: generator. One object per stream: streams share weights, never
        state, so mixing two is impossible.
Full:   cannot fill; every push answers at once.   Source: TAEHV, StreamingTAEHV.
"""

import torch
from torch import Tensor

from engine.worker.models.wan.tae import TAE, TAEState


def _check_same(name: str, got: Tensor, expected: tuple[torch.Size, torch.dtype]) -> None:
    """Raise if a stream is fed something of another shape or type than it began with."""
    # Axis 1 is time: chunks of one stream may differ in length.
    if (got.shape[:1] + got.shape[2:], got.dtype) != expected:
        raise ValueError(
            f"{name} stream got {list(got.shape)} {got.dtype} but began with "
            f"{list(expected[0])} (time left out) {expected[1]}; reset() it before a change"
        )


class TAEEncodeStream:
    """Encoder of one stream of frames: video input, control, ... each has its own object.

    `push` returns latents at once, so there is nothing to pull or flush.
    """

    def __init__(self, tae: TAE) -> None:
        self._tae = tae
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame is the first of a stream."""
        self._state: TAEState | None = None
        self._began_with: tuple[torch.Size, torch.dtype] | None = None

    def push(self, frames: Tensor) -> Tensor:
        """Encode frames [B, T, 3, H, W] in [0, 1] to latents [B, T / frames_per_latent, C, h, w].

        Raises:
            ValueError: T or the size does not divide, or shape or dtype changed without `reset`.
        """
        config = self._tae.config
        if frames.ndim != 5 or frames.shape[2] != 3 or frames.shape[1] % config.frames_per_latent:
            raise ValueError(
                f"encode stream got {list(frames.shape)}, expected [B, T, 3, H, W] "
                f"with T a multiple of {config.frames_per_latent}"
            )
        self._began_with = self._began_with or (frames.shape[:1] + frames.shape[2:], frames.dtype)
        _check_same("encode", frames, self._began_with)
        latents, self._state = self._tae.encode(frames, self._state)
        return latents


class TAEDecodeStream:
    """Decoder of one stream of latents. The first chunk after `reset` loses `frames_to_trim`."""

    def __init__(self, tae: TAE) -> None:
        self._tae = tae
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next latent frame is the first of a stream."""
        self._state: TAEState | None = None
        self._began_with: tuple[torch.Size, torch.dtype] | None = None

    def push(self, latents: Tensor) -> Tensor:
        """Decode latents [B, F, C, h, w] to frames [B, T, 3, H, W] in [0, 1].

        Raises:
            ValueError: the channels are wrong, or shape or dtype changed without `reset`.
        """
        config = self._tae.config
        if latents.ndim != 5 or latents.shape[2] != config.latent_channels:
            raise ValueError(
                f"decode stream got {list(latents.shape)}, "
                f"expected [B, F, {config.latent_channels}, h, w]"
            )
        is_first = self._began_with is None
        self._began_with = self._began_with or (
            latents.shape[:1] + latents.shape[2:],
            latents.dtype,
        )
        _check_same("decode", latents, self._began_with)
        frames, self._state = self._tae.decode(latents, self._state)
        return frames[:, config.frames_to_trim if is_first else 0 :].clamp_(0, 1)
