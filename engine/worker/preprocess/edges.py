"""Edges: outlines of the input react.

In, Out, Thread: see `base`.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.worker.preprocess.base import (
    Frame,
    Preprocessor,
    half_grey,
    smoothstep,
)
from engine.worker.preprocess.slow_range import Field, SlowRange

_SMOOTHING = 0.6  # share of the new frame: outlines of textures would twinkle otherwise
_LINE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_LINE_SOFTNESS_PX = 1.5


class Edges(Preprocessor):
    """Outlines as soft lines about one and a half map pixels wide, as the model was taught."""

    kind = "edges"

    def __init__(self) -> None:
        self._range = SlowRange(0.5, 0.96, min_width=0.08, rate=0.06)
        super().__init__()

    def reset(self) -> None:
        """Forget the range and the line of the frame before."""
        self._range.reset()
        self._shown: Field | None = None

    def follow(self, frame: Frame) -> Field:
        """Return where outlines are."""
        grey = cv2.GaussianBlur(half_grey(frame), (0, 0), 2.0)
        slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        lines = smoothstep(0.35, 0.85, self._range.norm(np.asarray(slope, np.float32)))
        wide = cv2.GaussianBlur(cv2.dilate(lines, _LINE), (0, 0), _LINE_SOFTNESS_PX)
        new = np.asarray(wide, np.float32)
        self._shown = new if self._shown is None else self._shown + _SMOOTHING * (new - self._shown)
        return self._shown
