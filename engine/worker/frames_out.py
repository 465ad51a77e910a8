"""A chunk's frames on their way out: looked at, written into the ring, announced.

In:     frames [F, 3, H, W] in [0, 1].
Out:    BGRX frames [H, W, 4] uint8 in the frame ring, then `FramesReady`.
Thread: generator.
Full:   cannot fill: the host plans a chunk only when its frames have room.

A broken picture is not written: it is named, and the chunk loop forgets what made it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.protocol.frame_ring import FrameMeta, RingWriter
from engine.protocol.orders import FramesReady
from engine.protocol.values import PictureStatistics
from engine.worker.host_copy import HostCopy
from engine.worker.pictures import PictureWriter
from engine.worker.telemetry import (
    NUM_PICTURE_NUMBERS,
    Telemetry,
    fault_in,
    picture_numbers_no_sync,
    statistics_of,
)


class Handed(NamedTuple):
    """What became of a chunk's frames."""

    statistics: PictureStatistics
    fault: str
    crc32: int


class FramesOut:
    """Owns the counter of frames, which nothing resets."""

    def __init__(
        self,
        ring: RingWriter,
        tell: Callable[[FramesReady], None],
        telemetry: Telemetry,
        pictures: PictureWriter,
    ) -> None:
        self.num_written = 0  # since the worker began
        self.pictures = pictures
        self._numbers = HostCopy((NUM_PICTURE_NUMBERS,), torch.float32, telemetry.device)
        self._ring = ring
        self._tell = tell
        self._telemetry = telemetry

    def begin(self, frames: Tensor) -> None:
        """Look at frames [F, 3, H, W] in [0, 1] and convert them, as far as nobody need wait."""
        self._numbers.start(picture_numbers_no_sync(frames))
        self.pictures.begin(frames)

    def join(self) -> None:
        """Let the present stream wait until what was begun is in host memory."""
        self._numbers.join()
        self.pictures.join()

    def hand_on(self, chunk_index: int, *, is_first: bool, starts_anew: bool) -> Handed:
        """Write the frames that were begun into the ring and say so, unless they are broken.

        Args:
            chunk_index: of their plan.
            is_first: the context holds nothing yet, see `fault_in`.
            starts_anew: the cache was reset before them.
        """
        statistics = statistics_of(self._numbers.wait())
        fault = fault_in(statistics, is_first=is_first)
        if fault:
            return Handed(statistics, fault, 0)
        pictures = self.pictures.finish()
        first = self._write(chunk_index, pictures)
        self._tell(
            FramesReady(
                chunk_index=chunk_index,
                first_frame=first,
                num_frames=len(pictures),
                first_frame_ms=self._telemetry.elapsed_ms(),
                starts_anew=starts_anew,
            )
        )
        return Handed(statistics, "", zlib.crc32(pictures.data))

    def _write(self, chunk_index: int, pictures: npt.NDArray[np.uint8]) -> int:
        """Write BGRX pictures [F, H, W, 4] into the frame ring; returns the first one's number."""
        made_ns = time.monotonic_ns()
        numbers = []
        for picture in pictures:
            meta = FrameMeta(
                media_index=self.num_written, chunk_index=chunk_index, captured_ns=made_ns
            )
            numbers.append(self._ring.write(picture, meta))
            self.num_written += 1
        return numbers[0]
