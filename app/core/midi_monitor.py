"""The last messages of all devices and what they did, for the monitor. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.midi_act import Intent, ParameterSet
from app.core.midi_binding import MidiBinding, Mode, target_text
from app.core.midi_events import ControlMoved, MidiKind
from engine.protocol.parameters import parameter

MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class MonitorLine:
    """One message: who said it, what, and what it did."""

    port: str
    said: str
    meant: str


def line_of(
    event: ControlMoved, intents: Sequence[Intent], bindings: Sequence[MidiBinding]
) -> MonitorLine:
    """Return the line of one event; `bindings` are those of its control."""
    meant = ", ".join(_meaning(intent) for intent in intents) or _nothing(bindings)
    return MonitorLine(event.port, said(event), meant)


def _nothing(bindings: Sequence[MidiBinding]) -> str:
    if any(b.mode is Mode.KNOB and b.row is not None for b in bindings):
        return "waits for pickup"
    return "–" if bindings else "not bound"


def said(event: ControlMoved) -> str:
    """Return a message as a performer reads it."""
    more = f"  (+{len(event.passed)} between)" if event.passed else ""
    channel = f"ch {event.channel}"
    match event.kind:
        case MidiKind.NOTE:
            what = f"note {event.number}  {event.value or 'off'}"
        case MidiKind.PROGRAM:
            what = f"program {event.number + 1}"
        case MidiKind.BEND:
            what = f"bend  {event.value}"
        case MidiKind.CC14:
            what = f"CC {event.number}+{event.number + 32}  {event.value}"
        case MidiKind.NRPN:
            what = f"NRPN {event.number}  {event.value}"
        case MidiKind.CC:
            what = f"CC {event.number}  {event.value}"
    return f"{channel}  {what}{more}"


def _meaning(intent: Intent) -> str:
    if isinstance(intent, ParameterSet):
        row = parameter(intent.parameter_id)
        return f"{row.label} {row.text(row.clean(intent.value))}"
    return target_text(intent.target)
