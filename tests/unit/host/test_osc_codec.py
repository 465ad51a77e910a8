"""OSC bytes: ours against python-osc, which others wrote, and against whatever may come."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage as TheirMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.errors import RemoteProtocolError
from engine.host.remote.osc_codec import MAX_BYTES, MAX_MESSAGES, OscMessage, decode, encode

texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40)
addresses = texts.map(lambda text: f"/{text}")
numbers = st.integers(-(2**31), 2**31 - 1) | st.floats(width=32, allow_nan=False)
values = st.lists(texts | numbers | st.booleans() | st.none(), max_size=8).map(tuple)


def theirs(address, arguments):
    builder = OscMessageBuilder(address)
    for value in arguments:
        builder.add_arg(value)
    return builder.build()


@given(addresses, values)
def test_they_read_what_we_write(address, arguments):
    read = TheirMessage(encode(OscMessage(address, arguments)))
    assert (read.address, tuple(read.params)) == (address, arguments)


@given(addresses, values)
def test_we_read_what_they_write(address, arguments):
    assert decode(theirs(address, arguments).dgram) == [OscMessage(address, arguments)]


@given(st.lists(st.tuples(addresses, values), min_size=1, max_size=5))
def test_a_bundle_of_theirs_is_its_messages_in_order(sent):
    outer, inner = OscBundleBuilder(IMMEDIATELY), OscBundleBuilder(IMMEDIATELY)
    for address, arguments in sent:
        inner.add_content(theirs(address, arguments))
    outer.add_content(inner.build())
    assert decode(outer.build().dgram) == [OscMessage(*one) for one in sent]


@pytest.mark.parametrize(("tag", "value"), [("h", 2**40), ("d", math.pi)])
def test_wide_numbers_are_read(tag, value):
    builder = OscMessageBuilder("/segue/steps")
    builder.add_arg(value, tag)
    assert decode(builder.build().dgram)[0].arguments == (value,)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"#bundle\0" + tail))
def test_whatever_comes_is_read_or_refused_with_a_reason(data):
    with suppress(RemoteProtocolError):
        for message in decode(data):
            assert message.address.startswith("/")


@given(addresses, values, st.data())
def test_a_packet_that_is_cut_short_is_never_read_as_something_else(address, arguments, data):
    whole = encode(OscMessage(address, arguments))
    short = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        (read,) = decode(short)
    except RemoteProtocolError:
        return
    assert read == OscMessage(address)  # without type tags: an old sender's, with no values


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "neither an address nor a bundle"),
        (b"/a\0\0" + bytes(MAX_BYTES), "at most 4096"),
        (b"/a\0\0,b\0\0\0\0\0\0", "type 'b'"),
        (b"/a\0\0,i\0\0\0\0\0\1\0\0\0\0", "4 bytes too many"),
        (b"/\xff\0\0,\0\0\0", "no UTF-8"),
        (b"#bundle\0" * 2 + b"\0\0\0\7/aaaaaa", "a part of 7 bytes"),
        (b"#bundle\0" + bytes(8) + b"\0\0\0\4/a\0\0" * (MAX_MESSAGES + 1), "more than 64"),
    ],
)
def test_a_refusal_says_what_is_wrong(data, word):
    with pytest.raises(RemoteProtocolError, match=word):
        decode(data)


def test_bundles_in_bundles_end_somewhere():
    data = b"/a\0\0"
    for _ in range(40):
        data = b"#bundle\0" + bytes(8) + len(data).to_bytes(4, "big") + data
    with pytest.raises(RemoteProtocolError, match="deeper than 4"):
        decode(data)
