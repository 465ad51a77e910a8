"""Where modulators have parameters at a moment. PURE: time is an argument.

Chunk rows are sampled once a chunk, for the middle of the time in which it is seen, and what comes
out is in the plan: a replay knows nothing of modulators. Frame rows are sampled for each output
frame. Waves that count in beats stand while nobody knows the beat.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.host.looks import Values
from engine.protocol.beat import BeatClock
from engine.protocol.modulators import FOLLOWERS, Modulator
from engine.protocol.parameters import PARAMETERS, Applies

_DECAY = 5.0  # time constants a cycle: what is left at its end is under one percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Modulation:
    """All that run and the beat that they run by. Replaced as a whole, never changed."""

    modulators: tuple[Modulator, ...] = ()
    clock: BeatClock = field(default_factory=BeatClock)
    levels: Mapping[str, float] = field(default_factory=dict)  # heard, 0 … 1; absent: silence


def sampled(
    modulation: Modulation, base: Mapping[str, float], at_s: float, applies: Applies
) -> dict[str, float]:
    """Return parameter → value at a moment, of the moved rows that apply at chunk or frame.

    Args:
        modulation: what runs.
        base: where the hand has the rows.
        at_s: monotonic time of the moment.
        applies: which rows.
    """
    moved: dict[str, float] = {}
    for one in modulation.modulators:
        if PARAMETERS[one.parameter].applies is applies:
            by = one.depth * _reach(one, modulation, at_s)
            moved[one.parameter] = moved.get(one.parameter, 0.0) + by
    return {key: _moved(key, base[key], by) for key, by in moved.items() if key in base}


def applied(modulation: Modulation, base: Values, at_s: float, applies: Applies) -> Values:
    """Return the values with the moved ones in them; the same mapping where nothing moves."""
    moved = sampled(modulation, base, at_s, applies)
    return {**base, **moved} if moved else base


def _reach(one: Modulator, modulation: Modulation, at_s: float) -> float:
    if one.shape in FOLLOWERS:
        return modulation.levels.get(one.shape, 0.0)
    return wave(one, cycles(one, modulation.clock, at_s))


def cycles(one: Modulator, clock: BeatClock, at_s: float) -> float:
    """Return how many cycles are over at a moment, with the offset."""
    if one.beats:
        return clock.beat_at(at_s) / one.beats + one.offset
    return at_s * one.hz + one.offset


def wave(one: Modulator, num_cycles: float) -> float:
    """Return where the shape is: waves -1 … 1, envelopes 0 … 1."""
    number = math.floor(num_cycles)
    phase = num_cycles - number
    match one.shape:
        case "sine":
            return math.sin(2 * math.pi * phase)
        case "triangle":
            return 1 - 4 * abs((phase + 0.25) % 1.0 - 0.5)
        case "saw":
            return 2 * phase - 1
        case "square":
            return 1.0 if phase < 0.5 else -1.0
        case "random":
            return _chance(f"{one.parameter} {number}")
        case "decay":
            return math.exp(-_DECAY * phase)
        case _:
            return phase


def _chance(text: str) -> float:
    """Return a value in -1 … 1 that the text alone decides: the same cycle is the same again."""
    return zlib.crc32(text.encode()) / 0x7FFFFFFF - 1.0


def _moved(parameter_id: str, base: float, by: float) -> float:
    row = PARAMETERS[parameter_id]
    return row.from_norm(row.to_norm(base) + by) if by else base
