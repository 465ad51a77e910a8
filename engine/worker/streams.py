"""The codec's streams: one object each, with its own memory and its own first chunk.

In:     encode: frames [1, T, 3, H, W] in [0, 1]; decode: latents [1, F, C, h, w].
Out:    latents of the stream's own type; or frames [4F, 3, H, W] in [0, 1], always full chunks.
Thread: generator.
Full:   cannot fill; every push answers at once.

Streams share weights, never memory. Each has a type of its own, and so has what it returns: the
type checker refuses a reactive latent where a video latent is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

import torch
from torch import Tensor

from engine.worker.models.wan.codec import Codec
from engine.worker.models.wan.codec_stream import DecodeStream, EncodeStream

VideoLatents = NewType("VideoLatents", Tensor)
ReactiveLatents = NewType("ReactiveLatents", Tensor)
InactiveLatents = NewType("InactiveLatents", Tensor)


class _EncodeStream:
    """What the encode streams have in common. Not used itself.

    Chunks are whole, so every push has F times `frames_per_latent` frames for F latents. A codec
    whose first latent frame stands for fewer is given the newest of the first push and never sees
    the ones before: from then on each latent ends with the last of its own frames.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._stream = EncodeStream(codec)
        self.is_fresh = True

    def reset(self) -> None:
        """Forget the past: the next frame is the first of a stream."""
        self._stream.reset()
        self.is_fresh = True

    def _encode(self, frames: Tensor) -> Tensor:
        config = self._codec.config
        step = config.frames_per_latent
        if frames.ndim < 2 or frames.shape[1] % step:
            raise ValueError(
                f"encode stream got {list(frames.shape)}, expected [1, T, 3, H, W] "
                f"with T a multiple of {step}"
            )
        num_early = step - config.frames_of_first_latent if self.is_fresh else 0
        latents = self._stream.push(frames[:, num_early:].to(self._codec.dtype))
        self.is_fresh = False
        # A take gives latents back contiguous. In another layout sums differ in their last bits,
        # and a replay would differ with them.
        return latents.contiguous()


class VideoEncodeStream(_EncodeStream):
    """Encodes the source's own picture, for video-to-video."""

    def push(self, frames: Tensor) -> VideoLatents:
        """Encode frames [1, T, 3, H, W]; T a multiple of the codec's frames per latent."""
        return VideoLatents(self._encode(frames))


class ReactiveEncodeStream(_EncodeStream):
    """Encodes the part of a control video that the model redraws."""

    def push(self, frames: Tensor) -> ReactiveLatents:
        """Encode frames [1, T, 3, H, W]; T a multiple of the codec's frames per latent."""
        return ReactiveLatents(self._encode(frames))


class InactiveEncodeStream(_EncodeStream):
    """Encodes the part of a control video that the model leaves alone."""

    def push(self, frames: Tensor) -> InactiveLatents:
        """Encode frames [1, T, 3, H, W]; T a multiple of the codec's frames per latent."""
        return InactiveLatents(self._encode(frames))


class PictureStream:
    """Decodes generated latents. Every chunk is whole, the first after a reset too.

    No short chunk reaches the output, although codecs shorten the start of a stream. Where `decode`
    returns frames to trim, the first push sends the first latent ahead of itself (pre-roll) and
    drops what that adds. Where the first latent stands for fewer frames, which it does because the
    transformer made it as a still, sending it twice would decode a still as if it were motion: its
    first frame is shown longer instead, and every frame stays what the codec makes of the latents.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._stream = DecodeStream(codec)
        self.is_fresh = True

    def reset(self) -> None:
        """Forget the past: the next latent is the first of a stream."""
        self._stream.reset()
        self.is_fresh = True

    def push(self, latents: Tensor) -> Tensor:
        """Decode latents [1, F, C, h, w] to frames [F * frames_per_latent, 3, H, W] in [0, 1]."""
        config = self._codec.config
        num_frames = latents.shape[1] * config.frames_per_latent
        num_ahead = -(-config.frames_to_trim // config.frames_per_latent) if self.is_fresh else 0
        ahead = latents[:, :1].expand(-1, num_ahead, -1, -1, -1)
        frames = self._stream.push(torch.cat([ahead, latents], 1) if num_ahead else latents)
        self.is_fresh = False
        return _filled(frames[0], num_frames)


def _filled(frames: Tensor, count: int) -> Tensor:
    """Newest `count` of frames [T, 3, H, W]; the first one is repeated where there are fewer."""
    missing = count - frames.shape[0]
    if missing > 0:
        return torch.cat([frames[:1].expand(missing, -1, -1, -1), frames])
    return frames[frames.shape[0] - count :]


@dataclass(frozen=True, slots=True)
class Streams:
    """Every stream of a worker."""

    picture: PictureStream
    video: VideoEncodeStream
    reactive: ReactiveEncodeStream
    inactive: InactiveEncodeStream

    @staticmethod
    def of(codec: Codec) -> Streams:
        """Return fresh streams over one codec's weights."""
        return Streams(
            PictureStream(codec),
            VideoEncodeStream(codec),
            ReactiveEncodeStream(codec),
            InactiveEncodeStream(codec),
        )
