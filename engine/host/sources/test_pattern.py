"""A moving test pattern: colour, structure, and a figure that walks and waves.

In:     nothing.
Out:    frames [360, 640, 3] uint8 RGB at 30 fps, a pure function of the frame index.
Thread: see base.py.   Full: frames that nobody asked for are not even drawn.

The figure gives control something to follow on a machine without a camera. It is bright before a
darker ground, as a performer in stage light is, and it never stands still.
"""

from __future__ import annotations

import math
import time
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from engine.host.sources.base import Source, SourceFrame
from engine.protocol.frame_ring import Frame

WIDTH_PX, HEIGHT_PX = 640, 360
RATE_FPS = 30.0
_BARS = ((235, 235, 16), (16, 235, 235), (16, 235, 16), (235, 16, 235), (235, 16, 16))
_Point = tuple[int, int]


class TestPattern(Source):
    """Plays for ever from the moment it is opened."""

    is_live: ClassVar[bool] = False
    __test__ = False  # the name starts like a test class; pytest must not collect it

    def __init__(self, address: str = "") -> None:
        super().__init__(address)
        self._origin_s = 0.0
        self._index = -1

    @property
    def name(self) -> str:
        """Return ``test pattern``."""
        return "test pattern"

    def open(self) -> None:
        """Start the clock."""
        self._origin_s = time.monotonic()
        self._index = -1

    def advance(self, timeout_s: float) -> bool:
        """Wait for the next frame's time; skips frames when it is called too seldom."""
        due_s = self._origin_s + (self._index + 1) / RATE_FPS
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            self._interrupted.wait(min(wait_s, timeout_s))
        if wait_s > timeout_s or self._interrupted.is_set():
            return False
        elapsed_s = time.monotonic() - self._origin_s
        self._index = max(self._index + 1, math.floor(elapsed_s * RATE_FPS))
        return True

    def picture(self) -> SourceFrame:
        """Draw the current frame."""
        return SourceFrame(draw(self._index), self._index, time.monotonic_ns())

    def close(self) -> None:
        """Nothing to let go of."""


def draw(index: int) -> Frame:
    """Return frame `index` as [360, 640, 3] uint8 RGB."""
    time_s = index / RATE_FPS
    frame = _ground(time_s)
    _draw_bars(frame, time_s)
    _draw_figure(frame, time_s)
    label = f"SEGUE TEST {index:06d}"
    cv2.putText(frame, label, (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (220, 220, 220), 1)
    return frame


def _ground(time_s: float) -> Frame:
    # Three slow colour waves, drawn small and enlarged: smooth, and cheap enough for any machine.
    x: npt.NDArray[np.float32] = np.linspace(0, 6, 64, dtype=np.float32)[None, :]
    y: npt.NDArray[np.float32] = np.linspace(0, 4, 36, dtype=np.float32)[:, None]
    waves = [np.sin(x + 0.9 * time_s + c) * np.cos(y - 0.7 * time_s + 2.1 * c) for c in range(3)]
    small = (70 + 50 * np.stack(waves, axis=-1)).astype(np.uint8)
    ground: Frame = cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    return ground


def _draw_bars(frame: Frame, time_s: float) -> None:
    width = WIDTH_PX // len(_BARS)
    shift = int(time_s * 40) % WIDTH_PX
    strip = np.repeat(np.array(_BARS, np.uint8), width + 1, axis=0)[:WIDTH_PX]
    frame[HEIGHT_PX - 24 :] = np.roll(strip, shift, axis=0)


def _draw_figure(frame: Frame, time_s: float) -> None:
    """Draw a walking, waving person: head, body and four limbs of two parts each."""
    skin, shirt = (255, 214, 170), (250, 250, 235)
    step = math.sin(time_s * 5.0)
    x = int(WIDTH_PX * (0.5 + 0.17 * math.sin(time_s * 0.6)))
    y = int(150 + 8 * abs(math.cos(time_s * 5.0)))
    hip, shoulder = (x, y + 55), (x, y - 20)
    for side in (-1, 1):
        swing = side * step
        _draw_limb(frame, hip, (0.5 * swing, 0.25 * swing), 46, shirt)
        wave = 2.3 + 0.6 * math.sin(time_s * 3.1 + side)
        _draw_limb(frame, shoulder, (side * wave, side * (wave + 0.5 * step)), 36, skin)
    cv2.ellipse(frame, (x, y + 18), (26, 46), 0, 0, 360, shirt, -1, cv2.LINE_AA)
    cv2.circle(frame, (x + int(4 * step), y - 50), 22, skin, -1, cv2.LINE_AA)


def _draw_limb(
    frame: Frame, root: _Point, angles: tuple[float, float], length_px: int, colour: tuple[int, ...]
) -> None:
    """Draw two segments; angles in radians from straight down."""
    start = root
    for angle in angles:
        end = (
            start[0] + round(length_px * math.sin(angle)),
            start[1] + round(length_px * math.cos(angle)),
        )
        cv2.line(frame, start, end, colour, 18, cv2.LINE_AA)
        start = end
