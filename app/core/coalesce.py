"""Thin out dense control streams without losing a last value, a press or an encoder's step. PURE.

what arrives between two ticks      what leaves
CC 10 11 12 … 63                    63               latest wins; those before it are in `passed`
CC 0 127 0 (a button)               0 127 0          crossing the middle is a press
note on, note off                   both, in order   so are program changes and the clock
"""

from __future__ import annotations

from app.core.midi_events import ClockHeard, Control, ControlMoved, MidiKind

_THINNED = (MidiKind.CC, MidiKind.CC14, MidiKind.NRPN, MidiKind.BEND)


class Coalescer:
    """Events of one tick, in the order in which their controls moved last."""

    def __init__(self) -> None:
        self._events: list[ControlMoved | ClockHeard] = []
        self._passed: dict[int, list[int]] = {}  # place in _events → values thinned out there
        self._last: dict[Control, int] = {}  # control → its place in _events

    def put(self, event: ControlMoved | ClockHeard) -> None:
        """Add an event, or let it replace an earlier one that says nothing more."""
        if isinstance(event, ClockHeard) or event.kind not in _THINNED:
            self._events.append(event)
            return
        place = self._last.get(event.control)
        before = None if place is None else self._events[place]
        if place is not None and isinstance(before, ControlMoved) and _same_side(before, event):
            self._passed.setdefault(place, []).append(before.value)
            self._events[place] = event
        else:
            self._last[event.control] = len(self._events)
            self._events.append(event)

    def take(self) -> list[ControlMoved | ClockHeard]:
        """Return what has gathered and start anew."""
        events = [
            _with_passed(event, self._passed.get(place)) for place, event in enumerate(self._events)
        ]
        self._events = []
        self._passed.clear()
        self._last.clear()
        return events


def _same_side(before: ControlMoved, after: ControlMoved) -> bool:
    middle = (after.kind.top + 1) // 2
    return (before.value >= middle) == (after.value >= middle)


def _with_passed(
    event: ControlMoved | ClockHeard, passed: list[int] | None
) -> ControlMoved | ClockHeard:
    if passed is None or isinstance(event, ClockHeard):
        return event
    return ControlMoved(
        port=event.port, kind=event.kind, channel=event.channel, number=event.number,
        value=event.value, at_ns=event.at_ns, passed=tuple(passed),
    )  # fmt: skip
