"""What kind of control it is, from the first things it says. PURE.

it says                                         it is
a parameter number with data                    NRPN, fine
CC n and CC n + 32 within 10 ms                 a pair, fine
a note, let go again                            a button that springs back
a note, and nothing for a while                 a button that stays, or one that is still held
CC 127 0, or another value and 0                a button that springs back
CC 127, or 0, and nothing for a while           a button that stays
CC, the same small value again: 1 1 · 65 65     an endless encoder; which way of saying it is sure
                                                when it was turned both ways:
    values below 64 and above 119               two's complement
    values on both sides of 64, near it         binary offset
    values below 8 and 65 to 72                 sign and magnitude
CC, else                                        a knob or fader
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.core.midi_binding import Mode, button_mode
from app.core.midi_events import ControlMoved, MidiKind
from engine.protocol.parameters import PARAMETERS, Kind

ENOUGH = 12
_PAIR_NS = 10_000_000
_MIN_KNOB_VALUES = 3
_SMALL = 8
_NAMES = {
    Mode.TWOS: "endless encoder (1 / 127)",
    Mode.OFFSET: "endless encoder (65 / 63)",
    Mode.SIGN: "endless encoder (1 / 65)",
    Mode.FOLLOW: "button that stays",
    Mode.MOMENTARY: "button that springs back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a control seems to be. `mode` KNOB, an encoder's, MOMENTARY or FOLLOW."""

    kind: MidiKind
    channel: int
    number: int
    mode: Mode
    is_sure: bool = False
    hint: str = ""  # what to do so that it becomes sure

    @property
    def text(self) -> str:
        """What it is, as a performer reads it."""
        fine = {
            MidiKind.CC14: f"CC {self.number}+{self.number + 32} · fine knob, 14 bit",
            MidiKind.NRPN: f"NRPN {self.number} · fine knob, 14 bit",
            MidiKind.BEND: "pitch bend · fine knob, 14 bit",
            MidiKind.PROGRAM: f"program {self.number + 1}",
        }
        name = _NAMES.get(self.mode, "knob or fader, 7 bit")
        plain = f"{'note' if self.kind is MidiKind.NOTE else 'CC'} {self.number} · {name}"
        said = fine.get(self.kind, plain)
        return f"{said} · {self.hint}" if self.hint else said


def detect(samples: Sequence[ControlMoved], is_over: bool = False) -> Finding:
    """Return what the messages since learning began show; `is_over` means that no more come.

    Raises:
        ValueError: there are no samples.
    """
    if not samples:
        raise ValueError("nothing moved yet: detect needs at least one message")
    first = samples[0]
    for sample in samples:
        if sample.kind is MidiKind.NRPN:
            return _plain(sample, Mode.KNOB, is_sure=True)
    pair = _pair(samples)
    if pair is not None:
        return pair
    own = [s for s in samples if s.control == first.control]
    if first.kind in (MidiKind.BEND, MidiKind.CC14):
        return _plain(first, Mode.KNOB, is_sure=True)
    if first.kind is MidiKind.PROGRAM:
        return _plain(first, Mode.MOMENTARY, is_sure=True)
    if first.kind is MidiKind.NOTE:
        return _button(first, [s.value for s in own], is_over)
    return _of_values(first, [value for s in own for value in (*s.passed, s.value)], is_over)


def is_related(first: ControlMoved, event: ControlMoved) -> bool:
    """Whether an event may belong to the control that is being found out about."""
    if (first.port, first.channel) != (event.port, event.channel):
        return False
    if event.kind is MidiKind.NRPN or event.control == first.control:
        return True
    return event.kind is first.kind is MidiKind.CC and (
        abs(event.number - first.number) == 32 or 98 <= event.number <= 101
    )


def mode_for(finding: Finding, target: str) -> Mode:
    """Return how the control drives the target, unless the performer says otherwise."""
    kind, _, name = target.partition(":")
    is_switch = kind == "parameter" and PARAMETERS[name].kind is Kind.SWITCH
    if finding.mode is Mode.MOMENTARY:
        return button_mode(target)
    if finding.mode is Mode.FOLLOW and kind == "parameter" and not is_switch:
        return button_mode(target)
    return Mode.FOLLOW if finding.mode is Mode.KNOB and is_switch else finding.mode


def _plain(sample: ControlMoved, mode: Mode, is_sure: bool = False, hint: str = "") -> Finding:
    return Finding(
        kind=sample.kind, channel=sample.channel, number=sample.number, mode=mode,
        is_sure=is_sure, hint=hint,
    )  # fmt: skip


def _pair(samples: Sequence[ControlMoved]) -> Finding | None:
    ccs = [s for s in samples if s.kind is MidiKind.CC]
    for high in ccs:
        for low in ccs:
            is_near = abs(low.at_ns - high.at_ns) <= _PAIR_NS
            if high.number < 32 and low.number == high.number + 32 and is_near:
                return Finding(
                    kind=MidiKind.CC14, channel=high.channel, number=high.number, mode=Mode.KNOB,
                    is_sure=True,
                )  # fmt: skip
    return None


def _button(first: ControlMoved, values: list[int], is_over: bool) -> Finding:
    if 0 in values[1:]:
        return _plain(first, Mode.MOMENTARY, is_sure=True)
    return _plain(first, Mode.FOLLOW if is_over else Mode.MOMENTARY, is_sure=is_over)


def _of_values(first: ControlMoved, values: list[int], is_over: bool) -> Finding:
    distinct = set(values)
    if len(distinct) == 2 and 0 in distinct and values[0] > 0 and max(distinct) >= 64:
        return _plain(first, Mode.MOMENTARY, is_sure=True)
    is_encoder = distinct == {127} and len(values) >= _MIN_KNOB_VALUES  # three steps back
    if distinct <= {0, 127} and not is_encoder:
        mode = Mode.FOLLOW if is_over and len(values) == 1 else Mode.MOMENTARY
        return _plain(first, mode, is_sure=is_over)
    encoder = _encoder(values)
    if encoder is not None:
        mode, is_sure = encoder
        hint = "" if is_sure else "turn it both ways"
        return _plain(first, mode, is_sure=is_sure or len(values) >= ENOUGH, hint=hint)
    return _plain(first, Mode.KNOB, is_sure=is_over or len(distinct) >= _MIN_KNOB_VALUES)


def _encoder(values: list[int]) -> tuple[Mode, bool] | None:
    """Return the encoding and whether both ways were seen; None for a knob.

    A knob does not say the same value twice, nor jump from one end to the other and back.
    """
    distinct = set(values)
    repeats = any(a == b for a, b in pairwise(values))
    low = {v for v in distinct if 0 < v < _SMALL}
    twos_left = {v for v in distinct if v > 127 - _SMALL}
    near_over = {v for v in distinct if 64 < v <= 64 + _SMALL}
    near_under = {v for v in distinct if 64 - _SMALL <= v < 64}
    if low and twos_left and low | twos_left == distinct:
        return Mode.TWOS, True
    if low and near_over and low | near_over == distinct:
        return Mode.SIGN, True
    if not repeats:
        return None
    if near_over | near_under == distinct:
        return Mode.OFFSET, bool(near_over and near_under)
    if low == distinct or twos_left == distinct:
        return Mode.TWOS, bool(twos_left)
    return None
