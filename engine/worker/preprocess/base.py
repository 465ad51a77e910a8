"""The contract of a preprocessor: input frames in order → control maps, with memory.

In:     frames [H, W, 3] RGB uint8 at model size, in the order in which they arrive.
Out:    maps [H/8, W/8] uint8: 255 where the picture shall react, 0 where it shall stay itself.
Thread: preprocess.
Full:   cannot fill; a frame that comes too late is skipped by the thread, never queued.

State lasts over frames and chunks. Nothing is normalised per call: a range that jumps with every
frame makes the generated picture flicker, so ranges follow slowly (`SlowRange`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
ControlMap = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]

MAP_STRIDE = 8
"""Picture pixels along one side of a map pixel: one map pixel per latent pixel."""


class Preprocessor(ABC):
    """One kind of control map. All mutable state is made in `reset`."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget the past: the next frame belongs to another source."""

    @abstractmethod
    def push(self, frame: Frame) -> ControlMap:
        """Return the map of the next frame [H, W, 3]; H and W are multiples of 16."""


class SlowRange:
    """The range of a quantity, followed slowly so that a single frame hardly moves it.

    Args:
        low_share: share of values that lie below the low end.
        high_share: share of values that lie below the high end.
        min_width: the range never gets narrower, or the noise of a dull input would be blown up.
        rate: share of the way to a frame's own range that is gone per frame.
    """

    def __init__(
        self, low_share: float, high_share: float, *, min_width: float, rate: float
    ) -> None:
        self._shares = (low_share, high_share)
        self._min_width = min_width
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        """Forget the range; the next frame sets it at once."""
        self._range: tuple[float, float] | None = None

    def norm(self, values: Field) -> Field:
        """Follow the range of `values` and return them as 0..1 of it."""
        low, high = (float(v) for v in np.quantile(values[::2, ::2], self._shares))
        if self._range is not None:
            low = self._range[0] + self._rate * (low - self._range[0])
            high = self._range[1] + self._rate * (high - self._range[1])
        self._range = (low, high)
        scaled: Field = (values - low) / max(high - low, self._min_width)
        return np.clip(scaled, 0.0, 1.0, out=scaled)


def half_size(frame: Frame) -> Frame:
    """Return the frame at half its size [H/2, W/2, 3]; pixels are averaged."""
    height, width = frame.shape[:2]
    return _u8(cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA))


def half_grey(frame: Frame) -> Field:
    """Return luminance at half size [H/2, W/2] float32 in 0..1."""
    grey = cv2.cvtColor(half_size(frame), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32) / np.float32(255)


def to_map(field: Field) -> ControlMap:
    """Return a half-size field in 0..1 as a control map: averaged to 1/8, rounded to uint8."""
    stride = MAP_STRIDE // 2
    height, width = field.shape
    small = cv2.resize(field, (width // stride, height // stride), interpolation=cv2.INTER_AREA)
    return _u8(np.clip(small, 0, 1) * 255 + 0.5)


def smoothstep(start: float, stop: float, x: Field) -> Field:
    """Return 0 below `start`, 1 above `stop` and a smooth rise between."""
    share: Field = np.clip((x - np.float32(start)) / np.float32(stop - start), 0, 1)
    smooth: Field = share * share * (3 - 2 * share)
    return smooth


def _u8(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    return np.asarray(values).astype(np.uint8)
