"""Encode and decode streams over one codec, exactly equal to whole clips in any chunking.

In:     encode: frames [B, T, 3, H, W] in [0, 1]; decode: latents [B, F, C, h, w].
Out:    latents; or frames [B, T, 3, H, W] in [0, 1], the first chunk after `reset` shorter by what
        the codec lacks or trims at the start of a stream.
Thread: encode: preprocess; decode: generator. One object per stream: streams share weights, never
        state, so mixing two is impossible.
Full:   cannot fill; every push answers at once.   Source: TAEHV, StreamingTAEHV.
"""

import torch
from torch import Tensor

from engine.worker.models.wan.codec import Codec, CodecState


def _check_same(name: str, got: Tensor, expected: tuple[torch.Size, torch.dtype]) -> None:
    """Raise if a stream is fed something of another shape or type than it began with."""
    # Axis 1 is time: chunks of one stream may differ in length.
    if (got.shape[:1] + got.shape[2:], got.dtype) != expected:
        raise ValueError(
            f"{name} stream got {list(got.shape)} {got.dtype} but began with "
            f"{list(expected[0])} (time left out) {expected[1]}; reset() it before a change"
        )


class EncodeStream:
    """Encoder of one stream of frames: video input, control, ... each has its own object.

    `push` returns latents at once, so there is nothing to pull or flush.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame is the first of a stream."""
        self._state: CodecState | None = None
        self._began_with: tuple[torch.Size, torch.dtype] | None = None

    def push(self, frames: Tensor) -> Tensor:
        """Encode frames [B, T, 3, H, W] in [0, 1] to latents [B, F, C, h, w].

        T is F times `frames_per_latent`; at the start of a stream the first latent frame takes
        `frames_of_first_latent` instead.

        Raises:
            ValueError: T or the size does not divide, or shape or dtype changed without `reset`.
        """
        step, short = self._codec.config.frames_per_latent, self._missing_frames()
        if frames.ndim != 5 or frames.shape[2] != 3 or (frames.shape[1] + short) % step:
            less = f" less {short}" if short else ""
            raise ValueError(
                f"encode stream got {list(frames.shape)}, expected [B, T, 3, H, W] "
                f"with T a multiple of {step}{less}"
            )
        began_with = self._began_with or (frames.shape[:1] + frames.shape[2:], frames.dtype)
        _check_same("encode", frames, began_with)
        latents, self._state = self._codec.encode(frames, self._state)
        self._began_with = began_with
        return latents

    @property
    def state(self) -> CodecState | None:
        """What the codec remembers; None at the start of a stream. A later push leaves it as is."""
        return self._state

    def _missing_frames(self) -> int:
        """Frames that the next latent frame needs less than `frames_per_latent`."""
        config = self._codec.config
        return 0 if self._began_with else config.frames_per_latent - config.frames_of_first_latent


class DecodeStream:
    """Decoder of one stream of latents. The first chunk after `reset` loses `frames_to_trim`."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next latent frame is the first of a stream."""
        self.state: CodecState | None = None
        """What the codec remembers; None at the start. Whoever decodes in its place sets it."""
        self._began_with: tuple[torch.Size, torch.dtype] | None = None

    def push(self, latents: Tensor) -> Tensor:
        """Decode latents [B, F, C, h, w] to frames [B, T, 3, H, W] in [0, 1].

        Raises:
            ValueError: the channels are wrong, or shape or dtype changed without `reset`.
        """
        config = self._codec.config
        if latents.ndim != 5 or latents.shape[2] != config.latent_channels:
            raise ValueError(
                f"decode stream got {list(latents.shape)}, "
                f"expected [B, F, {config.latent_channels}, h, w]"
            )
        num_trimmed = 0 if self._began_with else config.frames_to_trim
        began_with = self._began_with or (latents.shape[:1] + latents.shape[2:], latents.dtype)
        _check_same("decode", latents, began_with)
        frames, self.state = self._codec.decode(latents, self.state)
        self._began_with = began_with
        return frames[:, num_trimmed:].clamp_(0, 1)
