"""Play a video file (or a still picture) by its own timestamps, for ever.

In:     anything that FFmpeg reads: any size, codec, pixel format, constant or variable rate.
Out:    frames [H, W, 3] uint8 RGB, upright (rotation tag applied), square pixels.
Thread: see base.py. One frame is decoded ahead, so a frame is ready when it is due.
Full:   a machine too slow to decode in time plays in slow motion instead of falling behind.

The loop is seamless: the first frame of the next pass is due one frame duration after the last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np

from engine.errors import SourceError
from engine.host.sources.base import Source, SourceFrame

MAX_BEHIND_S = 0.5
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_STILL_S = 1.0  # how long a file of a single frame shows it before it is read again


class VideoFile(Source):
    """One file, opened again at the end of each pass: seeking is not reliable in every format."""

    is_live: ClassVar[bool] = False

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.path = Path(address).expanduser()
        self._container: Any = None
        self._frames: Iterator[tuple[Any, float]] = iter(())
        self._origin_s = 0.0  # when the first frame of this pass was due, on the monotonic clock
        self._next: tuple[Any, float] | None = None  # decoded ahead: frame, due on that clock
        self._current: Any = None
        self._index = -1
        self._clock = MediaClock(1 / 25)
        self._pixel_aspect = 1.0

    @property
    def name(self) -> str:
        """Return the file name."""
        return f"video file {self.path.name!r}"

    def open(self) -> None:
        """Open the file and decode its first frame.

        Raises:
            SourceError: missing, unreadable, without video, or nothing in it can be decoded.
        """
        self._open_pass()
        self._next = self._first_frame(time.monotonic())

    def advance(self, timeout_s: float) -> bool:
        """Wait for the next frame's timestamp."""
        if self._next is None:
            raise SourceError(f"{self.name} is not open; select the source again")
        frame, due_s = self._next
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            self._interrupted.wait(min(wait_s, timeout_s))
        if wait_s > timeout_s or self._interrupted.is_set():
            return False
        if -wait_s > MAX_BEHIND_S:
            self._origin_s -= wait_s
        self._current = frame
        self._index += 1
        self._next = self._following_frame()
        return True

    def picture(self) -> SourceFrame:
        """Convert the current frame."""
        try:
            pixels = _to_rgb(self._current, self._pixel_aspect)
        except (av.FFmpegError, ValueError) as error:
            raise SourceError(f"{self.name}: a frame cannot be converted: {error}") from error
        return SourceFrame(pixels, self._index, time.monotonic_ns())

    def close(self) -> None:
        """Close the file."""
        self._next = None
        self._frames = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open_pass(self) -> None:
        self.close()
        if not self.path.is_file():
            raise SourceError(f"{self.name} is not in {self.path.parent}; choose an existing file")
        try:
            self._container = av.open(str(self.path))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(
                f"{self.name} cannot be read: {_reason(error)}; convert it to MP4 or choose another"
            ) from error
        if not self._container.streams.video:
            self.close()
            raise SourceError(f"{self.name} has no video stream; choose a file with pictures")
        stream = self._container.streams.video[0]
        self._clock = MediaClock(1 / float(stream.average_rate or 25))
        self._pixel_aspect = _pixel_aspect(stream)
        self._frames = _decoded(self._container, self._clock)

    def _first_frame(self, now_s: float) -> tuple[Any, float]:
        first = next(self._frames, None)
        if first is None:
            self.close()
            raise SourceError(
                f"{self.name}: no picture in it can be decoded; the file is broken or truncated"
            )
        self._origin_s = now_s
        return first[0], now_s + first[1]

    def _following_frame(self) -> tuple[Any, float]:
        following = next(self._frames, None)
        if following is not None:
            return following[0], self._origin_s + following[1]
        pass_s = _STILL_S if self._clock.num_frames == 1 else self._clock.end_s
        next_pass_at_s = self._origin_s + pass_s
        self._open_pass()
        return self._first_frame(next_pass_at_s)


class MediaClock:
    """Turns timestamps into seconds since the first frame; they may be missing or go backwards."""

    def __init__(self, frame_s: float) -> None:
        self.num_frames = 0
        self.end_s = 0.0
        """When the last frame has been shown."""
        self._frame_s = frame_s
        self._first_s: float | None = None
        self._last_s = 0.0

    def time_of(self, stamp_s: float | None, duration_s: float = 0.0) -> float:
        """Return when the next frame is due; `stamp_s` None or running backwards is mended."""
        if stamp_s is not None and self._first_s is None:
            self._first_s = stamp_s - self.end_s
        due_s = self.end_s if stamp_s is None else stamp_s - (self._first_s or 0.0)
        if self.num_frames and due_s <= self._last_s:
            due_s = self._last_s + self._frame_s
        if self.num_frames and not duration_s:
            self._frame_s = (
                due_s - self._last_s
            )  # at a variable rate the last gap is the best guess
        self._last_s = due_s
        self.end_s = due_s + (duration_s or self._frame_s)
        self.num_frames += 1
        return due_s


def _decoded(container: Any, clock: MediaClock) -> Iterator[tuple[Any, float]]:
    """Yield (frame, seconds since the first) of one pass; damaged packets are passed over."""
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else ()
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            continue
        except (av.FFmpegError, OSError):
            return  # reading broke off: what came so far is the pass
        if packet is None:
            return
        for frame in frames:
            base = float(frame.time_base or stream.time_base or 0)
            yield frame, clock.time_of(frame.time, (frame.duration or 0) * base)


def _to_rgb(frame: Any, pixel_aspect: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    width = max(1, round(frame.width * pixel_aspect))
    # Untagged HD material is BT.709 by custom; FFmpeg would take it for BT.601 and shift its reds.
    is_untagged_hd = frame.colorspace == _UNSPECIFIED and frame.height >= 720
    colours = "ITU709" if is_untagged_hd else None
    picture = frame.reformat(width=width, format="rgb24", src_colorspace=colours).to_ndarray()
    turns = round(frame.rotation / 90) % 4  # FFmpeg and numpy both count counter-clockwise
    return np.ascontiguousarray(np.rot90(picture, turns))


def _pixel_aspect(stream: Any) -> float:
    aspect = stream.sample_aspect_ratio
    return float(aspect) if aspect and 0.2 < aspect < 5 else 1.0


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
