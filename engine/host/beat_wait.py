"""A cut that waits for its beat: which chunk carries it. PURE: time is an argument.

The picture changes with chunks. A boundary is crossed now; its chunk will be seen at `shown_s`:
that is now and the look-ahead. The chunk whose first picture can come on air nearest to the beat
carries the cut. Playout can let it come later than usual by `reach_s`, half a chunk to a whole one,
see playout/aim.py:

    the beat is more than reach_s after shown_s   → the cut waits on: the next chunk comes nearer
    else                                          → it lands; before the beat, it is held back

With the reach of a whole chunk every beat is met; with that of half a one, where nothing can be
held back, the nearest chunk is taken, early or late.

What is aimed at is fixed when the cut first waits, as a beat: it moves with the tempo. It is never
missed: a chunk that took longer than usual carries the cut late, by less than itself. A clock that
leaps (a sequencer starts anew, another source is in charge) gets a new aim: the first that can
still be met.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.protocol.beat import BeatClock

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A cut waits on. `shown_s` is when the chunk that was crossed without it is seen."""

    beat: float  # aimed at
    quantum_beats: float
    source: str
    shown_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A cut lands. `beat` is what it was aimed at, None when there was no beat to wait for."""

    beat: float | None
    late_s: float = 0.0  # expected if nothing is held back; negative: before the beat


def first_beat(clock: BeatClock, from_s: float, quantum_beats: float) -> float:
    """Return the first multiple of the quantum at `from_s` or later, in beats."""
    return math.ceil(clock.beat_at(from_s) / quantum_beats - _ROUNDING) * quantum_beats


def decide(
    waiting: Waiting | None,
    clock: BeatClock,
    quantum_beats: float,
    shown_s: float,
    reach: tuple[float, float],
) -> Waiting | Landing:
    """Say whether the cut that waits lands in the chunk that is planned now.

    Args:
        waiting: what the boundary before said about the same cut; None at its first.
        clock: the beat that counts.
        quantum_beats: > 0; 0 or no tempo: it lands.
        shown_s: when the first picture of the chunk will be on air.
        reach: usual seconds from chunk to chunk, 0 while it is not known; and how much later than
            `shown_s` playout can let it come, half of that to the whole.
    """
    if quantum_beats <= 0 or not clock.is_known:
        return Landing(beat=None)
    beat = _aim(waiting, clock, quantum_beats, shown_s, reach)
    late_s = shown_s - clock.when_s(beat)
    if late_s >= -reach[1]:
        return Landing(beat=beat, late_s=late_s)
    return Waiting(beat=beat, quantum_beats=quantum_beats, source=clock.source, shown_s=shown_s)


def earliest_beat(
    clock: BeatClock, quantum_beats: float, shown_s: float, reach: tuple[float, float]
) -> float:
    """Return the first beat that a chunk seen at `shown_s` or a later one can meet."""
    period_s, reach_s = reach
    return first_beat(clock, shown_s - (period_s - reach_s), quantum_beats)


def _aim(
    waiting: Waiting | None,
    clock: BeatClock,
    quantum_beats: float,
    shown_s: float,
    reach: tuple[float, float],
) -> float:
    earliest = earliest_beat(clock, quantum_beats, shown_s, reach)
    if (
        waiting is None
        or waiting.quantum_beats != quantum_beats
        or waiting.source != clock.source
        or waiting.beat > earliest  # the clock was set back
    ):
        return earliest
    late_s = shown_s - clock.when_s(waiting.beat)
    has_leapt = late_s > max(shown_s - waiting.shown_s, reach[0] / 2)
    return earliest if has_leapt else waiting.beat
