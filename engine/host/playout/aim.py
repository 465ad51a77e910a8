"""Meeting a beat: how content moves so that a frame comes on air when it is due. PURE.

The picture of a cut is in the reservoir, or will be, some time before it is seen. A beat a little
later is met by letting what is before it play slower, evenly, until the output tick that is
nearest to the beat. It never plays faster and never skips: that would eat the margin which keeps
the output alive. What is held back so is given back by the generator, which waits for room.

    the frame is reached before the beat at the usual rate  → slower, not under `MIN_SPEED`
    at the beat or after it, or the beat is over            → the usual rate
    it is the next to be shown, and the output is held      → held, or looped, until the beat

The last is what a pre-roll comes to, by intent, and a generator that is slower than its pictures
are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_SPEED = 0.6  # of native: what moves still moves


@dataclass(frozen=True, slots=True)
class Due:
    """A chunk whose first frame shall come on air at a time of the monotonic clock, not before."""

    chunk_index: int
    at_s: float
    may_hold: bool = False  # the output may be held until then: it is a pre-roll


@dataclass(frozen=True, slots=True)
class Aim:
    """A content frame, and how long after this tick it is due; negative: it was."""

    frame: int
    in_s: float
    may_hold: bool = False


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


def is_early(aim: Aim | None, position: float, dt_s: float) -> bool:
    """Whether the frame at `position` is the one that is due, and this tick is before its beat."""
    return aim is not None and int(position) == aim.frame and aim.in_s > dt_s / 2


def must_hold(aim: Aim | None, before: float, after: float, dt_s: float) -> bool:
    """Whether content would run over the frame before its beat, and the output may be held."""
    if aim is None or not aim.may_hold:
        return False
    return before < aim.frame <= after and aim.in_s > dt_s / 2


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
