"""One event on its bindings: what it means now. PURE; `Act` lives for one event.

The table of modes is in `midi_binding.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.core.midi_binding import MidiBinding, Mode, Press
from app.core.midi_events import Control, ControlMoved, MidiKind
from app.core.midi_relative import FINE, factor, step_norm, steps
from app.core.midi_surface import LONG_S, Held, Surface, active
from app.core.pickup import Grip, turned
from engine.protocol.parameters import Kind, Parameter

_PROGRAMS = 128


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A control set a parameter to a value in its own range."""

    parameter_id: str
    value: float


@dataclass(frozen=True, slots=True)
class Pressed:
    """A control asked once for a target: `preset:Embers`, `pad:3`, `cut:soft` or `midi:panic`."""

    target: str


Intent = ParameterSet | Pressed


class Act:
    """What one event does. `surface` and `intents` are the outcome."""

    def __init__(
        self, bindings: Sequence[MidiBinding], surface: Surface, values: Mapping[str, float],
        now_s: float,
    ) -> None:  # fmt: skip
        self.surface = surface
        self.intents: list[Intent] = []
        self._bindings = bindings
        self._values = dict(values)
        self._now_s = now_s

    def move(self, event: ControlMoved, programs: str) -> None:
        """Read one event; `programs` is what program changes without a binding mean."""
        control = event.control
        known = self.surface.levels.get(control)
        before = known or 0
        gap_s = self._now_s - self.surface.moved_at_s.get(control, self._now_s - 1.0)
        bindings = active(self._bindings, self.surface, event.port)
        self.surface = self.surface.moved(control, event.value, self._now_s)
        if event.kind is MidiKind.PROGRAM and not bindings:
            self._program(event.number, programs)
        for binding in bindings:
            self._turn(binding, event, known, gap_s)
        if event.kind is MidiKind.PROGRAM:
            self.press_all(bindings, level=event.value)
        elif _is_down(event, event.value) != _is_down(event, before) or _is_hit(event):
            self._button(bindings, event)

    def _set(self, parameter_id: str, value: float) -> None:
        self._values[parameter_id] = value
        self.intents.append(ParameterSet(parameter_id, value))

    # ------------------------------------------------------------ knobs and encoders

    def _turn(
        self, binding: MidiBinding, event: ControlMoved, before: int | None, gap_s: float
    ) -> None:
        row = binding.row
        if row is None:
            return
        if binding.mode is Mode.KNOB:
            self._knob(binding, row, event, before)
        elif binding.mode.encoding is not None:
            counts = [steps(binding.mode.encoding, v) for v in (*event.passed, event.value)]
            self._encoder(binding, row, sum(counts), gap_s)

    def _value(self, row: Parameter) -> float:
        return self._values.get(row.id, row.default)

    def _knob(
        self, binding: MidiBinding, row: Parameter, event: ControlMoved, before: int | None
    ) -> None:
        # The hand is that of the control, not of the grip: on another page it went elsewhere.
        hand_before = None if before is None else before / event.kind.top
        grip = replace(self._grip(event.control, binding), hand=hand_before)
        last = None
        for level in (*event.passed, event.value):
            hand = level / event.kind.top
            value = self._value(row) if last is None else last
            grip, new = turned(grip, hand, row, value, self._now_s, binding.takeover)
            last = new if new is not None else last
        self.surface = self.surface.gripped(event.control, binding.target, grip)
        if last is not None:
            self._set(row.id, last)

    def _encoder(self, binding: MidiBinding, row: Parameter, count: int, gap_s: float) -> None:
        if not count:
            return
        control = binding.control
        grip, is_list = self._grip(control, binding), row.kind is not Kind.CONTINUOUS
        speed = 1.0
        if self.surface.is_shifted and not binding.shift:
            speed = FINE
        elif not is_list:
            speed = factor(count, gap_s, binding.acceleration)
        value = self._value(row)
        aim = grip.aim_on(row, value) + count * step_norm(row) * speed
        aim = min(max(aim, 0.0), 1.0)
        self.surface = self.surface.gripped(control, binding.target, grip.put(aim, self._now_s))
        if row.from_norm(aim) != value:
            self._set(row.id, row.from_norm(aim))

    def _grip(self, control: Control, binding: MidiBinding) -> Grip:
        return self.surface.grips.get((control, binding.target), Grip())

    # ------------------------------------------------------------ buttons

    def _program(self, number: int, meaning: str) -> None:
        if meaning == "pad":
            self.intents.append(Pressed(f"pad:{number % _PROGRAMS + 1}"))
        elif meaning == "cue":
            self.intents.append(Pressed(f"cue:{number + 1}"))

    def _button(self, bindings: Sequence[MidiBinding], event: ControlMoved) -> None:
        if _is_down(event, event.value):
            self._down(bindings, event)
        else:
            self._up(event.control)

    def _down(self, bindings: Sequence[MidiBinding], event: ControlMoved) -> None:
        buttons = tuple(b for b in bindings if b.mode.encoding is None and not _is_slider(b))
        before = {b.row.id: self._value(b.row) for b in buttons if b.row is not None}
        held = Held(bindings=buttons, at_s=self._now_s, before=before)
        if not buttons:
            return
        self.surface = self.surface.pressed(event.control, held)
        if not held.has_long:
            self.press_all(buttons, level=event.value)

    def _up(self, control: Control) -> None:
        held = self.surface.held.get(control)
        if held is None:
            return
        self.surface = self.surface.released(control)
        for binding in held.bindings:
            self._release(binding, held)
        if held.has_long and not held.is_done:
            self.press_all(held.bindings)

    def _release(self, binding: MidiBinding, held: Held) -> None:
        row = binding.row
        if binding.target == "midi:shift":
            self.surface = self.surface.shifted(binding.control, is_down=False)
        elif binding.mode is Mode.FOLLOW and row is None:
            self._fire(binding)
        elif binding.mode is Mode.FOLLOW and row is not None:
            self._set(row.id, row.low)
        elif binding.mode is Mode.MOMENTARY and row is not None:
            self._set(row.id, held.before[row.id])

    def press_all(
        self, bindings: Sequence[MidiBinding], press: Press = Press.ANY, level: int = 127
    ) -> None:
        """Do what a press does, on the bindings for presses of that length."""
        for binding in bindings:
            row = binding.row
            if binding.press is press and row is None:
                self._fire(binding)
            elif binding.press is press and row is not None:
                self._set(row.id, self._pressed_value(binding, row, level))

    def _pressed_value(self, binding: MidiBinding, row: Parameter, level: int) -> float:
        value, goal = self._value(row), binding.goal(row)
        match binding.mode:
            case Mode.TOGGLE:
                rest = row.low if row.kind is Kind.SWITCH else row.default
                return rest if value == goal else goal
            case Mode.TRIGGER if row.kind is Kind.CHOICE and binding.value is None:
                return (value + 1) % len(row.choices)
            case Mode.VELOCITY:
                return row.from_norm(level / binding.kind.top)
            case _:
                return goal

    def _fire(self, binding: MidiBinding) -> None:
        port, page = binding.port, self.surface.page(binding.port)
        match binding.target.split(":"):
            case ["midi", "shift"]:
                self.surface = self.surface.shifted(binding.control, is_down=True)
            case ["midi", "page", "next"]:
                self.surface = self.surface.turned_to(port, page + 1)
            case ["midi", "page", "previous"]:
                self.surface = self.surface.turned_to(port, page - 1)
            case ["midi", "page", number]:
                self.surface = self.surface.turned_to(port, int(number))
            case _:
                self.intents.append(Pressed(binding.target))


