"""Luminance: bright parts of the input react, dark parts do not.

In, Out, Thread: see `base`.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.worker.preprocess.base import (
    ControlMap,
    Frame,
    Preprocessor,
    SlowRange,
    half_grey,
    to_map,
)


class Luminance(Preprocessor):
    """Brightness, stretched to a slowly followed range."""

    kind = "luminance"

    def __init__(self) -> None:
        self._range = SlowRange(0.05, 0.95, min_width=0.2, rate=0.04)
        super().__init__()

    def reset(self) -> None:
        """Forget the range."""
        self._range.reset()

    def push(self, frame: Frame) -> ControlMap:
        """Return the map of the next frame."""
        soft = cv2.GaussianBlur(half_grey(frame), (0, 0), 1.5)
        return to_map(self._range.norm(np.asarray(soft, np.float32)))
