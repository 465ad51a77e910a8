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

from engine.worker.kernels.graphs import Graphs
from engine.worker.models.wan.codec import Codec, CodecState
from engine.worker.models.wan.codec_stream import DecodeStream, EncodeStream
from engine.worker.models.wan.recorded_codec import RecordedDecoder
from engine.worker.models.wan.steady_decoder import SteadyDecoder

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

    @property
    def is_fresh(self) -> bool:
        """Whether the next frame is the first of a stream."""
        return self._stream.state is None

    @property
    def num_dropped(self) -> int:
        """Frames at the start of the next push that are never seen."""
        return self._num_early() if self.is_fresh else 0

    def reset(self) -> None:
        """Forget the past: the next frame is the first of a stream."""
        self._stream.reset()

    def _encode(self, frames: Tensor) -> Tensor:
        step = self._codec.config.frames_per_latent
        if frames.ndim < 2 or frames.shape[1] % step:
            raise ValueError(
                f"encode stream got {list(frames.shape)}, expected [1, T, 3, H, W] "
                f"with T a multiple of {step}"
            )
        num_early = self._num_early() if self._stream.state is None else 0
        latents = self._stream.push(frames[:, num_early:].to(self._codec.dtype))
        # A take gives latents back contiguous. In another layout sums differ in their last bits,
        # and a replay would differ with them.
        return latents.contiguous()

    def _num_early(self) -> int:
        config = self._codec.config
        return config.frames_per_latent - config.frames_of_first_latent


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
    """Encodes the part of a control video that the model leaves alone.

    Mostly it leaves nothing alone, and this part is grey throughout. What grey frames become is
    computed once: push by push, until the encoder's memory holds nothing but grey and repeats
    itself. Then, and after every reset, the latents are at hand. The encoder is brought up to date
    when the first frames come that are not grey, so they become what they would have become.
    """

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec)
        self._known = _GreyLatents()
        self._grey: Tensor | None = None  # frames of the last grey push
        self._forget_grey()

    @property
    def is_fresh(self) -> bool:
        """Whether the next frame is the first of a stream."""
        return self._num_grey == 0 and super().is_fresh

    def reset(self) -> None:
        """Forget the past: the next frame is the first of a stream."""
        super().reset()
        self._forget_grey()

    def push(self, frames: Tensor) -> InactiveLatents:
        """Encode frames [1, T, 3, H, W]; T a multiple of the codec's frames per latent."""
        self._catch_up()
        self._is_all_grey = False
        return InactiveLatents(self._encode(frames))

    def push_grey(self, frames: Tensor) -> InactiveLatents:
        """Do what `push` does for frames [1, T, 3, H, W] that are grey."""
        if not self._is_all_grey or not self._known.fits(frames):
            return self.push(frames)
        self._grey = frames
        self._num_grey += 1
        if not self._known.covers(self._num_grey):
            self._catch_up()
        return InactiveLatents(self._known.latents(self._num_grey))

    def _forget_grey(self) -> None:
        self._is_all_grey = True
        self._grey = None
        self._num_grey = 0  # pushes since the reset
        self._num_encoded = 0  # those of them that the encoder has seen

    def _catch_up(self) -> None:
        """Let the encoder see the grey pushes that it was spared, as far as they change it."""
        while self._grey is not None and self._num_encoded < self._known.needed(self._num_grey):
            before = self._stream.state
            latents = self._encode(self._grey)
            self._num_encoded += 1
            self._known.learn(self._num_encoded, latents, (before, self._stream.state))


class _GreyLatents:
    """What the pushes of a stream of grey frames become, the first one, the second one, ..."""

    def __init__(self) -> None:
        self._shape: torch.Size | None = None
        self._latents: list[Tensor] = []
        self._is_settled = False  # all later pushes become what the last one became

    def fits(self, frames: Tensor) -> bool:
        """Whether pushes of this shape are what is known, or nothing is known yet."""
        self._shape = self._shape or frames.shape
        return frames.shape == self._shape

    def covers(self, number: int) -> bool:
        """Whether the latents of push `number`, counted from 1, are at hand."""
        return self._is_settled or number <= len(self._latents)

    def latents(self, number: int) -> Tensor:
        """Return the latents of push `number`, counted from 1."""
        return self._latents[min(number, len(self._latents)) - 1]

    def needed(self, count: int) -> int:
        """How many of `count` pushes an encoder has to see to be as after all of them."""
        return min(count, len(self._latents)) if self._is_settled else count

    def learn(
        self, number: int, latents: Tensor, states: tuple[CodecState | None, CodecState | None]
    ) -> None:
        """Remember what push `number` became, and the encoder's memory before and after it."""
        if self.covers(number):
            return
        is_same = bool(self._latents) and torch.equal(self._latents[-1], latents)
        self._latents.append(latents)
        self._is_settled = is_same and _is_equal(*states)


def _is_equal(one: CodecState | None, other: CodecState | None) -> bool:
    if one is None or other is None:
        return False
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


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

    def steady(self, codec: Codec) -> SteadyDecoder:
        """Return what decodes this stream in its place once it runs; `codec` is not played back."""
        return SteadyDecoder(codec, self._stream)


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
    def of(codec: Codec, device: torch.device | None = None) -> Streams:
        """Return fresh streams over one codec's weights; on a GPU the picture is played back."""
        decoder = codec
        if device is not None and device.type == "cuda":
            decoder = RecordedDecoder(codec, Graphs(device))
        return Streams(
            PictureStream(decoder),
            VideoEncodeStream(codec),
            ReactiveEncodeStream(codec),
            InactiveEncodeStream(codec),
        )
