"""What the MIDI child tells the window, and the frames they travel in. PURE."""

from __future__ import annotations

import re
import struct

import msgspec

from engine.protocol.show import ControlKind
from engine.protocol.values import Message

_LENGTH = struct.Struct("<I")
_PORT_NUMBERS = re.compile(r"\s+\d+:\d+$")


class ControlMoved(Message, frozen=True, kw_only=True):
    """A knob, fader or pad moved. `channel` 1..16, `value` 0..127; a released pad sends 0."""

    port: str
    kind: ControlKind
    channel: int
    number: int
    value: int


class PortsChanged(Message, frozen=True, kw_only=True):
    """What is connected now. `backend` is empty and `message` says why when MIDI is not there."""

    backend: str = ""
    ports: tuple[str, ...] = ()
    message: str = ""


MidiEvent = ControlMoved | PortsChanged
_DECODER: msgspec.msgpack.Decoder[MidiEvent] = msgspec.msgpack.Decoder(MidiEvent)


def device_name(port: str) -> str:
    """Return the port name without the trailing client:port numbers, which change on replug."""
    return _PORT_NUMBERS.sub("", port)


def to_frame(event: MidiEvent) -> bytes:
    """Return the event as length-prefixed MessagePack."""
    body = msgspec.msgpack.encode(event)
    return _LENGTH.pack(len(body)) + body


def from_frames(data: bytes) -> tuple[list[MidiEvent], bytes]:
    """Return the whole events at the front of `data` and the bytes that are left.

    Raises:
        msgspec.DecodeError: the bytes are none of our events.
    """
    events, at = [], 0
    while len(data) - at >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(data, at)
        end = at + _LENGTH.size + length
        if len(data) < end:
            break
        events.append(_DECODER.decode(data[at + _LENGTH.size : end]))
        at = end
    return events, data[at:]
