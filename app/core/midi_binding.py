"""One control of a controller, what it does and how. PURE.

mode        on a parameter                          on anything else
knob        sets it, by the takeover                pressed when it rises through the middle
twos,       an endless encoder moves it             -
offset, sign
toggle      flips a switch; else `value` ⇄ default  pressed
momentary   `value` while it is held, then back     pressed
follow      on and off as the button says           pressed at both edges: a button that stays
radio       sets it to `value`                      pressed
trigger     next of a list; else sets it to `value` pressed
velocity    sets it by how hard it was hit          pressed
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.keys import KEYS
from app.core.midi_events import Control, MidiKind
from app.core.midi_relative import Encoding
from app.core.pickup import Takeover
from engine.protocol.parameters import PARAMETERS, Kind, Parameter
from engine.protocol.show import ACTIONS, Binding, ControlKind, FieldError

MAX_PAGES = 16
# Rows of keys that say which by their place.
_BY_INDEX = ("pad", "pad_hard", "pad_soft", "layout", "panel_move", "panel_resize")
KEY_ACTIONS = tuple(row.action for _, rows in KEYS for row in rows if row.action not in _BY_INDEX)
MIDI_ACTIONS = (
    "shift", "panic", "page:next", "page:previous",
    *(f"page:{number}" for number in range(1, MAX_PAGES + 1)),
)  # fmt: skip
TARGETS = (
    "parameter:<id>, preset:<name>, pad:<number>, cue:<number>, cut:hard, cut:soft, cut:cancel, "
    "layout:<number>, action:<key action>, midi:shift, midi:panic, midi:page:<number>, "
    "midi:page:next or midi:page:previous"
)
_MIDI = {
    "shift": "shift layer",
    "panic": "panic",
    "page:next": "next page",
    "page:previous": "page before",
}
_KEY_HELP = {row.action: row.help for _, rows in KEYS for row in rows}


class Mode(StrEnum):
    """How the control is read; the table is on top."""

    KNOB = "knob"
    TWOS = "twos"
    OFFSET = "offset"
    SIGN = "sign"
    TOGGLE = "toggle"
    MOMENTARY = "momentary"
    FOLLOW = "follow"
    RADIO = "radio"
    TRIGGER = "trigger"
    VELOCITY = "velocity"

    @property
    def encoding(self) -> Encoding | None:
        """The encoding of an endless encoder, None for the rest."""
        return Encoding(self.value) if self.value in tuple(Encoding) else None


class Press(StrEnum):
    """Which presses count. A control with a long one tells a short one when it is let go."""

    ANY = "any"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class MidiBinding:
    """What a control does. `page` 0 is every page; `port` empty is any device."""

    kind: MidiKind
    channel: int  # 1..16, as printed on controllers
    number: int  # 0..127; of an NRPN 0..16383; of a program with its bank more
    target: str
    port: str = ""
    mode: Mode = Mode.KNOB
    takeover: Takeover = Takeover.PICKUP
    press: Press = Press.ANY
    shift: bool = False
    page: int = 0
    value: float | None = None  # of the parameter, in its own range; None: its top
    acceleration: float = 0.5  # of an encoder, 0..1
    is_factory: bool = False  # came with Segue: learning its control replaces it
    is_show: bool = False  # of the show, not of the controller

    def __post_init__(self) -> None:
        """Check the ranges."""
        _expect(1 <= self.channel <= 16, "channel", self.channel, "1 to 16")
        most = 2**21 - 1 if self.kind is MidiKind.PROGRAM else self.kind.top
        _expect(0 <= self.number <= most, "number", self.number, f"0 to {most}")
        _expect(0 <= self.page <= MAX_PAGES, "page", self.page, f"0 to {MAX_PAGES}; 0 is every one")
        _expect(0 <= self.acceleration <= 1, "acceleration", self.acceleration, "0 to 1")
        _expect(is_target(self.target), "target", self.target, TARGETS)

    @property
    def control(self) -> Control:
        """The control it is on."""
        return Control(self.port, self.kind, self.channel, self.number)

    @property
    def place(self) -> tuple[Control, bool, int, Press]:
        """What two bindings share when one press means both."""
        return self.control, self.shift, self.page, self.press

    @property
    def row(self) -> Parameter | None:
        """The parameter it drives, None when it drives something else."""
        kind, _, name = self.target.partition(":")
        return PARAMETERS[name] if kind == "parameter" else None

    def goal(self, row: Parameter) -> float:
        """Return the value that a press sets."""
        return row.clean(row.high if self.value is None else self.value)


def is_target(target: str) -> bool:
    """Whether something of that name can be driven."""
    kind, _, name = target.partition(":")
    match kind:
        case "parameter":
            return name in PARAMETERS
        case "preset":
            return bool(name)
        case "pad" | "cue" | "layout":
            return name.isascii() and name.isdigit() and int(name) >= 1
        case "cut":
            return name in ACTIONS
        case "action":
            return name in KEY_ACTIONS
        case "midi":
            return name in MIDI_ACTIONS
        case _:
            return False


def target_text(target: str) -> str:
    """Return what a target other than a parameter does, as a performer calls it."""
    kind, _, name = target.partition(":")
    match kind:
        case "preset":
            return name
        case "cut":
            return "cancel" if name == "cancel" else f"{name} cut"
        case "action":
            return _KEY_HELP.get(name, name)
        case "midi":
            return _MIDI.get(name, name.replace(":", " "))
        case _:
            return f"{kind} {name}"


def button_mode(target: str) -> Mode:
    """Return how a pad that springs back drives a target, when nobody chose."""
    kind, _, name = target.partition(":")
    if kind != "parameter":
        return Mode.TRIGGER
    match PARAMETERS[name].kind:
        case Kind.SWITCH:
            return Mode.TOGGLE
        case Kind.CHOICE:
            return Mode.TRIGGER
        case Kind.CONTINUOUS | Kind.INTEGER:
            return Mode.VELOCITY


def of_show(binding: Binding) -> MidiBinding:
    """Return a binding of a show's file: the show speaks louder than the controller's own map."""
    row = PARAMETERS.get(binding.target.partition(":")[2])
    if binding.kind is ControlKind.NOTE:
        mode = button_mode(binding.target)
    else:
        mode = Mode.FOLLOW if row is not None and row.kind is Kind.SWITCH else Mode.KNOB
    return MidiBinding(
        kind=MidiKind(binding.kind.value), channel=binding.channel, number=binding.number,
        target=binding.target, port=binding.port, mode=mode, is_show=True,
    )  # fmt: skip


def badge(binding: MidiBinding) -> str:
    """Return the control, short enough for a badge: `CC 7`, `⇧ N 36`, `P2 CC 7`."""
    names = {MidiKind.NOTE: "N", MidiKind.CC: "CC", MidiKind.NRPN: "NRPN"}
    match binding.kind:
        case MidiKind.CC14:
            text = f"CC {binding.number}+{binding.number + 32}"
        case MidiKind.BEND:
            text = "BEND"
        case MidiKind.PROGRAM:
            text = f"PC {binding.number + 1}"
        case kind:
            text = f"{names[kind]} {binding.number}"
    page = f"P{binding.page} " if binding.page else ""
    long = " long" if binding.press is Press.LONG else ""
    return f"{page}{'⇧ ' if binding.shift else ''}{text}{long}"


def _expect(holds: bool, name: str, got: object, expected: str) -> None:
    if not holds:
        raise FieldError(name, got, expected)
