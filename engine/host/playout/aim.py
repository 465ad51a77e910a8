"""Meeting a beat: how content moves so that a frame comes on air when it is due. PURE.

The picture of a cut is in the reservoir, or will be, some time before it is seen. A beat a little
later is met by letting what is before it play slower, evenly, until the output tick that is
nearest to the beat. It never plays faster and never skips: that would eat the margin which keeps
the output alive. What is held back so is given back by the generator, which waits for room.

    the frame is reached before the beat at the usual rate  → slower, not under `MIN_SPEED`
    at the beat or after it, or the beat is over            → the usual rate
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_SPEED = 0.6  # of native: what moves still moves


@dataclass(frozen=True, slots=True)
class Aim:
    """A content frame, and how long after this tick it is due; negative: it was."""

    frame: int
    in_s: float


def position_after(aim: Aim, position: float, dt_s: float, rates_fps: tuple[float, float]) -> float:
    """Return the place in content one tick later.

    Args:
        aim: as it is at this tick.
        position: at the tick before.
        dt_s: between the two.
        rates_fps: usual and native, in content frames a second.
    """
    rate_fps, native_fps = rates_fps
    usual = rate_fps * dt_s
    left = aim.frame - position
    if left <= 0 or usual <= 0:
        return position + usual
    num_ticks = max(0, math.ceil(aim.in_s / dt_s - 0.5)) + 1  # to the one nearest to the beat
    if num_ticks == 1 and left <= usual:
        return float(aim.frame)  # exactly, whatever was rounded before
    least = min(usual, MIN_SPEED * native_fps * dt_s)
    return position + min(usual, max(least, left / num_ticks))


def reach_s(lookahead_s: float, speed: float, period_s: float) -> float:
    """Return how much later than usual a chunk can be seen, half a chunk at least.

    Half a chunk is what a cut may be early without anything being held back; a whole one is all
    that is ever needed, because then another chunk is nearer.

    Args:
        lookahead_s: from a boundary to the first picture of its chunk.
        speed: of content now, 1 is native.
        period_s: from chunk to chunk.
    """
    held_back_s = lookahead_s * (speed / MIN_SPEED - 1)
    return min(max(held_back_s, period_s / 2), period_s)
