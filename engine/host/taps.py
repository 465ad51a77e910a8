"""Tempo and phase from the taps of a hand. PURE.

A line through the last taps, beat against time, by least squares: every tap counts for tempo and
phase, and the error of a hand shrinks with their number. The first tap of a series is the first
beat of a bar.

    a tap after more than `PAUSE_S`, or far off the grid  → a new series begins with it
    a tap within `BOUNCE_S` of the last                   → a bouncing button: not counted
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean

from engine.protocol.beat import MAX_BPM, MIN_BPM, BeatClock

PAUSE_S = 60 / MIN_BPM
BOUNCE_S = 60 / MAX_BPM / 2
_OFF = 0.35  # of the period: no hand that means the same beat is so far off
_KEPT = 16


@dataclass(frozen=True, slots=True)
class Taps:
    """The last taps of a series; `first_beat` is the beat of the first that is kept."""

    times_s: tuple[float, ...] = ()
    first_beat: int = 0


def tapped(taps: Taps, at_s: float) -> Taps:
    """Return the series with one more tap."""
    if not taps.times_s:
        return Taps((at_s,))
    gap_s = at_s - taps.times_s[-1]
    if 0 <= gap_s < BOUNCE_S:
        return taps
    if gap_s < 0 or gap_s > PAUSE_S or _is_off(taps, gap_s):
        return Taps((at_s,))
    times_s = (*taps.times_s, at_s)
    num_left = max(len(times_s) - _KEPT, 0)
    return replace(taps, times_s=times_s[num_left:], first_beat=taps.first_beat + num_left)


def _is_off(taps: Taps, gap_s: float) -> bool:
    clock = clock_of(taps)
    period_s = 60 / clock.bpm if clock.is_known else gap_s
    return abs(gap_s - period_s) > _OFF * period_s


def clock_of(taps: Taps) -> BeatClock:
    """Return the beat of a series; without a tempo before the second tap."""
    count = len(taps.times_s)
    if count < 2:
        return BeatClock()
    middle, mean_s = (count - 1) / 2, fmean(taps.times_s)
    spread = sum((n - middle) ** 2 for n in range(count))
    period_s = sum((n - middle) * (t - mean_s) for n, t in enumerate(taps.times_s)) / spread
    bpm = min(max(60 / period_s, MIN_BPM), MAX_BPM)
    return BeatClock(bpm=bpm, beat=taps.first_beat + middle, at_s=mean_s)
