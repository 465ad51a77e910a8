"""From the bytes of a device to what moved: notes, CCs, fine pairs, NRPNs, programs, clock. PURE.

A fine value comes in two halves, and which comes first is the maker's choice:

    high half, then low within 10 ms      one event, when the low half is there
    low half, then high within 10 ms      one at once with the old high half, the right one 10 ms
                                          after the new one
    high half alone                       low half counts as 0, after 10 ms
    low half alone                        with the high half that is known, at once

A parameter number whose low half was never heard is told at once. CC 6 and 38 belong to an NRPN
only after its address (CC 99 and 98) came on that channel: mixers have faders there. A null RPN
or NRPN (127, 127) ends that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.core.midi_events import ClockHeard, ClockWord, ControlMoved, MidiKind

HALF_WAIT_NS = 10_000_000
_CLOCK = {
    0xF8: ClockWord.TICK,
    0xFA: ClockWord.START,
    0xFB: ClockWord.CONTINUE,
    0xFC: ClockWord.STOP,
}
_DATA_HIGH, _DATA_LOW = 6, 38
_NRPN_LOW, _NRPN_HIGH, _RPN_LOW, _RPN_HIGH = 98, 99, 100, 101
_BANK_HIGH, _BANK_LOW = 0, 32
_NEVER_NS = -(10**18)
_NULL = 127

Parsed = ControlMoved | ClockHeard


@dataclass(slots=True)
class _Fine:
    """The halves of one fine control."""

    high: int = 0
    low: int = 0
    high_at_ns: int = _NEVER_NS
    low_at_ns: int = _NEVER_NS
    waits: bool = False  # for the low half
    has_low: bool = False  # this control sends low halves

    def value(self) -> int:
        together = abs(self.low_at_ns - self.high_at_ns) <= HALF_WAIT_NS
        return self.high << 7 | (self.low if together or self.low_at_ns > self.high_at_ns else 0)


@dataclass(slots=True)
class _Channel:
    """What a channel remembers: the NRPN address, its halves, the bank."""

    address_high: int | None = None
    address_low: int | None = None
    bank_high: int = 0
    bank_low: int = 0
    fine: dict[tuple[MidiKind, int], _Fine] = field(default_factory=dict)


class Parser:
    """One device's stream. `pairs` are the (channel, number) whose CCs are halves of a pair."""

    def __init__(self, port: str) -> None:
        self.pairs: frozenset[tuple[int, int]] = frozenset()
        self._port = port
        self._channels = [_Channel() for _ in range(16)]

    @property
    def waits(self) -> bool:
        """Whether a fine value waits for its low half: flush soon."""
        return any(fine.waits for memory in self._channels for fine in memory.fine.values())

    def feed(self, data: Iterable[int], at_ns: int) -> list[Parsed]:
        """Read one whole message; kinds that drive nothing give an empty list."""
        status, *rest = data
        if status in _CLOCK:
            return [ClockHeard(port=self._port, word=_CLOCK[status], at_ns=at_ns)]
        if status == 0xF2 and len(rest) == 2:
            place = rest[0] | rest[1] << 7
            heard = ClockHeard(
                port=self._port, word=ClockWord.POSITION, at_ns=at_ns, position=place
            )
            return [heard]
        if not 0x80 <= status < 0xF0 or len(rest) < (1 if status >> 4 in (0xC, 0xD) else 2):
            return []
        return self._voice(status >> 4, status & 0xF, rest, at_ns)

    def flush(self, now_ns: int) -> list[Parsed]:
        """Return the fine values that waited long enough for their low half."""
        return [
            self._fine_event(channel, kind, number, fine, now_ns)
            for channel, memory in enumerate(self._channels)
            for (kind, number), fine in memory.fine.items()
            if fine.waits and now_ns - fine.high_at_ns >= HALF_WAIT_NS
        ]

    def _voice(self, kind: int, channel: int, data: list[int], at_ns: int) -> list[Parsed]:
        match kind:
            case 0x9:
                return [self._moved(MidiKind.NOTE, channel, data[0], data[1], at_ns)]
            case 0x8:
                return [self._moved(MidiKind.NOTE, channel, data[0], 0, at_ns)]
            case 0xB:
                return self._cc(channel, data[0], data[1], at_ns)
            case 0xC:
                memory = self._channels[channel]
                program = (memory.bank_high << 7 | memory.bank_low) * 128 + data[0]
                return [self._moved(MidiKind.PROGRAM, channel, program, 127, at_ns)]
            case 0xE:
                value = data[0] | data[1] << 7
                return [self._moved(MidiKind.BEND, channel, 0, value, at_ns)]
            case _:
                return []

    def _cc(self, channel: int, number: int, value: int, at_ns: int) -> list[Parsed]:
        if number in (_NRPN_LOW, _NRPN_HIGH, _RPN_LOW, _RPN_HIGH):
            self._address(channel, number, value)
        address = self._nrpn(channel)
        if address is not None and number in (_DATA_HIGH, _DATA_LOW):
            is_low = number == _DATA_LOW
            return self._half(channel, MidiKind.NRPN, address, (value, is_low), at_ns)
        if (channel + 1, number) in self.pairs:
            return self._half(channel, MidiKind.CC14, number, (value, False), at_ns)
        if (channel + 1, number - 32) in self.pairs:
            return self._half(channel, MidiKind.CC14, number - 32, (value, True), at_ns)
        self._bank(channel, number, value)
        return [self._moved(MidiKind.CC, channel, number, value, at_ns)]

    def _address(self, channel: int, number: int, value: int) -> None:
        memory = self._channels[channel]
        if number in (_RPN_LOW, _RPN_HIGH):  # the data that follows is not an NRPN's
            memory.address_high = memory.address_low = None
        elif number == _NRPN_HIGH:
            memory.address_high = value
        else:
            memory.address_low = value

    def _nrpn(self, channel: int) -> int | None:
        memory = self._channels[channel]
        if memory.address_high is None or memory.address_low is None:
            return None
        if memory.address_high == memory.address_low == _NULL:
            return None
        return memory.address_high << 7 | memory.address_low

    def _bank(self, channel: int, number: int, value: int) -> None:
        memory = self._channels[channel]
        if number == _BANK_HIGH:
            memory.bank_high = value
        elif number == _BANK_LOW:
            memory.bank_low = value

    def _half(
        self, channel: int, kind: MidiKind, number: int, half: tuple[int, bool], at_ns: int
    ) -> list[Parsed]:
        fine = self._channels[channel].fine.setdefault((kind, number), _Fine())
        value, is_low = half
        if is_low:
            fine.low, fine.low_at_ns, fine.has_low = value, at_ns, True
            return [self._fine_event(channel, kind, number, fine, at_ns)]
        earlier = self._missed(channel, kind, number, fine, at_ns)
        fine.high, fine.high_at_ns = value, at_ns
        fine.waits = fine.has_low or kind is MidiKind.CC14
        if fine.waits:
            return earlier
        return [*earlier, self._fine_event(channel, kind, number, fine, at_ns)]

    def _missed(
        self, channel: int, kind: MidiKind, number: int, fine: _Fine, at_ns: int
    ) -> list[Parsed]:
        """A second high half ends the waiting of the one before."""
        if not fine.waits:
            return []
        return [self._fine_event(channel, kind, number, fine, at_ns)]

    def _fine_event(
        self, channel: int, kind: MidiKind, number: int, fine: _Fine, at_ns: int
    ) -> ControlMoved:
        fine.waits = False
        return self._moved(kind, channel, number, fine.value(), at_ns)

    def _moved(
        self, kind: MidiKind, channel: int, number: int, value: int, at_ns: int
    ) -> ControlMoved:
        return ControlMoved(
            port=self._port, kind=kind, channel=channel + 1, number=number, value=value,
            at_ns=at_ns,
        )  # fmt: skip
