"""What the MIDI child and the window tell each other, and the frames it travels in. PURE."""

from __future__ import annotations

import re
import struct
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.protocol.values import Message

_LENGTH = struct.Struct("<I")
_PORT_NUMBERS = re.compile(r"\s+\d+:\d+$")
_BRIDGED = re.compile(r"a2j:(.+?) \[\d+\] \((?:capture|playback)\): ")  # ALSA's ports seen by JACK
_RENAMED = re.compile(r"-\d\d$")  # what JACK adds to a client whose name is taken
_FINE_TOP = 16383


class MidiKind(StrEnum):
    """What kind of control moved. CC14 is a pair of CCs that the window asked to be joined."""

    NOTE = "note"
    CC = "cc"
    CC14 = "cc14"
    NRPN = "nrpn"
    BEND = "bend"
    PROGRAM = "program"

    @property
    def top(self) -> int:
        """The largest value that a control of this kind sends."""
        return _FINE_TOP if self in (MidiKind.CC14, MidiKind.NRPN, MidiKind.BEND) else 127


class Control(NamedTuple):
    """One control of one device. `channel` 1..16, `number` 0..16383 (0 for a bend)."""

    port: str
    kind: MidiKind
    channel: int
    number: int


class ControlMoved(Message, frozen=True, kw_only=True):
    """A knob, fader, pad or program change.

    `value` is 0..127, of the fine kinds 0..16383; a released pad sends 0. `passed` holds the values
    that came just before and were thinned out: an encoder's steps must not be lost.
    `at_ns` is when it came, on the monotonic clock; 0 where nobody asks.
    """

    port: str
    kind: MidiKind
    channel: int
    number: int
    value: int
    at_ns: int = 0
    passed: tuple[int, ...] = ()

    @property
    def control(self) -> Control:
        """Which control it is."""
        return Control(self.port, self.kind, self.channel, self.number)


class ClockWord(StrEnum):
    """What a sequencer's clock says."""

    TICK = "tick"  # 24 a beat
    START = "start"
    CONTINUE = "continue"
    STOP = "stop"
    POSITION = "position"


class ClockHeard(Message, frozen=True, kw_only=True):
    """A word of a MIDI clock; `position` is in sixteenths, for `POSITION` only."""

    port: str
    word: ClockWord
    at_ns: int
    position: int = 0


VIRTUAL_PORT = "segue-in"
"""Our own port: other programs play us there. It is there whether or not a device is."""


class PortsChanged(Message, frozen=True, kw_only=True):
    """What is connected now. `backend` is empty and `message` says why when MIDI is not there.

    `lit` are those of `ports` that also listen: their lights can be set.
    """

    backend: str = ""
    ports: tuple[str, ...] = ()
    message: str = ""
    lit: tuple[str, ...] = ()


class JoinPairs(Message, frozen=True, kw_only=True):
    """To the child: these (device, channel, number) send CC n and n + 32 as one fine value."""

    pairs: tuple[tuple[str, int, int], ...] = ()


class SendMidi(Message, frozen=True, kw_only=True):
    """To the child: send these whole messages to a device, in order; a newer light wins."""

    port: str
    messages: tuple[bytes, ...]


MidiEvent = ControlMoved | ClockHeard | PortsChanged
MidiCommand = JoinPairs | SendMidi
_EVENTS: msgspec.msgpack.Decoder[MidiEvent] = msgspec.msgpack.Decoder(MidiEvent)
_COMMANDS: msgspec.msgpack.Decoder[MidiCommand] = msgspec.msgpack.Decoder(MidiCommand)


def device_name(port: str) -> str:
    """Return the port name without the numbers of client and port, which change on replug."""
    return _PORT_NUMBERS.sub("", _BRIDGED.sub(r"\1:", port))


def unique_names(ports: tuple[str, ...]) -> dict[str, str]:
    """Return port → device name; the second of two equal devices is called `NAME #2`."""
    names: dict[str, str] = {}
    for port in ports:
        name = device_name(port)
        alike = sum(device_name(other) == name for other in names)
        names[port] = f"{name} #{alike + 1}" if alike else name
    return names


def output_of(port: str, outputs: tuple[str, ...]) -> str:
    """Return the output that belongs to an input: the same name, else the only one of its client.

    Empty when there is none, or several and no telling which.
    """
    if port in outputs:
        return port
    same = [name for name in outputs if device_name(name) == device_name(port)]
    near = same or [name for name in outputs if _client(name) == _client(port)]
    return near[0] if len(near) == 1 else ""


def _client(port: str) -> str:
    return _RENAMED.sub("", device_name(port).partition(":")[0])


def to_frame(event: MidiEvent | MidiCommand) -> bytes:
    """Return the event as length-prefixed MessagePack."""
    body = msgspec.msgpack.encode(event)
    return _LENGTH.pack(len(body)) + body


def from_frames(data: bytes) -> tuple[list[MidiEvent], bytes]:
    """Return the whole events at the front of `data` and the bytes that are left.

    Raises:
        msgspec.DecodeError: the bytes are none of our events.
    """
    bodies, rest = _split(data)
    return [_EVENTS.decode(body) for body in bodies], rest


def commands_from_frames(data: bytes) -> tuple[list[MidiCommand], bytes]:
    """Return the whole commands at the front of `data` and the bytes that are left.

    Raises:
        msgspec.DecodeError: the bytes are none of our commands.
    """
    bodies, rest = _split(data)
    return [_COMMANDS.decode(body) for body in bodies], rest


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    bodies, at = [], 0
    while len(data) - at >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(data, at)
        end = at + _LENGTH.size + length
        if len(data) < end:
            break
        bodies.append(data[at + _LENGTH.size : end])
        at = end
    return bodies, data[at:]
