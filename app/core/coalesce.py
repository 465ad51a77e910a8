"""Thin out dense control streams without losing a last value or a press. PURE.

what arrives between two ticks      what leaves
CC 10 11 12 … 63                    63               latest wins
CC 0 127 0 (a button)               0 127 0          crossing the middle is a press
note on, note off                   both, in order
"""

from __future__ import annotations

from app.core.midi_events import ControlMoved
from engine.protocol.show import ControlKind

_MIDDLE = 64


class Coalescer:
    """Events of one tick, in the order in which their controls moved last."""

    def __init__(self) -> None:
        self._events: list[ControlMoved] = []
        self._last: dict[tuple[str, int, int], int] = {}  # control → its place in _events

    def put(self, event: ControlMoved) -> None:
        """Add an event, or let it replace an earlier one that says nothing more."""
        if event.kind is not ControlKind.CC:
            self._events.append(event)
            return
        key = (event.port, event.channel, event.number)
        place = self._last.get(key)
        if place is not None and _same_side(self._events[place], event):
            self._events[place] = event
        else:
            self._last[key] = len(self._events)
            self._events.append(event)

    def take(self) -> list[ControlMoved]:
        """Return what has gathered and start anew."""
        events, self._events = self._events, []
        self._last.clear()
        return events


def _same_side(before: ControlMoved, after: ControlMoved) -> bool:
    return (before.value >= _MIDDLE) == (after.value >= _MIDDLE)
