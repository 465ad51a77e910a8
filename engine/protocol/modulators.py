"""What moves a parameter by itself: a wave or an envelope in step with the beat. PURE.

    shape     over a cycle                               travels
    ----------------------------------------------------------------
    sine      0, up, 0, down                             -1 … 1
    triangle  the same on straight lines                 -1 … 1
    saw       from the bottom to the top, then falls     -1 … 1
    square    top for half a cycle, then bottom          -1 … 1
    random    another value each cycle, held             -1 … 1
    decay     begins at the top and dies away             0 … 1
    swell     grows from nothing to the top               0 … 1
    bass, mid, treble, onset    what is heard, no cycle   0 … 1

`depth` is how far that reaches: 1 is the whole travel of the slider to either side of where the
slider stands. Several on the same parameter add up; the ends of the range hold.
"""

from __future__ import annotations

import math

from engine.errors import ConfigError
from engine.protocol.parameters import PARAMETERS, Kind, parameter
from engine.protocol.values import Value

WAVES = ("sine", "triangle", "saw", "square", "random")
ENVELOPES = ("decay", "swell")
FOLLOWERS = ("bass", "mid", "treble", "onset")
SHAPES = (*WAVES, *ENVELOPES, *FOLLOWERS)
MAX_MODULATORS = 32
MAX_BEATS, MAX_HZ = 256.0, 20.0
MODULATED = tuple(row.id for row in PARAMETERS.values() if row.kind is Kind.CONTINUOUS)
"""Parameters that can be moved: choices and switches are the hand's alone."""


class Modulator(Value, frozen=True, kw_only=True):
    """One of them. The rate is `beats` a cycle, or `hz` cycles a second where beats is 0."""

    parameter: str
    shape: str = "sine"
    beats: float = 4.0
    hz: float = 0.0
    depth: float = 0.25  # -1 … 1 of the slider's travel
    offset: float = 0.0  # 0 … 1 of a cycle: how far into it the beat finds it


def check_modulators(modulators: tuple[Modulator, ...]) -> tuple[Modulator, ...]:
    """Return them as they are.

    Raises:
        ConfigError: one says what cannot be, or there are too many.
    """
    if len(modulators) > MAX_MODULATORS:
        raise ConfigError(
            f"modulators refused: got {len(modulators)}, at most {MAX_MODULATORS} can run"
        )
    for one in modulators:
        if trouble := trouble_of(one):
            name, got, expected = trouble
            raise ConfigError(
                f"modulator of {one.parameter!r} refused: {name} is {got!r}, expected {expected}"
            )
    return modulators


def trouble_of(one: Modulator) -> tuple[str, object, str] | None:
    """Return which field holds what it cannot, what it holds and what was expected; else None."""
    if one.parameter not in MODULATED:
        return "parameter", one.parameter, f"one of {', '.join(MODULATED)}"
    if one.shape not in SHAPES:
        return "shape", one.shape, f"one of {', '.join(SHAPES)}"
    limits = (
        ("beats", one.beats, 0.0, MAX_BEATS),
        ("hz", one.hz, 0.0, MAX_HZ),
        ("depth", one.depth, -1.0, 1.0),
        ("offset", one.offset, 0.0, 1.0),
    )
    for name, value, low, high in limits:
        if not math.isfinite(value) or not low <= value <= high:
            return name, value, f"{low:g} to {high:g}"
    if not one.beats and not one.hz:
        return "hz", one.hz, f"above 0, up to {MAX_HZ:g}, or beats above 0"
    return None


def rate_text(one: Modulator) -> str:
    """Return the rate as a performer reads it."""
    if not one.beats:
        return f"{one.hz:g} Hz"
    return f"{one.beats:g} beat{'s' * (one.beats != 1)}"


def modulator_text(one: Modulator) -> str:
    """Return what it does in a line: `Saturation · sine · 4 beats · 25 %`."""
    label = parameter(one.parameter).label
    if one.shape in FOLLOWERS:
        return f"{label} · {one.shape} · {one.depth:+.0%}"
    return f"{label} · {one.shape} · {rate_text(one)} · {one.depth:+.0%}"
