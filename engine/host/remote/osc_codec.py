"""Bytes ⇄ OSC messages. PURE and strict: what does not fit is refused with a reason.

Types: i h f d s S T F N I; a bundle is its messages in order, its time tag means "now".

Source: Open Sound Control 1.0 specification (M. Wright, 2002), "OSC Syntax".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.errors import RemoteProtocolError

Argument = int | float | str | bool | None
MAX_BYTES = 4096
MAX_MESSAGES = 64
MAX_DEPTH = 4
_BUNDLE = b"#bundle\0"
_NUMBERS = {"i": ">i", "h": ">q", "f": ">f", "d": ">d"}
_BARE: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": 1}  # I: "impulse", a press


@dataclass(frozen=True, slots=True)
class OscMessage:
    """An address and what came with it."""

    address: str
    arguments: tuple[Argument, ...] = ()


def decode(data: bytes) -> list[OscMessage]:
    """Return the messages of one datagram.

    Raises:
        RemoteProtocolError: it is no OSC, too large, or holds a type that nobody here needs.
    """
    if len(data) > MAX_BYTES:
        raise RemoteProtocolError(
            f"OSC: a packet of {len(data)} bytes is refused, at most {MAX_BYTES} are read; "
            "send fewer values at once"
        )
    found: list[OscMessage] = []
    _unpack(data, found, 0)
    return found


def encode(message: OscMessage) -> bytes:
    """Return the datagram of one message; whole numbers as i, others as f.

    Raises:
        ValueError: a number does not fit into 32 bits.
    """
    tags, body = ",", b""
    for value in message.arguments:
        tag, packed = _packed(value)
        tags += tag
        body += packed
    return _text(message.address) + _text(tags) + body


def _packed(value: Argument) -> tuple[str, bytes]:
    if isinstance(value, bool):
        return "T" if value else "F", b""
    if value is None:
        return "N", b""
    if isinstance(value, str):
        return "s", _text(value)
    kind = "i" if isinstance(value, int) else "f"
    try:
        return kind, struct.pack(_NUMBERS[kind], value)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value} does not fit into OSC type {kind}") from error


def _text(value: str) -> bytes:
    """Return a string as OSC has it: ended by a zero, filled up to a multiple of four."""
    raw = value.replace("\0", "").encode()
    return raw + b"\0" * (4 - len(raw) % 4)


def _unpack(data: bytes, found: list[OscMessage], depth: int) -> None:
    if not data.startswith(_BUNDLE):
        found.append(_message(data))
        if len(found) > MAX_MESSAGES:
            raise _refused(f"more than {MAX_MESSAGES} messages in a bundle")
        return
    if depth >= MAX_DEPTH:
        raise _refused(f"bundles in bundles, deeper than {MAX_DEPTH}")
    if len(data) < 16:
        raise _refused("a bundle without a time tag")
    at = 16
    while at < len(data):
        size = int(_number(data, at, ">i"))
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise _refused(f"a part of {size} bytes in a bundle of {len(data)}")
        _unpack(data[at : at + size], found, depth + 1)
        at += size


def _message(data: bytes) -> OscMessage:
    if not data.startswith(b"/"):
        raise _refused("it begins with neither an address nor a bundle")
    address, at = _string(data, 0)
    if at == len(data):  # old senders leave the type tags away
        return OscMessage(address)
    tags, at = _string(data, at)
    if not tags.startswith(","):
        raise _refused("the type tags do not begin with a comma")
    values: list[Argument] = []
    for tag in tags[1:]:
        value, at = _value(data, at, tag)
        values.append(value)
    if at != len(data):
        raise _refused(f"{len(data) - at} bytes too many after the values")
    return OscMessage(address, tuple(values))


def _value(data: bytes, at: int, tag: str) -> tuple[Argument, int]:
    if tag in _BARE:
        return _BARE[tag], at
    if tag in ("s", "S"):
        return _string(data, at)
    if tag not in _NUMBERS:
        raise _refused(f"a value of type {tag!r}; send numbers (i f) or text (s)")
    layout = _NUMBERS[tag]
    return _number(data, at, layout), at + struct.calcsize(layout)


def _number(data: bytes, at: int, layout: str) -> int | float:
    try:
        value: int | float = struct.unpack_from(layout, data, at)[0]
    except struct.error:
        raise _refused("it ends in the middle of a number") from None
    return value


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    after = at + (end - at) // 4 * 4 + 4
    if end < 0 or after > len(data):
        raise _refused("a text without its end")
    try:
        return data[at:end].decode(), after
    except UnicodeDecodeError:
        raise _refused("a text that is no UTF-8") from None


def _refused(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"OSC: a packet is refused: {what}")
