import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.midi_binding import Mode
from app.core.midi_detect import detect, is_related, mode_for
from app.core.midi_events import ControlMoved, MidiKind
from app.core.midi_relative import Encoding, encoded


def said(*values, kind=MidiKind.CC, number=7, gap_ms=20):
    return [
        ControlMoved(
            port="p", kind=kind, channel=1, number=number, value=value,
            at_ns=place * gap_ms * 1_000_000,
        )
        for place, value in enumerate(values)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "mode", "is_sure"),
    [
        ((5,), Mode.KNOB, False),
        ((5, 6, 7), Mode.KNOB, True),
        ((127, 0), Mode.MOMENTARY, True),
        ((100, 0), Mode.MOMENTARY, True),
        ((1, 1, 127), Mode.TWOS, True),
        ((127, 127, 127), Mode.TWOS, True),
        ((1, 1, 1), Mode.TWOS, False),
        ((65, 65, 63), Mode.OFFSET, True),
        ((65, 65), Mode.OFFSET, False),
        ((1, 2, 65), Mode.SIGN, True),
        ((60, 61, 62, 63, 64, 65), Mode.KNOB, True),
    ],
)
def test_ccs_are_told_apart_by_what_they_say(values, mode, is_sure):
    finding = detect(said(*values))
    assert (finding.mode, finding.is_sure) == (mode, is_sure)


def test_a_button_that_stays_says_one_value_and_then_nothing():
    assert detect(said(127), is_over=True).mode is Mode.FOLLOW
    assert detect(said(127)).mode is Mode.MOMENTARY
    assert detect(said(90, kind=MidiKind.NOTE), is_over=True).mode is Mode.FOLLOW


def test_a_note_that_is_let_go_is_a_button():
    finding = detect(said(90, 0, kind=MidiKind.NOTE))
    assert finding.mode is Mode.MOMENTARY
    assert finding.is_sure
    assert finding.text == "note 7 · button that springs back"


def test_two_ccs_32_apart_and_close_in_time_are_a_fine_pair():
    high, low = said(5)[0], said(9, number=39)[0]
    finding = detect([high, low])
    assert (finding.kind, finding.number, finding.is_sure) == (MidiKind.CC14, 7, True)
    assert detect([low, high]).number == 7
    late = ControlMoved(port="p", kind=MidiKind.CC, channel=1, number=39, value=9, at_ns=10**9)
    assert detect([high, late]).kind is MidiKind.CC


def test_a_parameter_number_is_found_behind_its_address():
    address = [*said(1, number=99), *said(2, number=98)]
    data = said(700, kind=MidiKind.NRPN, number=130)
    assert all(is_related(address[0], event) for event in (*address, *data))
    finding = detect([*address, *data])
    assert (finding.kind, finding.number) == (MidiKind.NRPN, 130)


def test_other_devices_and_controls_are_not_related():
    first = said(1)[0]
    assert not is_related(first, said(1, number=8)[0])
    other = ControlMoved(port="q", kind=MidiKind.CC, channel=1, number=7, value=1)
    assert not is_related(first, other)


@given(
    st.sampled_from(Encoding),
    st.lists(st.integers(1, 5), min_size=3, max_size=6),
    st.lists(st.integers(1, 5), min_size=3, max_size=6),
)
def test_an_encoder_turned_both_ways_is_known_by_its_encoding(encoding, right, left):
    # its smallest steps come more than once, as fingers do it
    counts = [1, 1, *right, *(-count for count in left)]
    finding = detect(said(*(encoded(encoding, count) for count in counts)))
    assert finding.mode.encoding is encoding
    assert finding.is_sure


@given(st.lists(st.integers(0, 127), min_size=1, max_size=12), st.booleans())
def test_whatever_it_says_something_is_found_and_its_number_is_its_own(values, is_over):
    finding = detect(said(*values), is_over)
    assert (finding.kind, finding.number) == (MidiKind.CC, 7)
    assert finding.text


def test_what_was_found_drives_each_target_its_own_way():
    knob, spring = detect(said(1, 5, 9)), detect(said(127, 0))
    stays = detect(said(127), is_over=True)
    assert mode_for(knob, "parameter:dimmer") is Mode.KNOB
    assert mode_for(knob, "parameter:freeze") is Mode.FOLLOW
    assert mode_for(spring, "parameter:freeze") is Mode.TOGGLE
    assert mode_for(spring, "pad:1") is Mode.TRIGGER
    assert mode_for(stays, "parameter:freeze") is Mode.FOLLOW
    assert mode_for(stays, "parameter:control_kind") is Mode.TRIGGER
    assert mode_for(stays, "cut:hard") is Mode.FOLLOW
