"""Silhouette: the moving figure, also while the camera moves and while parts of it rest.

In, Out, Thread: see `base`.

Motion against the dominant motion says *where* something acts; it is patchy, because the middle of
a plain coat does not seem to move. So motion only teaches two colour histograms, figure and
surround, and the map is what looks like the figure near where something acted lately. Both
memories fade over seconds: a figure that stands still for long melts into the surround.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from engine.worker.preprocess.base import (
    Frame,
    Preprocessor,
    half_size,
    smoothstep,
)
from engine.worker.preprocess.slow_range import Field, SlowRange

_BINS = 16  # per colour axis: coarse enough to fill within a second of frames
_PRESENCE_FADE = 0.98  # per frame: half is gone after 2 s at 16 frames a second
_COLOUR_FADE = 0.97  # per frame: colours of the last 2 s count
_GROUND_RATE = 0.04  # per frame: what rests is ground after 2 s
_GROUND_RATE_FIGURE = 0.004  # a figure that rests is ground after 15 s
_GROWTH = 0.8
_SMOOTHING = 0.5  # share of the new frame in the shown map
_MIN_MOTION_PX = 0.35  # half-size pixels a frame; less is camera noise

_BORDER_WEIGHT = 3.0  # the surround is best seen at the border of the picture

_SPECK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))

Bins = npt.NDArray[np.intp]


class Silhouette(Preprocessor):
    """The moving figure as a filled, soft-edged shape."""

    kind = "silhouette"

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._speed = SlowRange(0.0, 0.97, min_width=_MIN_MOTION_PX * 2, rate=0.1)
        super().__init__()

    def reset(self) -> None:
        """Forget figure and surround."""
        self._speed.reset()
        self._before: npt.NDArray[np.uint8] | None = None
        self._ground: Field | None = None  # the picture without the figure, [h, w, 3]
        self._presence: Field | None = None  # where something acted lately, 0..1
        self._shown: Field | None = None
        self._figure = np.zeros(_BINS**3, np.float32)  # colour → weight seen in the figure
        self._surround = np.zeros(_BINS**3, np.float32)

    def follow(self, frame: Frame) -> Field:
        """Return where the figure is; nowhere in the first frame after a reset."""
        small = half_size(frame)
        presence = self._follow_presence(small)
        bins = _colour_bins(small)
        likeness = self._learn_colours(bins, presence)
        # What looks like the figure and touches it belongs to it, moving or not.
        seed = presence if self._shown is None else np.maximum(presence, _GROWTH * self._shown)
        near = np.asarray(cv2.blur(seed, (13, 13)), np.float32)
        figure = _without_specks(smoothstep(0.45, 0.65, likeness) * smoothstep(0.03, 0.3, near))
        self._shown = (
            figure if self._shown is None else self._shown + _SMOOTHING * (figure - self._shown)
        )
        return self._shown

    def _follow_presence(self, small: Frame) -> Field:
        """Move the presence map along with the picture and add what acts now."""
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        if self._before is None or self._presence is None:
            self._before, self._presence = grey, np.zeros(grey.shape, np.float32)
            return self._presence
        back = self._flow.calc(grey, self._before, None)  # where each pixel came from
        self._before = grey
        carried = _moved(self._presence, back) * np.float32(_PRESENCE_FADE)
        acting = self._acting(back)
        stands_out = self._against_ground(small, carried, _dominant_px(back))
        self._presence = np.maximum(carried, np.maximum(acting, stands_out))
        return self._presence

    def _against_ground(self, small: Frame, presence: Field, camera_px: float) -> Field:
        """Return how clearly each pixel differs from what is there without the figure, 0..1.

        Says nothing while the camera moves: the ground is then learned anew at once.
        """
        seen = np.asarray(cv2.blur(small, (3, 3)), np.float32)
        if self._ground is None or camera_px > _MIN_MOTION_PX:
            self._ground = seen
            return np.zeros(presence.shape, np.float32)
        difference = np.abs(seen - self._ground).max(-1)
        rate = _GROUND_RATE * (1 - smoothstep(0.2, 0.6, presence)) + _GROUND_RATE_FIGURE
        self._ground += rate[..., None] * (seen - self._ground)
        return smoothstep(18.0, 50.0, difference)

    def _acting(self, flow: npt.NDArray[np.float32]) -> Field:
        """Return how clearly each pixel moves against the dominant motion, 0..1."""
        dominant = _dominant(flow)
        speed = np.hypot(flow[..., 0] - dominant[0], flow[..., 1] - dominant[1])
        clear = np.clip(speed - _MIN_MOTION_PX, 0, None).astype(np.float32)
        return smoothstep(0.25, 0.8, self._speed.norm(clear))

    def _learn_colours(self, bins: Bins, presence: Field) -> Field:
        """Return how much each pixel's colour belongs to the figure, 0..1."""
        weight = smoothstep(0.3, 0.8, presence).ravel()
        flat = bins.ravel()
        self._figure *= _COLOUR_FADE
        self._surround *= _COLOUR_FADE
        self._figure += np.bincount(flat, weight, _BINS**3).astype(np.float32)
        around = (1 - weight) * (1 + _BORDER_WEIGHT * _border(bins.shape).ravel())
        self._surround += np.bincount(flat, around, _BINS**3).astype(np.float32)
        # Unit mass for both, or a small figure would lose every colour that it shares.
        figure = self._figure / max(float(self._figure.sum()), 1.0)
        surround = self._surround / max(float(self._surround.sum()), 1.0)
        odds = figure / (figure + surround + np.float32(1e-5))
        likeness = np.asarray(odds[flat].reshape(bins.shape), np.float32)
        return np.asarray(cv2.GaussianBlur(likeness, (0, 0), 2.0), np.float32)


def _dominant(flow: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    median = np.median(flow[::4, ::4].reshape(-1, 2), axis=0)
    return np.asarray(median, np.float32)


def _dominant_px(flow: npt.NDArray[np.float32]) -> float:
    return float(np.hypot(*_dominant(flow)))


def _colour_bins(small: Frame) -> Bins:
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.intp)
    # a and b of real pictures fill the middle third of their range: spread it over the bins
    colour = np.clip((lab[..., 1:] - 128) // 6 + _BINS // 2, 0, _BINS - 1)
    bins: Bins = ((lab[..., 0] // 16) * _BINS + colour[..., 0]) * _BINS + colour[..., 1]
    return bins


@lru_cache(maxsize=4)
def _border(shape: tuple[int, int]) -> Field:
    """Return 1 in a band of a tenth of the height along left, right and top, else 0."""
    band = shape[0] // 10
    border = np.ones(shape, np.float32)
    border[band:, band:-band] = 0
    return border


def _without_specks(field: Field) -> Field:
    return np.asarray(cv2.morphologyEx(field, cv2.MORPH_OPEN, _SPECK), np.float32)


def _moved(field: Field, back: npt.NDArray[np.float32]) -> Field:
    height, width = field.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(field, x + back[..., 0], y + back[..., 1], cv2.INTER_LINEAR), np.float32
    )
