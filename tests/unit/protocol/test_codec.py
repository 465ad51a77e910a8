"""Every message type survives the wire, and nothing else does."""

from __future__ import annotations

import io
import math
import types
import typing
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RemoteProtocolError
from engine.protocol import codec, messages, orders
from engine.protocol.values import Look

UNIONS = {
    "commands": (codec.COMMANDS, messages.AppCommand),
    "events": (codec.EVENTS, messages.HostEvent),
    "orders": (codec.ORDERS, orders.HostOrder),
    "worker events": (codec.WORKER_EVENTS, orders.WorkerEvent),
}
CASES = [
    pytest.param(decoder, kind, id=f"{name}-{kind.__name__}")
    for name, (decoder, union) in UNIONS.items()
    for kind in typing.get_args(union)
]
PLAIN = {
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=20),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    type(None): st.none(),
}


def values_of(kind):
    """A strategy for any type that stands in a message."""
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values_of(part) for part in arguments])
    if origin is dict:
        return st.dictionaries(*[values_of(part) for part in arguments], max_size=3)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if issubclass(kind, msgspec.Struct):
        return messages_of(kind)
    return st.sampled_from(kind)  # an enumeration


def messages_of(kind):
    hints = typing.get_type_hints(kind)
    names = kind.__struct_fields__
    return st.builds(kind, **{name: values_of(hints[name]) for name in names})


@pytest.mark.parametrize(("decoder", "kind"), CASES)
def test_every_message_comes_back_as_it_went(decoder, kind):
    @given(messages_of(kind))
    @settings(max_examples=10, deadline=None)
    def round_trip(message):
        assert codec.decode(decoder, codec.encode(message)) == message

    round_trip()


@pytest.mark.parametrize("kind", [case.values[1] for case in CASES])
def test_every_message_is_frozen(kind):
    assert kind.__struct_config__.frozen


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused_or_is_a_message(data):
    with suppress(RemoteProtocolError):
        assert isinstance(codec.decode(codec.COMMANDS, data), messages.Command)


def test_a_field_of_the_wrong_type_is_refused_by_name():
    data = msgspec.msgpack.encode({"type": "SoftCut", "num_chunks": "four"})
    with pytest.raises(RemoteProtocolError, match="num_chunks"):
        codec.decode(codec.COMMANDS, data)


def test_a_message_of_the_other_direction_is_refused():
    data = codec.encode(messages.CommandRefused(command_id=1, reason="no"))
    with pytest.raises(RemoteProtocolError, match="CommandRefused"):
        codec.decode(codec.COMMANDS, data)


def test_an_oversized_message_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(codec, "MAX_MESSAGE_BYTES", 100)
    with pytest.raises(RemoteProtocolError, match="at most 100"):
        codec.decode(codec.COMMANDS, b"x" * 101)


def test_framed_messages_follow_each_other_on_a_pipe():
    pipe = io.BytesIO()
    sent = [orders.PreparePrompt(text=text) for text in ("ink", "", "fire")]
    for message in sent:
        codec.write_framed(pipe, message)
    pipe.seek(0)
    assert [codec.read_framed(pipe, codec.ORDERS) for _ in range(4)] == [*sent, None]


@given(st.integers(0, 200))
@settings(deadline=None)
def test_a_stream_that_ends_in_mid_message_ends(length):
    pipe = io.BytesIO()
    codec.write_framed(pipe, orders.PreparePrompt(text="x" * 100))
    cut = io.BytesIO(pipe.getvalue()[:length])
    whole = length >= len(pipe.getvalue())
    assert (codec.read_framed(cut, codec.ORDERS) is not None) == whole


def test_an_absurd_length_is_refused_without_reading_on():
    pipe = io.BytesIO(b"\xff\xff\xff\xff" + b"x" * 10)
    with pytest.raises(RemoteProtocolError, match="announced"):
        codec.read_framed(pipe, codec.ORDERS)


def test_not_a_number_travels_so_that_the_host_can_refuse_it_by_name():
    command = messages.HardCut(look=Look(prompt="", parameters={"steps": math.nan}))
    back = codec.decode(codec.COMMANDS, codec.encode(command))
    assert math.isnan(back.look.parameters["steps"])
