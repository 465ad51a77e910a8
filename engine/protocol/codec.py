"""Bytes ⇄ messages: the only parser. MessagePack by msgspec, checked against the types.

On the WebSocket a message is one binary frame. On the pipe it is preceded by its length
(uint32, little-endian).
"""

from __future__ import annotations

import struct
from typing import IO, TypeVar

import msgspec

from engine.errors import RemoteProtocolError
from engine.protocol.messages import AppCommand, HostEvent
from engine.protocol.orders import HostOrder, WorkerEvent
from engine.protocol.values import Message

MAX_MESSAGE_BYTES = 64 * 2**20  # a recorded condition of a large model is a few MB
_LENGTH = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()
_T = TypeVar("_T")

COMMANDS: msgspec.msgpack.Decoder[AppCommand] = msgspec.msgpack.Decoder(AppCommand)
EVENTS: msgspec.msgpack.Decoder[HostEvent] = msgspec.msgpack.Decoder(HostEvent)
ORDERS: msgspec.msgpack.Decoder[HostOrder] = msgspec.msgpack.Decoder(HostOrder)
WORKER_EVENTS: msgspec.msgpack.Decoder[WorkerEvent] = msgspec.msgpack.Decoder(WorkerEvent)


def encode(message: Message) -> bytes:
    """Return the message as MessagePack bytes."""
    return _ENCODER.encode(message)


def decode(decoder: msgspec.msgpack.Decoder[_T], data: bytes) -> _T:
    """Return the message in `data`.

    Raises:
        RemoteProtocolError: the bytes are no message of the decoder's union, or a field is off.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(
            f"message of {len(data)} bytes refused: at most {MAX_MESSAGE_BYTES} are read"
        )
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(f"message of {len(data)} bytes refused: {error}") from error


def write_framed(pipe: IO[bytes], message: Message) -> None:
    """Write one length-prefixed message and flush. Raises BrokenPipeError when nobody reads."""
    body = encode(message)
    pipe.write(_LENGTH.pack(len(body)) + body)
    pipe.flush()


def read_framed(pipe: IO[bytes], decoder: msgspec.msgpack.Decoder[_T]) -> _T | None:
    """Read one length-prefixed message; None at the end of the stream, also in mid-message.

    Raises:
        RemoteProtocolError: the length or the bytes are not ours.
    """
    prefix = pipe.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(
            f"message of {length} bytes announced: at most {MAX_MESSAGE_BYTES} are read"
        )
    body = pipe.read(length)
    return decode(decoder, body) if len(body) == length else None
