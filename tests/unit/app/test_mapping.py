import pytest

from app.core.mapping import ControlMap, CutPressed, ParameterSet, PresetPressed
from app.core.midi_events import ControlMoved, PortsChanged, device_name, from_frames, to_frame
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.show import Binding, ControlKind

CC, NOTE = ControlKind.CC, ControlKind.NOTE


def moved(value, kind=CC, number=7, port="knobs"):
    return ControlMoved(port=port, kind=kind, channel=1, number=number, value=value)


def bound(target, kind=CC, number=7, port=""):
    return Binding(kind=kind, channel=1, number=number, target=target, port=port)


def intents(binding, *events, values=None):
    mapping, found = ControlMap(bindings=(binding,)), []
    for event in events:
        mapping, new = mapping.moved(event, values or {})
        found += new
    return found


def test_a_knob_travels_the_whole_range_of_its_parameter():
    found = intents(bound("parameter:saturation"), moved(0), moved(127))
    assert found == [ParameterSet("saturation", 0.0), ParameterSet("saturation", 2.0)]


def test_a_knob_on_a_curved_parameter_is_finer_at_the_low_end():
    (half,) = intents(bound("parameter:memory_noise"), moved(64))
    assert half.value == pytest.approx(0.4 * (64 / 127) ** 2)


def test_a_pad_flips_a_switch_and_walks_through_choices():
    press, release = moved(100, NOTE), moved(0, NOTE)
    freeze = intents(bound("parameter:freeze", NOTE), press, release, values={"freeze": 1.0})
    assert freeze == [ParameterSet("freeze", 0.0)]
    last = len(CONTROL_KINDS) - 1.0
    kind = intents(bound("parameter:control_kind", NOTE), press, values={"control_kind": last})
    assert kind == [ParameterSet("control_kind", 0.0)]


def test_a_pad_presses_a_preset_once_and_its_release_does_nothing():
    found = intents(bound("preset:Embers", NOTE), moved(1, NOTE), moved(0, NOTE))
    assert found == [PresetPressed("Embers")]


def test_a_cc_button_cuts_when_it_rises_through_the_middle_and_not_while_it_stays():
    values = [moved(value) for value in (0, 127, 127, 0, 127)]
    assert intents(bound("cut:soft"), *values) == [CutPressed("soft")] * 2


def test_other_controls_channels_and_kinds_do_nothing():
    binding = bound("cut:hard")
    other = ControlMoved(port="knobs", kind=CC, channel=2, number=7, value=127)
    assert intents(binding, moved(127, number=8), moved(127, NOTE), other) == []


def test_learning_takes_the_next_control_and_does_nothing_else_with_it():
    mapping = ControlMap().learn("parameter:dimmer")
    mapping, found = mapping.moved(moved(90), {})
    assert found == ()
    assert mapping.bindings == (bound("parameter:dimmer", port="knobs"),)
    assert mapping.learning == ""
    assert mapping.controls_of("parameter:dimmer") == "CC 7"


def test_learning_ignores_the_release_of_a_pad_and_takes_its_next_press():
    mapping = ControlMap().learn("cut:hard")
    mapping, _ = mapping.moved(moved(0, NOTE, number=36), {})
    assert mapping.learning == "cut:hard"
    mapping, _ = mapping.moved(moved(80, NOTE, number=36), {})
    assert mapping.controls_of("cut:hard") == "N 36"


def test_learning_a_target_again_replaces_its_control_and_leaves_the_others():
    mapping = ControlMap(bindings=(bound("cut:hard"), bound("cut:soft"))).learn("cut:hard")
    mapping, _ = mapping.moved(moved(1, number=20), {})
    assert mapping.bindings == (bound("cut:soft"), bound("cut:hard", number=20, port="knobs"))


def test_forgetting_takes_all_controls_off_a_target():
    mapping = ControlMap(bindings=(bound("cut:hard"), bound("cut:soft"))).forget("cut:hard")
    assert mapping.bindings == (bound("cut:soft"),)


def test_a_learned_control_listens_to_its_own_device_while_that_is_there():
    mapping = ControlMap(bindings=(bound("parameter:dimmer", port="left"),))
    both = mapping.connected(PortsChanged(backend="x", ports=("left", "right")))
    assert both.moved(moved(0, port="right"), {})[1] == ()
    assert both.moved(moved(0, port="left"), {})[1] == (ParameterSet("dimmer", 0.0),)
    alone = mapping.connected(PortsChanged(backend="x", ports=("right",)))
    assert alone.moved(moved(0, port="right"), {})[1] == (ParameterSet("dimmer", 0.0),)


def test_one_control_may_drive_several_targets():
    mapping = ControlMap(bindings=(bound("parameter:dimmer"), bound("cut:hard")))
    assert len(mapping.moved(moved(127), {})[1]) == 2


def test_a_device_keeps_its_name_when_it_comes_back_with_other_numbers():
    assert (
        device_name("nanoKONTROL2:nanoKONTROL2 MIDI 1 20:0") == "nanoKONTROL2:nanoKONTROL2 MIDI 1"
    )
    assert device_name("knobs") == "knobs"


def test_frames_come_back_whole_however_they_are_cut():
    sent = [moved(1), PortsChanged(backend="x", ports=("a",)), moved(2)]
    stream, found, rest = b"".join(map(to_frame, sent)), [], b""
    for at in range(0, len(stream), 3):
        events, rest = from_frames(rest + stream[at : at + 3])
        found += events
    assert found == sent
    assert rest == b""