def ripened(
    surface: Surface, values: Mapping[str, float], now_s: float
) -> tuple[Surface, tuple[Intent, ...]]:
    """Return what held buttons mean that have been held for long by now."""
    act = Act((), surface, values, now_s)
    for control, held in surface.held.items():
        if held.has_long and not held.is_done and now_s - held.at_s >= LONG_S:
            act.surface = act.surface.pressed(control, replace(held, is_done=True))
            act.press_all(held.bindings, Press.LONG)
    return act.surface, tuple(act.intents)


def let_go(surface: Surface, port: str = "") -> tuple[Intent, ...]:
    """Return what brings back the parameters that a held button moved; of one device, or of all."""
    back: list[Intent] = []
    for control, held in surface.held.items():
        for binding in held.bindings if port in ("", control.port) else ():
            row = binding.row
            if row is not None and binding.mode is Mode.MOMENTARY:
                back.append(ParameterSet(row.id, held.before[row.id]))
    return tuple(back)


def panicked(surface: Surface) -> tuple[Surface, tuple[Intent, ...]]:
    """Return the surface with nothing held, no shift and every page on 1, and what to take back."""
    grips = {key: grip.released() for key, grip in surface.grips.items()}
    calm = replace(surface, held={}, shifts=frozenset(), pages={}, grips=grips)
    return calm, let_go(surface)


def _is_down(event: ControlMoved, level: int) -> bool:
    """Whether a level of this control is that of a pressed button."""
    return level > 0 if event.kind is MidiKind.NOTE else level >= (event.kind.top + 1) // 2


def _is_hit(event: ControlMoved) -> bool:
    """A pad that is hit again without a release in between is pressed again."""
    return event.kind is MidiKind.NOTE and event.value > 0


def _is_slider(binding: MidiBinding) -> bool:
    return binding.mode is Mode.KNOB and binding.row is not None
