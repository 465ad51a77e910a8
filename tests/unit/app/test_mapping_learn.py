"""Learning what a control means, and taking it back."""

import pytest

from app.core.mapping import ControlMap
from app.core.midi_act import ParameterSet
from app.core.midi_binding import MidiBinding, Mode, of_show
from app.core.midi_events import ControlMoved, MidiKind
from engine.protocol.show import Binding, ControlKind

CC, NOTE, CC14, NRPN = MidiKind.CC, MidiKind.NOTE, MidiKind.CC14, MidiKind.NRPN


def moved(value, kind=CC, number=7):
    return ControlMoved(port="knobs", kind=kind, channel=1, number=number, value=value)


def bound(target, kind=CC, number=7, port="knobs", **more):
    return MidiBinding(kind=kind, channel=1, number=number, target=target, port=port, **more)


def test_learning_takes_the_next_control_and_does_nothing_else_with_it():
    mapping, found = ControlMap().learn("parameter:dimmer").moved(moved(90), {}, 0.0)
    assert found == ()
    assert [(b.target, b.port, b.number) for b in mapping.bindings] == [
        ("parameter:dimmer", "knobs", 7)
    ]
    assert mapping.learning == ""
    assert mapping.controls_of("parameter:dimmer") == "CC 7"


def learned(target, *events, bindings=()):
    mapping = ControlMap(bindings=bindings, ports=("knobs",)).learn(target)
    for event in events:
        mapping, found = mapping.moved(event, {}, 0.0)
        assert found == ()
    return mapping.settled()


def test_what_is_learned_is_refined_while_the_control_goes_on_moving():
    (encoder,) = learned("parameter:dimmer", moved(1), moved(1), moved(127)).bindings
    assert encoder.mode is Mode.TWOS
    pair = learned("parameter:dimmer", moved(5), moved(9, number=39))
    assert [(b.kind, b.number) for b in pair.bindings] == [(CC14, 7)]
    assert pair.finding.text == "CC 7+39 · fine knob, 14 bit"
    address = (moved(1, number=99), moved(2, number=98), moved(700, NRPN, number=130))
    assert [b.kind for b in learned("parameter:dimmer", *address).bindings] == [NRPN]
    (button,) = learned("parameter:freeze", moved(90, NOTE), moved(0, NOTE)).bindings
    assert button.mode is Mode.TOGGLE


def test_after_it_settled_the_control_drives():
    mapping = learned("parameter:dimmer", moved(60))
    _, found = mapping.moved(moved(64), {"dimmer": 0.5}, 1.0)
    assert found == (ParameterSet("dimmer", pytest.approx(64 / 127)),)


def test_learning_ignores_the_release_of_a_pad_and_takes_its_next_press():
    mapping, _ = ControlMap().learn("cut:hard").moved(moved(0, NOTE, number=36), {}, 0.0)
    assert mapping.learning == "cut:hard"
    mapping, _ = mapping.moved(moved(80, NOTE, number=36), {}, 0.0)
    assert mapping.controls_of("cut:hard") == "N 36"


def test_learning_a_target_again_replaces_its_control_and_leaves_the_others():
    old = (bound("cut:hard"), bound("cut:soft"), bound("cut:hard", port="other"))
    mapping = learned("cut:hard", moved(1, number=20), bindings=old)
    kept = {(b.target, b.port, b.number) for b in mapping.bindings}
    assert kept == {("cut:soft", "knobs", 7), ("cut:hard", "knobs", 20), ("cut:hard", "other", 7)}


def test_learning_takes_a_control_away_from_what_it_did_ex_factory():
    factory = bound("pad:5", NOTE, is_factory=True)
    mapping = learned("cut:hard", moved(9, NOTE), moved(0, NOTE), bindings=(factory,))
    assert [b.target for b in mapping.bindings] == ["cut:hard"]
    own = bound("pad:5", NOTE)
    both = learned("cut:hard", moved(9, NOTE), moved(0, NOTE), bindings=(own,))
    assert len(both.bindings) == 2


def test_learning_takes_a_control_away_from_what_the_show_did_with_it():
    old = Binding(kind=ControlKind.CC, channel=1, number=7, target="cut:hard")
    mapping = learned("parameter:dimmer", moved(60), bindings=(of_show(old),))
    assert [b.target for b in mapping.bindings] == ["parameter:dimmer"]


def test_what_else_a_control_drives_is_known():
    own = bound("pad:5", NOTE)
    mapping = learned("cut:hard", moved(9, NOTE), moved(0, NOTE), bindings=(own,))
    assert mapping.also_driven(mapping.bindings[-1]) == (own,)
    assert mapping.also_driven(own) == (mapping.bindings[-1],)


def test_forgetting_takes_all_controls_off_a_target_and_removing_one():
    mapping = ControlMap(bindings=(bound("cut:hard"), bound("cut:soft")))
    assert mapping.forget("cut:hard").bindings == (bound("cut:soft"),)
    assert mapping.without(bound("cut:soft")).bindings == (bound("cut:hard"),)
