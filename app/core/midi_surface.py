"""What the controllers remember: where every knob stands, what is held, shift and pages. PURE.

held less than half a second, let go    a short press
held for half a second                  a long press, at once
shift is held                           bindings with shift win; a control without one does what
                                        it always does, encoders finely
page                                    of each device; bindings of page 0 are on every one
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.core.midi_binding import MAX_PAGES, MidiBinding, Press
from app.core.midi_events import Control
from app.core.pickup import Grip

LONG_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A button that is down: what it meant when it went down, whatever page is on now."""

    bindings: tuple[MidiBinding, ...]
    at_s: float
    is_done: bool = False  # its long press has been told
    before: Mapping[str, float] = field(default_factory=dict)  # parameter → value to go back to

    @property
    def has_long(self) -> bool:
        """Whether a long press means something: then a short one is told when it is let go."""
        return any(binding.press is Press.LONG for binding in self.bindings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """All devices together."""

    levels: Mapping[Control, int] = field(default_factory=dict)  # last value of each control
    moved_at_s: Mapping[Control, float] = field(default_factory=dict)
    grips: Mapping[tuple[Control, str], Grip] = field(default_factory=dict)
    held: Mapping[Control, Held] = field(default_factory=dict)
    shifts: frozenset[Control] = frozenset()  # those that are held
    pages: Mapping[str, int] = field(
        default_factory=dict
    )  # device → page, 1 when it is not in here

    @property
    def is_shifted(self) -> bool:
        """Whether shift is held on any device."""
        return bool(self.shifts)

    def page(self, port: str) -> int:
        """Return the page of a device, from 1."""
        return self.pages.get(port, 1)

    def moved(self, control: Control, level: int, now_s: float) -> Surface:
        """Return the surface with a control at a level."""
        return replace(
            self,
            levels={**self.levels, control: level},
            moved_at_s={**self.moved_at_s, control: now_s},
        )

    def gripped(self, control: Control, target: str, grip: Grip) -> Surface:
        """Return the surface with a control's grip on a target."""
        return replace(self, grips={**self.grips, (control, target): grip})

    def turned_to(self, port: str, page: int) -> Surface:
        """Return the surface with a device on a page; what it drives there is to be picked up."""
        clean = min(max(page, 1), MAX_PAGES)
        return replace(self._let_loose(port), pages={**self.pages, port: clean})

    def shifted(self, control: Control, is_down: bool) -> Surface:
        """Return the surface with a shift button pressed or let go."""
        shifts = self.shifts | {control} if is_down else self.shifts - {control}
        return replace(self, shifts=shifts)

    def pressed(self, control: Control, held: Held) -> Surface:
        """Return the surface with a button down."""
        return replace(self, held={**self.held, control: held})

    def released(self, control: Control) -> Surface:
        """Return the surface with a button up."""
        return replace(self, held={key: h for key, h in self.held.items() if key != control})

    def without(self, port: str) -> Surface:
        """Return the surface after a device went: nothing on it is held or known any more."""
        return replace(
            self,
            levels={c: level for c, level in self.levels.items() if c.port != port},
            grips={key: grip for key, grip in self.grips.items() if key[0].port != port},
            held={c: held for c, held in self.held.items() if c.port != port},
            shifts=frozenset(c for c in self.shifts if c.port != port),
        )

    def _let_loose(self, port: str) -> Surface:
        grips = {
            key: grip.released() if key[0].port == port else grip
            for key, grip in self.grips.items()
        }
        return replace(self, grips=grips)


def active(bindings: Sequence[MidiBinding], surface: Surface, port: str) -> tuple[MidiBinding, ...]:
    """Return the bindings that count on a device now, by its page and by shift.

    With shift held, a control that has a binding for it does that alone.
    """
    page = surface.page(port)
    here = [binding for binding in bindings if binding.page in (0, page)]
    if not surface.is_shifted:
        return tuple(binding for binding in here if not binding.shift)
    taken = {binding.control for binding in here if binding.shift}
    return tuple(b for b in here if b.shift or b.control not in taken)
