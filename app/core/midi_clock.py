"""Tempo and phase from the jittered ticks of a MIDI clock, 24 a beat. PURE.

Single intervals say little: USB bunches ticks, a busy machine delays them. So the period is the
median of differences over half of the last four beats, and the phase is the median by which the
last beat's ticks lie beside that grid: a tick that is late, or a few of them, moves neither.

    the last quarter of a beat leaves the grid, ever further, in even steps
                                                        → the tempo changed: only those ticks count
    a bunch of ticks that were held up                  → nothing: no clock steps so, and not evenly
    a gap of more than half a second                    → begin anew; the beat goes on being counted
    start → beat 0 at the next tick · position → that sixteenth · stop → ticks, but not running
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from app.core.midi_events import ClockHeard, ClockWord
from engine.protocol.beat import MAX_BPM, MIN_BPM, BeatClock

TICKS_PER_BEAT = 24
_WINDOW = 4 * TICKS_PER_BEAT
_NEW_TEMPO_TICKS = 6
_MIN_TICKS = 7  # a quarter of a beat and one
_MIN_GAP_S = 60 / (TICKS_PER_BEAT * MAX_BPM) / 2  # of a clock at all
_EVEN = 3.0  # ratio of gaps that jitter makes and being held up does not
_GAP_S = 0.5
_TICKS_PER_SIXTEENTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEstimate:
    """The last ticks of one device. `num_ticks` counts from the start of the song."""

    port: str = ""
    times_s: tuple[float, ...] = ()  # of the ticks up to number `num_ticks - 1`
    num_ticks: int = 0
    is_running: bool = False

    def heard(self, event: ClockHeard) -> ClockEstimate:
        """Return the estimate after a word of the clock."""
        at_s = event.at_ns / 1e9
        match event.word:
            case ClockWord.TICK:
                return self._ticked(at_s)
            case ClockWord.START:
                return replace(self, num_ticks=0, is_running=True, port=event.port)
            case ClockWord.CONTINUE:
                return replace(self, is_running=True, port=event.port)
            case ClockWord.STOP:
                return replace(self, is_running=False, port=event.port)
            case ClockWord.POSITION:
                return replace(self, num_ticks=event.position * _TICKS_PER_SIXTEENTH)

    def _ticked(self, at_s: float) -> ClockEstimate:
        is_new = bool(self.times_s) and not 0 <= at_s - self.times_s[-1] <= _GAP_S
        times_s = (*(() if is_new else self.times_s[1 - _WINDOW :]), at_s)
        if _changed_tempo(times_s):
            times_s = times_s[-_NEW_TEMPO_TICKS - 1 :]
        return replace(self, times_s=times_s, num_ticks=self.num_ticks + 1)

    @property
    def is_known(self) -> bool:
        """Whether there are enough ticks for a tempo."""
        return len(self.times_s) >= _MIN_TICKS

    def beat_clock(self) -> BeatClock:
        """Return tempo and phase as others use them; without a tempo until seven ticks came."""
        if not self.is_known:
            return BeatClock(is_running=self.is_running, source=self.port)
        period_s = _period_s(self.times_s)
        bpm = 60 / (TICKS_PER_BEAT * period_s)
        if not MIN_BPM <= bpm <= MAX_BPM:
            return BeatClock(is_running=self.is_running, source=self.port)
        return BeatClock(
            bpm=bpm,
            beat=(self.num_ticks - 1) / TICKS_PER_BEAT,
            at_s=_grid_s(self.times_s, period_s),
            is_running=self.is_running,
            source=self.port,
        )


def _period_s(times_s: tuple[float, ...]) -> float:
    """Median of differences over half of the ticks: their jitter is divided by the span."""
    half = max(len(times_s) // 2, 1)
    return max(median(b - a for a, b in zip(times_s, times_s[half:], strict=False)) / half, 1e-6)


def _grid_s(times_s: tuple[float, ...], period_s: float) -> float:
    """Return when the last tick was due: its place in the grid through the last beat's ticks."""
    last = times_s[-TICKS_PER_BEAT:]
    return median(at_s + (len(last) - 1 - index) * period_s for index, at_s in enumerate(last))


def _changed_tempo(times_s: tuple[float, ...]) -> bool:
    """Whether the newest ticks all left the grid of those before them, ever further, evenly."""
    before, newest = times_s[:-_NEW_TEMPO_TICKS], times_s[-_NEW_TEMPO_TICKS:]
    if len(before) < _MIN_TICKS:
        return False
    gaps_s = [b - a for a, b in pairwise(newest)]
    if not _MIN_GAP_S <= min(gaps_s) <= max(gaps_s) <= _EVEN * min(gaps_s):
        return False
    period_s = _period_s(before)
    due_s = _grid_s(before, period_s)
    beside = [at_s - due_s - (n + 1) * period_s for n, at_s in enumerate(newest)]
    drifts = [b - a for a, b in zip(beside, beside[2:], strict=False)]
    is_far = min(abs(b) for b in beside[-3:]) > period_s / 4
    return is_far and (all(d > 0 for d in drifts) or all(d < 0 for d in drifts))
