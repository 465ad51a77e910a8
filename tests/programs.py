"""Chunks and program frames for tests of playout and outputs."""

import threading
import time

import numpy as np

from engine.host.outputs.base import Output, ProgramFrame
from engine.protocol.frame_ring import FrameMeta, RingFrame

COLOURS_BGR = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255), (255, 255, 255), (40, 90, 160)]


def solid(bgr, width_px=64, height_px=64):
    """Return a BGRX picture of one colour."""
    picture = np.full((height_px, width_px, 4), 255, np.uint8)
    picture[..., :3] = bgr
    return picture


def bars(width_px=256, height_px=144):
    """Return a BGRX picture of vertical colour bars."""
    picture = solid((0, 0, 0), width_px, height_px)
    edges = np.linspace(0, width_px, len(COLOURS_BGR) + 1).astype(int)
    for colour, left, right in zip(COLOURS_BGR, edges, edges[1:], strict=False):
        picture[:, left:right, :3] = colour
    return picture


def drifting(index, width_px=256, height_px=256):
    """Return a BGRX picture of soft waves that differs from those of its neighbours."""
    x = np.arange(width_px) / width_px
    y = np.arange(height_px)[:, None] / height_px
    picture = np.full((height_px, width_px, 4), 255, np.uint8)
    for channel in range(3):
        wave = np.sin(6.28 * (2 * x + y * (channel + 1)) + index * 6.28 / 30)
        picture[..., channel] = 128 + 100 * wave
    return picture


def chunk(pictures, first=0, index=-1):
    """Return pictures as the frames of a chunk that was captured now."""
    now_ns = time.monotonic_ns()
    return [
        RingFrame(
            first + i,
            picture,
            FrameMeta(media_index=first + i, chunk_index=index, captured_ns=now_ns),
        )
        for i, picture in enumerate(pictures)
    ]


def program_frame(index, pixels=None, rate=30):
    """Return a program frame as the presenter makes it."""
    due_ns = 10**12 + index * 10**9 // rate
    return ProgramFrame(
        pixels=drifting(index, 320, 180) if pixels is None else pixels,
        index=index, timecode_100ns=due_ns // 100, due_ns=due_ns,
        rate_numerator=rate, rate_denominator=1,
    )  # fmt: skip


class CollectingOutput(Output):
    """A real output whose device is a list."""

    def __init__(self, capacity=8):
        super().__init__("collecting", capacity)
        self.frames = []

    def _open(self, spec):
        return True

    def _write(self, frame):
        self.frames.append(frame)

    def _close(self):
        pass


def wait_until(condition, timeout_s=10.0):
    """Wait until `condition()` is true; fail when that takes too long."""
    pause, deadline_s = threading.Event(), time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        pause.wait(0.01)
