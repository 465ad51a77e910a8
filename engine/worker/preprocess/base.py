"""The contract of a preprocessor: input frames in order → control, with memory.

In:     frames [H, W, 3] RGB uint8 at model size, in the order in which they arrive.
Out:    maps [H/8, W/8] uint8: 255 where the picture shall react, 0 where it shall stay itself; or
        pictures [H, W, channels] uint8 of the same, for models that encode a picture.
Thread: that of the lane that owns it, see `lane`.
Full:   cannot fill; a frame that comes too late is skipped by the lane, never queued.

State lasts over frames and chunks. Nothing is normalised per call: a range that jumps with every
frame makes the generated picture flicker, so ranges follow slowly (`slow_range`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from engine.worker.preprocess.slow_range import Field

Frame = npt.NDArray[np.uint8]
ControlMap = npt.NDArray[np.uint8]
ControlPicture = npt.NDArray[np.uint8]

MAP_STRIDE = 8
"""Picture pixels along one side of a map pixel: one map pixel per latent pixel."""


class ControlForm(Enum):
    """What a model takes of a preprocessor."""

    MAP = "map"  # grey, at latent size
    PICTURE = "picture"  # at picture size, with the preprocessor's own channels


class Preprocessor(ABC):
    """One kind of control. All mutable state is made in `reset`.

    Attributes:
        kind: its name in the parameter table.
        channels: of its pictures: 1 is grey, 3 is RGB. Maps are grey always.
    """

    kind: ClassVar[str]
    channels: ClassVar[int] = 1

    def __init__(self) -> None:
        self._field: Field | None = None
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget the past: the next frame belongs to another source."""

    @abstractmethod
    def follow(self, frame: Frame) -> Field:
        """Return what of the next frame shall react: [H/2, W/2] float32 in 0..1."""

    def push(self, frame: Frame) -> ControlMap:
        """Return the map of the next frame [H, W, 3]; H and W are multiples of 16."""
        self._field = self.follow(frame)
        return to_map(self._field)

    def picture(self) -> ControlPicture:
        """Return the picture [H, W, channels] of the frame that was pushed last."""
        assert self._field is not None, "push a frame before its picture is asked for"
        return twice_size(_u8(self._field * 255 + np.float32(0.5)))


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


def twice_size(picture: npt.NDArray[np.uint8]) -> ControlPicture:
    """Return a picture [h, w] or [h, w, C] at twice its size, [2h, 2w, C]."""
    height, width = picture.shape[:2]
    large = cv2.resize(picture, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return _u8(large).reshape(2 * height, 2 * width, -1)


def smoothstep(start: float, stop: float, x: Field) -> Field:
    """Return 0 below `start`, 1 above `stop` and a smooth rise between."""
    share: Field = np.clip((x - np.float32(start)) / np.float32(stop - start), 0, 1)
    smooth: Field = share * share * (3 - 2 * share)
    return smooth


def _u8(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    return np.asarray(values).astype(np.uint8)
