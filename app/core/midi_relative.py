"""Endless encoders: the three ways to say "two steps left" in seven bits, and acceleration. PURE.

encoding   +1    -1    stands still
twos       1     127   0     two's complement
offset     65    63    64    binary offset
sign       1     65    0, 64 sign and magnitude

Fast turning goes further: beyond twelve steps a second each step counts more, up to eight times.
With `fine` (shift is held) a step is a quarter and nothing accelerates.
"""

from __future__ import annotations

from enum import StrEnum

from engine.protocol.parameters import Kind, Parameter

MAX_FACTOR = 8.0
FINE = 0.25
_CALM_STEPS_PER_S = 12.0
_FAST_STEPS_PER_S = 120.0  # here the factor is MAX_FACTOR
_MIN_GAP_S = 0.004
_STEPS = 128  # of a continuous parameter, end to end
_MAX_WHOLE_STEPS = 48


class Encoding(StrEnum):
    """How an endless encoder says which way and how far."""

    TWOS = "twos"
    OFFSET = "offset"
    SIGN = "sign"


def steps(encoding: Encoding, value: int) -> int:
    """Return the signed steps in a value of 0..127: -64..63."""
    match encoding:
        case Encoding.TWOS:
            return value if value < 64 else value - 128
        case Encoding.OFFSET:
            return value - 64
        case Encoding.SIGN:
            return value if value < 64 else 64 - value


def encoded(encoding: Encoding, count: int) -> int:
    """Return the value that says `count` steps, -63..63; the inverse of `steps`."""
    match encoding:
        case Encoding.TWOS:
            return count % 128
        case Encoding.OFFSET:
            return count + 64
        case Encoding.SIGN:
            return count if count >= 0 else 64 - count


def factor(count: int, gap_s: float, acceleration: float) -> float:
    """Return how much each step counts, 1..8, `gap_s` seconds after the steps before.

    `acceleration` 0 is none, 1 is all of it.
    """
    rate = abs(count) / max(gap_s, _MIN_GAP_S)
    share = (rate - _CALM_STEPS_PER_S) / (_FAST_STEPS_PER_S - _CALM_STEPS_PER_S)
    return 1 + acceleration * (MAX_FACTOR - 1) * min(max(share, 0.0), 1.0)


def step_norm(row: Parameter) -> float:
    """Return one step as a share of the range: one item of a list, else a 128th."""
    whole = round(row.high - row.low)
    if row.kind is not Kind.CONTINUOUS and 1 <= whole <= _MAX_WHOLE_STEPS:
        return 1 / whole
    return 1 / _STEPS
