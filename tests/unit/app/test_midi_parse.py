from hypothesis import given
from hypothesis import strategies as st

from app.core.midi_events import ClockHeard, ControlMoved, MidiKind, output_of, unique_names
from app.core.midi_outbox import MAX_WAITING, Outbox
from app.core.midi_parse import HALF_WAIT_NS, Parser

MS = 1_000_000


def read(*timed, pairs=()):
    """Feed (milliseconds, hex) and flush long after; returns (kind, channel, number, value)."""
    parser = Parser("p")
    parser.pairs = frozenset(pairs)
    found = []
    for at_ms, text in timed:
        found += parser.flush(at_ms * MS)
        found += parser.feed(bytes.fromhex(text), at_ms * MS)
    found += parser.flush(10**15)
    return [(e.kind.value, e.channel, e.number, e.value) for e in found]


def test_notes_ccs_bends_and_programs():
    found = read((0, "903c40"), (1, "803c40"), (2, "b50708"), (3, "e10001"), (4, "c205"))
    assert found == [
        ("note", 1, 0x3C, 0x40), ("note", 1, 0x3C, 0), ("cc", 6, 7, 8), ("bend", 2, 0, 128),
        ("program", 3, 5, 127),
    ]  # fmt: skip


def test_a_bank_goes_into_the_number_of_the_program():
    assert read((0, "b00001"), (0, "b02002"), (0, "c003"))[-1][2] == (1 * 128 + 2) * 128 + 3


def test_a_pair_is_told_once_when_its_low_half_is_there():
    assert read((0, "b00740"), (2, "b02705"), pairs=[(1, 7)]) == [("cc14", 1, 7, 0x40 * 128 + 5)]


def test_a_high_half_alone_waits_ten_milliseconds_and_counts_as_it_is():
    parser = Parser("p")
    parser.pairs = frozenset({(1, 7)})
    assert parser.feed(bytes.fromhex("b00740"), 0) == []
    assert parser.waits
    assert parser.flush(HALF_WAIT_NS - 1) == []
    assert [event.value for event in parser.flush(HALF_WAIT_NS)] == [0x40 * 128]
    assert not parser.waits


def test_without_the_wish_for_a_pair_both_are_plain_ccs():
    assert [e[0] for e in read((0, "b00740"), (2, "b02705"))] == ["cc", "cc"]


def test_low_half_first_ends_on_the_right_value():
    assert read((0, "b02705"), (1, "b00740"), pairs=[(1, 7)])[-1][3] == 0x40 * 128 + 5


def test_a_parameter_number_keeps_its_address_until_another_comes():
    found = read(
        (0, "b06301"), (0, "b06202"), (0, "b00610"), (0, "b02601"), (20, "b00611"), (21, "b02602")
    )
    values = [e[2:] for e in found if e[0] == "nrpn"]
    assert values[-1] == (130, 0x11 * 128 + 2)
    assert values[0][0] == 130


def test_faders_on_6_and_38_are_faders_until_a_parameter_number_was_chosen_and_after_null():
    assert [e[0] for e in read((0, "b00610"), (0, "b02611"))] == ["cc", "cc"]
    null = read((0, "b0637f"), (0, "b0627f"), (0, "b00610"))
    assert null[-1][0] == "cc"
    registered = read((0, "b06301"), (0, "b06202"), (0, "b06500"), (0, "b00610"))
    assert registered[-1][0] == "cc"


def test_the_clock_is_told_with_its_time():
    events = [Parser("p").feed(bytes.fromhex(text), 7)[0] for text in ("f8", "f20102", "fc")]
    assert all(isinstance(event, ClockHeard) and event.at_ns == 7 for event in events)
    assert events[1].position == 1 + 2 * 128


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=40))
def test_nothing_a_device_says_breaks_the_parser(messages):
    parser = Parser("p")
    parser.pairs = frozenset({(1, 7)})
    for number, message in enumerate(messages):
        clean = [message[0] | 0x80, *(byte & 127 for byte in message[1:])]
        for event in parser.feed(clean, number * MS):
            if isinstance(event, ControlMoved):
                assert 0 <= event.value <= event.kind.top
                assert 1 <= event.channel <= 16


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), min_size=1, max_size=30))
def test_the_last_fine_value_is_always_told_whatever_the_pace(halves):
    parser = Parser("p")
    parser.pairs = frozenset({(1, 7)})
    found = []
    for number, (high, low) in enumerate(halves):
        at_ns = number * 3 * MS
        found += parser.feed([0xB0, 7, high], at_ns) + parser.feed([0xB0, 39, low], at_ns + MS)
    found += parser.flush(10**15)
    assert found[-1].kind is MidiKind.CC14
    assert found[-1].value == halves[-1][0] * 128 + halves[-1][1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 127)), max_size=60))
def test_the_newest_of_every_light_leaves_once_and_in_the_order_they_first_came(lights):
    outbox = Outbox()
    for number, value in lights:
        outbox.put(bytes([0x90, number, value]))
    left = []
    while (message := outbox.take()) is not None:
        left.append((message[1], message[2]))
    assert left == list(dict(lights).items())


def test_a_flood_of_system_exclusives_drops_the_oldest_and_counts_it():
    outbox = Outbox()
    for number in range(MAX_WAITING + 3):
        outbox.put(bytes([0xF0, number % 128, 0xF7]))
    assert (len(outbox), outbox.dropped) == (MAX_WAITING, 3)
    assert outbox.take() == bytes([0xF0, 3, 0xF7])


def test_an_output_is_found_by_name_else_by_its_client():
    assert output_of("APC:APC 1 20:0", ("X 1:0", "APC:APC 1 20:0")) == "APC:APC 1 20:0"
    assert output_of("APC:APC 1 20:0", ("APC:APC 1 24:0",)) == "APC:APC 1 24:0"
    assert output_of("ctl:knobs", ("ctl-01:lights", "other:lights")) == "ctl-01:lights"
    a2j = "a2j:nano [20] (capture): nano MIDI 1"
    assert output_of(a2j, ("a2j:nano [20] (playback): nano MIDI 1",)).startswith("a2j:nano")
    assert output_of("a:in", ("a:x", "a:y")) == ""
    assert output_of("a:in", ()) == ""


def test_twins_are_told_apart():
    names = unique_names(("nano 20:0", "nano 24:0", "pads 28:0"))
    assert list(names.values()) == ["nano", "nano #2", "pads"]
