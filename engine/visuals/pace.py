"""When the visuals process draws which frame, and how finely, so that it is never late.

PURE: no torch, no clock; every time is an argument.

    cost of a stretch, as a share of its time   | next stretches
    --------------------------------------------+------------------------------------
    over `BUSY` of a core, or over `SLOW` of    | one step coarser
    the wall clock, twice in a row              |
    `COARSER_SAVES` times less than that,       | one step finer
    for `CALM_STRETCHES`                        |
    else                                        | as they are
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

PIXELS: Final = 192 * 192
"""Drawn at most: what the model takes of them, its latents, is far coarser still."""

SCALES: Final = (1.0, 5 / 6, 2 / 3, 1 / 2)
"""Sides of the drawn picture, finest first, as shares of the finest."""

SMALLEST_PX: Final = 16
"""A side shorter than this shows nothing."""

BUSY: Final = 0.15
SLOW: Final = 0.7
COARSER_SAVES: Final = 2.2
"""A step saves more than its pixels, for smaller pictures stay in the cache: at most this often."""

CALM_STRETCHES: Final = 20


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely to draw. `step` indexes `SCALES`; the others count stretches in a row."""

    step: int = 0
    num_dear: int = 0
    num_cheap: int = 0


def judged(detail: Detail, busy: float, slow: float) -> Detail:
    """Return the detail after a stretch.

    Args:
        detail: how finely it was drawn.
        busy: processor seconds it took per second that it lasts.
        slow: seconds on the wall it took per second that it lasts.
    """
    load = max(busy / BUSY, slow / SLOW)
    if load > 1:
        if detail.num_dear == 0 or detail.step == len(SCALES) - 1:
            return Detail(detail.step, num_dear=detail.num_dear + 1)
        return Detail(detail.step + 1)
    if load * COARSER_SAVES > 1 or detail.step == 0:
        return Detail(detail.step)
    if detail.num_cheap + 1 < CALM_STRETCHES:
        return Detail(detail.step, num_cheap=detail.num_cheap + 1)
    return Detail(detail.step - 1)


def drawn_px(wanted_px: tuple[int, int], step: int) -> tuple[int, int]:
    """Return width and height to draw at a step: even, in the shape of `wanted_px`, never larger.

    Args:
        wanted_px: width and height, at least `SMALLEST_PX` each.
        step: indexes `SCALES`.
    """
    width, height = wanted_px
    scale = min(1.0, math.sqrt(PIXELS / (width * height))) * SCALES[step]
    return _side_px(width * scale), _side_px(height * scale)


def _side_px(exact_px: float) -> int:
    return max(SMALLEST_PX, 2 * int(exact_px / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Frame `first` is due at `origin_s`, and every other by its number, however late one was."""

    first: int
    origin_s: float
    fps: float

    def due_s(self, index: int) -> float:
        """Return when a frame is due."""
        return self.origin_s + (index - self.first) / self.fps

    def next_index(self, index: int, now_s: float) -> int:
        """Return which frame to draw next: `index`, or the first that is not yet overdue."""
        return max(index, self.first + math.ceil((now_s - self.origin_s) * self.fps - 1))
