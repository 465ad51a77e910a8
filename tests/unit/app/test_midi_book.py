from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.core import midi_book
from app.core.controller import Controller
from app.core.mapping import ControlMap
from app.core.midi_act import ParameterSet, Pressed
from app.core.midi_binding import MidiBinding, Mode, badge
from app.core.midi_events import ControlMoved, MidiKind, PortsChanged
from app.core.midi_monitor import line_of
from engine.protocol.beat import BeatClock

KNOB = MidiBinding(kind=MidiKind.CC, channel=1, number=7, target="parameter:dimmer", port="box")
PAD = MidiBinding(
    kind=MidiKind.NOTE, channel=1, number=36, target="pad:2", port="box", mode=Mode.TRIGGER
)


def test_pads_come_last_and_every_row_says_what_it_does_and_how():
    mapping = ControlMap(bindings=(PAD, KNOB), ports=("box",))
    views = midi_book.bindings(mapping)
    assert [(v.badge, v.what, v.mode, v.takeover) for v in views] == [
        ("CC 7", "Dimmer", "knob", "pickup"), ("N 36", "pad 2", "trigger", ""),
    ]  # fmt: skip


def test_of_several_devices_each_has_a_mark_and_those_that_are_gone_are_not_listed():
    two = ControlMap(bindings=(PAD, replace(KNOB, port="gone")), ports=("box", "other"))
    assert [view.badge for view in midi_book.bindings(two)] == ["① N 36"]
    views = midi_book.devices(PortsChanged(backend="x", ports=("box", "other")), {}, two)
    assert [view.mark for view in views] == ["①", "②"]


def test_a_device_says_whose_map_it_uses_and_how_many_pages_there_are():
    mapping = ControlMap(bindings=(replace(PAD, page=3),), ports=("box",))
    factory = Controller(name="Box", match=("box",), stem="box", is_read_only=True)
    (view,) = midi_book.devices(PortsChanged(ports=("box",)), {"box": factory}, mapping)
    assert (view.map_text, view.num_pages, view.page) == ("factory map", 3, 1)
    own = replace(factory, is_read_only=False)
    (view,) = midi_book.devices(PortsChanged(ports=("box",)), {"box": own}, mapping)
    assert view.map_text == "your map"


@given(st.sampled_from([KNOB, PAD]), st.integers(1, 12))
def test_modes_takeovers_and_pages_go_round_and_come_back(binding, pages):
    modes, one = [], binding
    for _ in range(20):
        one = midi_book.next_mode(one)
        modes.append(one.mode)
    assert binding.mode in modes
    turned = binding
    for _ in range(3):
        turned = midi_book.next_takeover(turned)
    assert turned == binding
    for _ in range(pages + 2):
        turned = midi_book.next_page(turned, pages)
    assert turned == binding
    assert midi_book.next_press(midi_book.next_press(binding)) == binding


def test_badges_are_short():
    assert badge(replace(KNOB, page=2, shift=True)) == "P2 ⇧ CC 7"
    assert badge(replace(KNOB, kind=MidiKind.CC14)) == "CC 7+39"
    assert badge(replace(KNOB, kind=MidiKind.PROGRAM)) == "PC 8"


def test_the_monitor_says_what_came_and_what_it_did():
    event = ControlMoved(
        port="box", kind=MidiKind.CC, channel=1, number=7, value=64, passed=(62, 63)
    )
    line = line_of(event, (ParameterSet("dimmer", 0.5), Pressed("pad:2")), (KNOB,))
    assert line.said == "ch 1  CC 7  64  (+2 between)"
    assert line.meant == "Dimmer 0.50, pad 2"
    assert line_of(event, (), (KNOB,)).meant == "waits for pickup"
    assert line_of(event, (), (PAD,)).meant == "–"
    assert line_of(event, (), ()).meant == "not bound"


def test_the_beat_in_words():
    assert midi_book.beat_text(BeatClock()) == "no MIDI clock"
    assert midi_book.beat_text(BeatClock(bpm=127.96, is_running=True)) == "128.0 BPM · plays"
