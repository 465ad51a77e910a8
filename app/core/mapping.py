"""From a moved control to what the performer means by it, and learning which means what. PURE.

    target      a note                       a CC
    parameter   switch: flips · choice:      value along the row's curve; switch: on from 64
                next · else: velocity
    preset      pressed: cut to it           rises through 64: cut to it
    cut         pressed: cut                 rises through 64: cut

A control may drive several targets; learning a target again replaces its control.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core.midi_events import ControlMoved, PortsChanged
from engine.protocol.parameters import Kind, Parameter, parameter
from engine.protocol.show import Binding, ControlKind

_MIDDLE = 64
_TOP = 127

_Control = tuple[str, ControlKind, int, int]


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A control set a parameter to a value in its own range."""

    parameter_id: str
    value: float


@dataclass(frozen=True, slots=True)
class PresetPressed:
    """A control asked for a preset."""

    name: str


@dataclass(frozen=True, slots=True)
class CutPressed:
    """A control asked for a cut: hard, soft or cancel."""

    action: str


Intent = ParameterSet | PresetPressed | CutPressed


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlMap:
    """The bindings of a show and what is needed to read the controls."""

    bindings: tuple[Binding, ...] = ()
    learning: str = ""  # the target that waits for a control; empty: not learning
    ports: tuple[str, ...] = ()
    positions: Mapping[_Control, int] = field(default_factory=dict)  # last value of each control

    def connected(self, event: PortsChanged) -> ControlMap:
        """Return the map with the devices that are there now."""
        return replace(self, ports=event.ports)

    def learn(self, target: str) -> ControlMap:
        """Return the map waiting for a control for `target`; empty stops waiting."""
        return replace(self, learning=target)

    def forget(self, target: str) -> ControlMap:
        """Return the map without what drives `target`."""
        kept = tuple(binding for binding in self.bindings if binding.target != target)
        return replace(self, bindings=kept, learning="")

    def controls_of(self, target: str) -> str:
        """Return what drives `target`, short enough for a badge: `CC 7`, `N 36`."""
        return " ".join(_badge(binding) for binding in self.bindings if binding.target == target)

    def moved(
        self, event: ControlMoved, values: Mapping[str, float]
    ) -> tuple[ControlMap, tuple[Intent, ...]]:
        """Read one event; `values` are the parameters as the performer last set them.

        While learning, a press or a turn becomes the binding and nothing else happens.
        """
        control = (event.port, event.kind, event.channel, event.number)
        before = self.positions.get(control, 0)
        after = replace(self, positions={**self.positions, control: event.value})
        if self.learning:
            return after._learned(event), ()
        found = (self._intent(b, event, before, values) for b in self.bindings)
        return after, tuple(intent for intent in found if intent is not None)

    def _learned(self, event: ControlMoved) -> ControlMap:
        if event.kind is ControlKind.NOTE and event.value == 0:
            return self  # the release of a pad that was pressed before
        binding = Binding(
            kind=event.kind,
            channel=event.channel,
            number=event.number,
            target=self.learning,
            port=event.port,
        )
        others = self.forget(self.learning).bindings
        return replace(self, bindings=(*others, binding), learning="")

    def _intent(
        self, binding: Binding, event: ControlMoved, before: int, values: Mapping[str, float]
    ) -> Intent | None:
        if not self._is_of(binding, event):
            return None
        kind, _, name = binding.target.partition(":")
        pressed = _is_press(event, before)
        if kind == "parameter":
            value = _new_value(parameter(name), event, values)
            return None if value is None else ParameterSet(name, value)
        if not pressed:
            return None
        return PresetPressed(name) if kind == "preset" else CutPressed(name)

    def _is_of(self, binding: Binding, event: ControlMoved) -> bool:
        """Same control of the same device; of any device while the learned one is not there."""
        wanted = (binding.kind, binding.channel, binding.number)
        same_device = binding.port in ("", event.port) or binding.port not in self.ports
        return same_device and wanted == (event.kind, event.channel, event.number)


def _is_press(event: ControlMoved, before: int) -> bool:
    if event.kind is ControlKind.NOTE:
        return event.value > 0
    return event.value >= _MIDDLE > before


def _new_value(row: Parameter, event: ControlMoved, values: Mapping[str, float]) -> float | None:
    if event.kind is ControlKind.CC:
        return row.from_norm(event.value / _TOP)
    if event.value == 0:
        return None
    current = values.get(row.id, row.default)
    match row.kind:
        case Kind.SWITCH:
            return 1.0 - current
        case Kind.CHOICE:
            return (current + 1) % len(row.choices)
        case Kind.CONTINUOUS | Kind.INTEGER:
            return row.from_norm(event.value / _TOP)


def _badge(binding: Binding) -> str:
    return f"{'CC' if binding.kind is ControlKind.CC else 'N'} {binding.number}"
