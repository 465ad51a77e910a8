"""Soft takeover: what a knob that stands elsewhere than its parameter may do. PURE.

`hand` is where the control stands, 0..1; it *holds* the parameter while that is where we last put
it. Anything else that moves the parameter (mouse, preset, cue, another control) ends the hold.

pickup                                                         the knob
holds, or held it less than 50 ms ago                          acts
stands within 3/128 of the parameter, before or after a move   acts, and holds from now on
jumped over the parameter                                      acts, and holds from now on
its first move, far away                                       waits
far away and still on the same side                            waits

jump    acts always
scale   moves the parameter by the share of the way that is left in that direction: both ends meet
        the ends, and it never jumps; its first move only tells where it stands

A stored value may be rounded (whole numbers, choices): `aim` is what we meant, so that small moves
add up. Source of threshold and 50 ms: Mixxx, src/controllers/softtakeover.cpp (2.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from engine.protocol.parameters import Parameter

NEAR_NORM = 3 / 128
OVERRIDE_S = 0.05
_SAME = 1e-3  # of the range: the engine rounds to single precision
_NEVER_S = -1e9


class Takeover(StrEnum):
    """How a control takes a parameter over that stands elsewhere."""

    PICKUP = "pickup"
    JUMP = "jump"
    SCALE = "scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """One control on one parameter: where the hand is and what it meant. 0..1 along the curve."""

    hand: float | None = None  # None: it never moved
    aim: float | None = None  # None: never took the parameter, or lost it
    at_s: float = _NEVER_S  # when it last acted

    def released(self) -> Grip:
        """Return the grip that has to pick up anew: page, shift or device changed."""
        return replace(self, aim=None, at_s=_NEVER_S)

    def holds(self, row: Parameter, value: float) -> bool:
        """Whether the parameter stands where this control put it."""
        if self.aim is None:
            return False
        return abs(row.from_norm(self.aim) - value) <= _SAME * (row.high - row.low)

    def aim_on(self, row: Parameter, value: float) -> float:
        """Return what the parameter means, 0..1: our aim while we hold it, else its value."""
        return self.aim if self.aim is not None and self.holds(row, value) else row.to_norm(value)

    def put(self, aim: float, now_s: float) -> Grip:
        """Return the grip that has just put the parameter to `aim`."""
        return replace(self, aim=aim, at_s=now_s)


def turned(
    grip: Grip, hand: float, row: Parameter, value: float, now_s: float,
    takeover: Takeover = Takeover.PICKUP,
) -> tuple[Grip, float | None]:  # fmt: skip
    """Return the grip after the control moved to `hand`, and the parameter's new value if any."""
    moved = replace(grip, hand=hand)
    if takeover is Takeover.SCALE:
        aim = _scaled(grip, hand, row, value)
    else:
        acts = takeover is Takeover.JUMP or _takes(grip, hand, row, value, now_s)
        aim = hand if acts else None
    if aim is None:
        return replace(moved, aim=None) if not grip.holds(row, value) else moved, None
    return moved.put(aim, now_s), row.from_norm(aim)


def _takes(grip: Grip, hand: float, row: Parameter, value: float, now_s: float) -> bool:
    if grip.holds(row, value) or now_s - grip.at_s < OVERRIDE_S:
        return True
    at = row.to_norm(value)
    if abs(hand - at) <= NEAR_NORM or row.from_norm(hand) == value:
        return True
    if grip.hand is None:
        return False
    was_near = abs(grip.hand - at) <= NEAR_NORM
    return was_near or min(grip.hand, hand) <= at <= max(grip.hand, hand)


def _scaled(grip: Grip, hand: float, row: Parameter, value: float) -> float | None:
    if grip.hand is None:
        return None
    before, at = grip.hand, grip.aim_on(row, value)
    if hand == before:
        return None
    if hand > before:
        return at + (1 - at) * (hand - before) / (1 - before)
    return at * hand / before
