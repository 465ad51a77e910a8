"""Flow: what moves in the input reacts, the faster the more; the camera's own motion counts.

In, Out, Thread: see `base`. Its pictures are RGB, see `colour_wheel`.

The dense flow is OpenCV's DIS (no weights), from the frame before to this one, on this one's grid.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.worker.preprocess.base import (
    ControlPicture,
    Frame,
    Preprocessor,
    half_size,
    smoothstep,
    twice_size,
)
from engine.worker.preprocess.colour_wheel import colours
from engine.worker.preprocess.slow_range import Field, SlowRange

_SMOOTHING = 0.5  # share of the new frame: flow of plain surfaces twinkles otherwise
_NOISE_PX = 0.3  # half-size pixels a frame; less is camera noise
_FULL_PX = 1.5  # the range never ends below this, or noise would fill a still picture
_ODD_GREY = 30  # a pixel that differs by more from where it came from did not come from there
_MAX_ODD_SHARE = 0.4  # more of it, and the frame does not follow from the one before

_FINEST_SCALE = 1  # of the half-size frame: at the preset's 2, limbs melt into the body

Vectors = npt.NDArray[np.float32]


class Flow(Preprocessor):
    """Speed as brightness, or direction and speed as colour."""

    kind = "flow"
    channels = 3

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._flow.setFinestScale(_FINEST_SCALE)
        self._range = SlowRange(None, 0.97, min_width=_FULL_PX, rate=0.08)
        super().__init__()

    def reset(self) -> None:
        """Forget the frame before, the range and the motion."""
        self._range.reset()
        self._before: npt.NDArray[np.uint8] | None = None
        self._vectors: Vectors | None = None  # [h, w, 2] half-size pixels a frame

    def follow(self, frame: Frame) -> Field:
        """Return how fast each pixel moves; nothing in the first frame after a reset."""
        grey = np.asarray(cv2.cvtColor(half_size(frame), cv2.COLOR_RGB2GRAY))
        seen = self._seen(grey)
        self._before = grey
        if self._vectors is None:
            self._vectors = seen
        else:
            self._vectors += np.float32(_SMOOTHING) * (seen - self._vectors)
        speed = np.hypot(self._vectors[..., 0], self._vectors[..., 1])
        clear = np.clip(speed - np.float32(_NOISE_PX), 0, None)
        return smoothstep(0.0, 0.9, self._range.norm(clear))

    def picture(self) -> ControlPicture:
        """Return motion as colour [H, W, 3], white where nothing moves."""
        assert self._vectors is not None, "push a frame before its picture is asked for"
        ends = self._range.ends
        full = max(ends.high if ends is not None else 0.0, _FULL_PX)
        return twice_size(colours(self._vectors, full))

    def _seen(self, grey: npt.NDArray[np.uint8]) -> Vectors:
        """Return the motion of a frame; none where it does not follow from the one before."""
        still = np.zeros((*grey.shape, 2), np.float32)
        if self._before is None:
            return still
        back = np.asarray(self._flow.calc(grey, self._before, None), np.float32)
        return still if self._is_odd(grey, back) else -back

    def _is_odd(self, grey: npt.NDArray[np.uint8], back: Vectors) -> bool:
        """Whether most of the frame came from nowhere: an edit inside the source."""
        assert self._before is not None
        height, width = grey.shape
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        came = cv2.remap(
            self._before, x + back[..., 0], y + back[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        odd = cv2.absdiff(grey, came)[::2, ::2] > _ODD_GREY
        return float(odd.mean()) > _MAX_ODD_SHARE
