"""What the lights of a controller show, and the bytes that say so. PURE.

A light belongs to a control (`listens`, `channel`, a number) and shows what that control is bound
to on the page that is on:

    dark      nothing is bound                        idle      something is, and it is off
    queued    it lands at the next boundary: blinks   active    it is on: solid
    air       it is on, and a receiver has us on its program: tally

Bytes come from templates in the controller's file, hexadecimal with these words in between:
`n` the number of the light, `v` a value of 0..127 (of a ring, where its parameter stands), `r g b`
the colour of the pad, 0..127 each. A device that cannot blink (`blinks = false`) is blinked by us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.midi_binding import MidiBinding
from app.core.midi_events import MidiKind

Messages = tuple[bytes, ...]
Template = tuple[tuple[str, ...], ...]
LightKey = tuple[MidiKind, int, int]  # kind, channel, number of the control

_WORDS = ("n", "v", "r", "g", "b")


class Lit(StrEnum):
    """How a light is lit."""

    DARK = "dark"
    IDLE = "idle"
    QUEUED = "queued"
    ACTIVE = "active"
    AIR = "air"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be seen of a binding: state, position 0..1, colour of its pad."""

    lit: Lit
    norm: float = 0.0
    colour: str = "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class LightRow:
    """Lights that are lit alike. A missing template is that of the state before it."""

    listens: MidiKind
    channel: int
    numbers: tuple[int, ...]
    templates: Mapping[Lit, Template]
    blinks: bool = True

    def messages(self, number: int, shown: Shown, is_blink_on: bool) -> Messages:
        """Return the bytes for one light."""
        lit = shown.lit
        if lit is Lit.QUEUED and not self.blinks:
            lit = Lit.ACTIVE if is_blink_on else Lit.DARK
        order = (lit, Lit.ACTIVE, Lit.IDLE, Lit.DARK) if lit in (Lit.AIR, Lit.QUEUED) else (lit,)
        template = next((self.templates[one] for one in order if one in self.templates), ())
        return filled(template, number, shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lights:
    """All lights of a controller; `start` and `end` switch it into and out of our mode."""

    start: Messages = ()
    end: Messages = ()
    rows: tuple[LightRow, ...] = ()

    def wanted(
        self, shown: Mapping[LightKey, Shown], is_blink_on: bool
    ) -> dict[LightKey, Messages]:
        """Return what every light is to be told; those of nothing bound are dark."""
        dark = Shown(Lit.DARK)
        return {
            key: row.messages(key[2], shown.get(key, dark), is_blink_on)
            for row in self.rows
            for key in ((row.listens, row.channel, number) for number in row.numbers)
        }

    def all_dark(self) -> Messages:
        """Return what turns every light off, and gives the controller its own mode back."""
        dark = self.wanted({}, is_blink_on=False).values()
        return (*(message for messages in dark for message in messages), *self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightBoard:
    """What one device was told last; only differences are sent."""

    lights: Lights = field(default_factory=Lights)
    told: Mapping[LightKey, Messages] = field(default_factory=dict)

    def begin(self) -> Messages:
        """Return what a device that has just come is told first."""
        return self.lights.start

    def show(
        self, shown: Mapping[LightKey, Shown], is_blink_on: bool
    ) -> tuple[LightBoard, Messages]:
        """Return the board and what to send."""
        wanted = self.lights.wanted(shown, is_blink_on)
        changed = (messages for key, messages in wanted.items() if self.told.get(key) != messages)
        send = tuple(message for messages in changed for message in messages)
        return LightBoard(lights=self.lights, told=wanted), send


def shown_on(
    bindings: Sequence[MidiBinding], shown: Mapping[MidiBinding, Shown]
) -> dict[LightKey, Shown]:
    """Return what the control of each binding shows; of several on one, the liveliest."""
    order = list(Lit)
    result: dict[LightKey, Shown] = {}
    for binding in bindings:
        key = (binding.kind, binding.channel, binding.number)
        one = shown[binding]
        if key not in result or order.index(one.lit) > order.index(result[key].lit):
            result[key] = one
    return result


def template(texts: Iterable[str]) -> Template:
    """Return messages of a file, `"90 n 7f"`, as a template.

    Raises:
        ValueError: a word is neither a byte nor one of n, v, r, g, b.
    """
    messages = tuple(tuple(text.lower().split()) for text in texts)
    for message in messages:
        if not message:
            raise ValueError("an empty message")
        for word in message:
            if word not in _WORDS and not (len(word) == 2 and _is_hex(word)):
                raise ValueError(f"{word!r} is neither a byte like 7f nor one of n, v, r, g, b")
        if int(message[0], 16) < 0x80:
            raise ValueError(f"{message[0]!r} begins no MIDI message: it must be 80 to ff")
    return messages


def filled(messages: Template, number: int, shown: Shown) -> Messages:
    """Return the bytes of a template; what is too large for seven bits is cut."""
    red, green, blue = (int(shown.colour[at : at + 2], 16) // 2 for at in (1, 3, 5))
    value = round(min(max(shown.norm, 0.0), 1.0) * 127)
    words = {"n": number & 127, "v": value, "r": red, "g": green, "b": blue}
    return tuple(
        bytes(words[word] if word in words else int(word, 16) for word in message)
        for message in messages
    )


def _is_hex(word: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in word)
