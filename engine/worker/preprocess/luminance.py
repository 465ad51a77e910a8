"""Luminance: bright parts of the input react, dark parts do not.

In, Out, Thread: see `base`.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.worker.preprocess.base import Frame, Preprocessor, half_grey
from engine.worker.preprocess.slow_range import Field, SlowRange


class Luminance(Preprocessor):
    """Brightness, stretched to a slowly followed range."""

    kind = "luminance"

    def __init__(self) -> None:
        self._range = SlowRange(0.05, 0.95, min_width=0.2, rate=0.04)
        super().__init__()

    def reset(self) -> None:
        """Forget the range."""
        self._range.reset()

    def follow(self, frame: Frame) -> Field:
        """Return how bright each pixel is."""
        soft = cv2.GaussianBlur(half_grey(frame), (0, 0), 1.5)
        return self._range.norm(np.asarray(soft, np.float32))
