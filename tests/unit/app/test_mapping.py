from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ghosts import ghosts
from app.core.mapping import ControlMap
from app.core.midi_act import (
    ParameterSet,
    Pressed,
)
from app.core.midi_binding import MidiBinding, Mode, Press, is_target, of_show
from app.core.midi_events import (
    ControlMoved,
    MidiKind,
    PortsChanged,
    SendMidi,
    commands_from_frames,
    device_name,
    from_frames,
    to_frame,
)
from app.core.midi_surface import LONG_S
from app.core.pickup import Takeover
from engine.protocol.parameters import CONTROL_KINDS, parameter
from engine.protocol.show import Binding, ControlKind, FieldError

CC, NOTE, CC14, NRPN = MidiKind.CC, MidiKind.NOTE, MidiKind.CC14, MidiKind.NRPN


def moved(value, kind=CC, number=7, port="knobs", passed=()):
    return ControlMoved(port=port, kind=kind, channel=1, number=number, value=value, passed=passed)


def bound(target, kind=CC, number=7, port="knobs", **more):
    more.setdefault("takeover", Takeover.JUMP)
    return MidiBinding(kind=kind, channel=1, number=number, target=target, port=port, **more)


class Player:
    """A map, and parameters that go where it puts them. A second passes between two events."""

    def __init__(self, *bindings, **values):
        self.map = ControlMap(bindings=bindings, ports=("knobs",))
        self.values = values
        self.now_s = 0.0

    def play(self, *events, gap_s=1.0):
        found = []
        for event in events:
            self.now_s += gap_s
            self.map, intents = self.map.moved(event, self.values, self.now_s)
            found += self._took(intents)
        return found

    def hold(self, seconds):
        self.now_s += seconds
        self.map, intents = self.map.ripen(self.values, self.now_s)
        return self._took(intents)

    def _took(self, intents):
        for intent in intents:
            if isinstance(intent, ParameterSet):
                self.values[intent.parameter_id] = intent.value
        return list(intents)


# ------------------------------------------------------------ knobs


def test_a_knob_travels_the_whole_range_of_its_parameter():
    found = Player(bound("parameter:saturation")).play(moved(0), moved(127))
    assert found == [ParameterSet("saturation", 0.0), ParameterSet("saturation", 2.0)]


def test_fine_knobs_have_sixteen_thousand_places():
    for kind in (CC14, NRPN):
        player = Player(bound("parameter:dimmer", kind=kind))
        (first,) = player.play(moved(8000, kind))
        (second,) = player.play(moved(8001, kind))
        assert 0 < second.value - first.value < 1e-4


def test_a_knob_that_waits_is_a_ghost_with_the_way_to_go_and_gone_when_it_holds():
    player = Player(bound("parameter:dimmer", takeover=Takeover.PICKUP), dimmer=0.5)
    assert player.play(moved(10)) == []
    ghost = ghosts(player.map, player.values)["dimmer"]
    assert (ghost.norm, ghost.way) == (10 / 127, 1)
    assert player.play(moved(100)) == [ParameterSet("dimmer", pytest.approx(100 / 127))]
    assert ghosts(player.map, player.values)["dimmer"].way == 0
    assert ghosts(player.map, {"dimmer": 0.1})["dimmer"].way == -1


def test_what_was_thinned_out_still_counts_for_pickup():
    player = Player(bound("parameter:dimmer", takeover=Takeover.PICKUP), dimmer=0.5)
    found = player.play(moved(20, passed=(10, 64)))
    assert found == [ParameterSet("dimmer", pytest.approx(20 / 127))]


@given(st.lists(st.integers(0, 127), min_size=1, max_size=30))
def test_a_knob_that_jumps_ends_on_its_last_value(levels):
    player = Player(bound("parameter:dimmer"))
    player.play(*map(moved, levels))
    assert player.values["dimmer"] == pytest.approx(levels[-1] / 127)


# ------------------------------------------------------------ encoders


def test_an_encoder_steps_through_a_list_one_item_a_click():
    player = Player(bound("parameter:control_kind", mode=Mode.TWOS), control_kind=0.0)
    assert player.play(moved(1)) == [ParameterSet("control_kind", 1.0)]
    assert player.play(moved(127)) == [ParameterSet("control_kind", 0.0)]


def test_no_step_of_an_encoder_is_lost_when_a_stream_is_thinned_out():
    thin = Player(bound("parameter:dimmer", mode=Mode.OFFSET, acceleration=0), dimmer=0.25)
    thick = Player(bound("parameter:dimmer", mode=Mode.OFFSET, acceleration=0), dimmer=0.25)
    thin.play(moved(65, passed=(65, 66, 65)))
    thick.play(moved(65), moved(66), moved(65), moved(65))
    assert thin.values["dimmer"] == pytest.approx(thick.values["dimmer"])
    assert thin.values["dimmer"] == pytest.approx(0.25 + 5 / 128)


def test_fast_turning_goes_further_and_shift_makes_it_fine():
    encoder = bound("parameter:dimmer", mode=Mode.SIGN, acceleration=1)
    shift = bound("midi:shift", kind=NOTE, number=1, mode=Mode.MOMENTARY)
    slow, fast, fine = (Player(encoder, shift, dimmer=0.2) for _ in range(3))
    slow.play(*[moved(1)] * 8)
    fast.play(*[moved(1)] * 8, gap_s=0.01)
    fine.play(moved(127, NOTE, number=1), *[moved(1)] * 8)
    assert fine.values["dimmer"] < slow.values["dimmer"] < fast.values["dimmer"]


@given(st.lists(st.integers(0, 127), max_size=40), st.sampled_from([Mode.TWOS, Mode.SIGN]))
def test_an_encoder_never_leaves_the_range(levels, mode):
    player = Player(bound("parameter:steps", mode=mode), steps=0.0)
    row = parameter("steps")
    for intent in player.play(*map(moved, levels), gap_s=0.01):
        assert row.low <= intent.value <= row.high
        assert intent.value == round(intent.value)


# ------------------------------------------------------------ buttons


def test_a_toggle_flips_a_switch_at_each_press_and_a_momentary_one_only_while_it_is_held():
    press, release = moved(100, NOTE), moved(0, NOTE)
    toggle = Player(bound("parameter:freeze", NOTE, mode=Mode.TOGGLE), freeze=0.0)
    assert [i.value for i in toggle.play(press, release, press, release)] == [1.0, 0.0]
    held = Player(bound("parameter:freeze", NOTE, mode=Mode.MOMENTARY), freeze=0.0)
    assert [i.value for i in held.play(press, release)] == [1.0, 0.0]


def test_a_momentary_value_goes_back_to_what_was_there():
    binding = bound("parameter:saturation", NOTE, mode=Mode.MOMENTARY, value=0.5)
    player = Player(binding, saturation=1.7)
    assert [i.value for i in player.play(moved(9, NOTE), moved(0, NOTE))] == [0.5, 1.7]


def test_a_button_that_stays_is_followed_and_on_a_pad_both_its_edges_are_presses():
    follow = Player(bound("parameter:black", mode=Mode.FOLLOW), black=0.0)
    assert [i.value for i in follow.play(moved(127), moved(0))] == [1.0, 0.0]
    pad = Player(bound("pad:3", mode=Mode.FOLLOW))
    assert pad.play(moved(127), moved(0)) == [Pressed("pad:3"), Pressed("pad:3")]


def test_radio_buttons_each_set_their_own_value():
    row = parameter("control_kind")
    buttons = [
        bound("parameter:control_kind", NOTE, number=n, mode=Mode.RADIO, value=float(n))
        for n in range(3)
    ]
    player = Player(*buttons, control_kind=0.0)
    found = player.play(
        moved(1, NOTE, number=2), moved(0, NOTE, number=2), moved(1, NOTE, number=1)
    )
    assert [row.text(intent.value) for intent in found] == [row.choices[2], row.choices[1]]


def test_a_pad_walks_through_choices_and_velocity_is_a_value():
    walk = Player(
        bound("parameter:control_kind", NOTE, mode=Mode.TRIGGER),
        control_kind=len(CONTROL_KINDS) - 1.0,
    )
    assert walk.play(moved(9, NOTE)) == [ParameterSet("control_kind", 0.0)]
    hit = Player(bound("parameter:dimmer", NOTE, mode=Mode.VELOCITY))
    assert hit.play(moved(127, NOTE), moved(0, NOTE)) == [ParameterSet("dimmer", 1.0)]


def test_every_kind_of_target_is_pressed_once_and_a_release_does_nothing():
    for target, intent in (
        ("preset:Embers", Pressed("preset:Embers")), ("pad:2", Pressed("pad:2")),
        ("cue:4", Pressed("cue:4")), ("cut:soft", Pressed("cut:soft")),
        ("action:record", Pressed("action:record")), ("midi:panic", Pressed("midi:panic")),
    ):  # fmt: skip
        player = Player(bound(target, NOTE, mode=Mode.TRIGGER))
        assert player.play(moved(1, NOTE), moved(0, NOTE)) == [intent]


def test_a_cc_button_cuts_when_it_rises_through_the_middle_and_not_while_it_stays():
    player = Player(bound("cut:soft"))
    found = player.play(*[moved(value) for value in (0, 127, 127, 0, 127)])
    assert found == [Pressed("cut:soft")] * 2


def test_a_long_press_is_told_while_it_is_held_and_a_short_one_when_it_is_let_go():
    short = bound("pad:1", NOTE, mode=Mode.TRIGGER)
    long = bound("cut:hard", NOTE, mode=Mode.TRIGGER, press=Press.LONG)
    player = Player(short, long)
    assert player.play(moved(9, NOTE)) == []
    assert player.play(moved(0, NOTE), gap_s=LONG_S / 2) == [Pressed("pad:1")]
    assert player.play(moved(9, NOTE)) == []
    assert player.hold(LONG_S / 2) == []
    assert player.hold(LONG_S) == [Pressed("cut:hard")]
    assert player.hold(LONG_S) == []
    assert player.play(moved(0, NOTE)) == []


# ------------------------------------------------------------ shift, pages, programs


def test_shift_wins_where_it_is_bound_and_elsewhere_nothing_changes():
    player = Player(
        bound("midi:shift", NOTE, number=1, mode=Mode.MOMENTARY),
        bound("pad:1", NOTE, mode=Mode.TRIGGER),
        bound("pad:9", NOTE, mode=Mode.TRIGGER, shift=True),
        bound("pad:2", NOTE, number=8, mode=Mode.TRIGGER),
    )  # fmt: skip
    press = [moved(9, NOTE), moved(0, NOTE), moved(9, NOTE, number=8), moved(0, NOTE, number=8)]
    assert player.play(*press) == [Pressed("pad:1"), Pressed("pad:2")]
    player.play(moved(1, NOTE, number=1))
    assert player.play(*press) == [Pressed("pad:9"), Pressed("pad:2")]
    player.play(moved(0, NOTE, number=1))
    assert player.play(*press) == [Pressed("pad:1"), Pressed("pad:2")]


def test_pages_change_what_controls_do_and_a_knob_has_to_be_picked_up_there():
    player = Player(
        bound("midi:page:next", NOTE, number=1, mode=Mode.TRIGGER),
        bound("midi:page:1", NOTE, number=2, mode=Mode.TRIGGER),
        bound("parameter:dimmer", page=1, takeover=Takeover.PICKUP),
        bound("parameter:saturation", page=2, takeover=Takeover.PICKUP),
        dimmer=0.5, saturation=2.0,
    )  # fmt: skip
    assert player.play(moved(64))[0].parameter_id == "dimmer"
    player.play(moved(9, NOTE, number=1))
    assert player.map.surface.page("knobs") == 2
    assert player.play(moved(20)) == []
    assert player.play(moved(126))[0].parameter_id == "saturation"
    player.play(moved(9, NOTE, number=2))
    assert player.play(moved(125)) == []


def test_a_button_that_was_pressed_on_one_page_is_let_go_on_another():
    player = Player(
        bound("parameter:freeze", NOTE, page=1, mode=Mode.MOMENTARY),
        bound("midi:page:2", NOTE, number=2, mode=Mode.TRIGGER), freeze=0.0,
    )  # fmt: skip
    player.play(moved(9, NOTE), moved(9, NOTE, number=2), moved(0, NOTE))
    assert player.values["freeze"] == 0.0


def test_programs_are_pads_or_cues_unless_they_are_bound():
    program = moved(127, MidiKind.PROGRAM, number=4)
    player = Player()
    assert player.play(program, program) == [Pressed("pad:5"), Pressed("pad:5")]
    player.map = replace(player.map, programs={"knobs": "cue"})
    assert player.play(program) == [Pressed("cue:5")]
    bound_one = Player(bound("cut:hard", MidiKind.PROGRAM, number=4, mode=Mode.TRIGGER))
    assert bound_one.play(program, program) == [Pressed("cut:hard")] * 2


# ------------------------------------------------------------ several devices, panic


def test_other_controls_channels_and_kinds_do_nothing():
    player = Player(bound("cut:hard"))
    other = ControlMoved(port="knobs", kind=CC, channel=2, number=7, value=127)
    assert player.play(moved(127, number=8), moved(127, NOTE), other) == []
    assert player.play(moved(127, port="others")) == []


def test_one_control_may_drive_several_targets_and_several_controls_one():
    player = Player(bound("parameter:dimmer"), bound("cut:hard"), bound("cut:hard", number=8))
    assert len(player.play(moved(127))) == 2
    assert player.play(moved(127, number=8)) == [Pressed("cut:hard")]


def test_what_a_device_held_is_let_go_when_it_is_unplugged():
    player = Player(bound("parameter:freeze", NOTE, mode=Mode.MOMENTARY), freeze=0.0)
    player.play(moved(9, NOTE))
    after, intents = player.map.connected(PortsChanged())
    assert intents == (ParameterSet("freeze", 0.0),)
    assert after.surface.held == {}


def test_panic_lets_go_what_is_held_and_goes_back_to_the_first_page():
    player = Player(
        bound("parameter:freeze", NOTE, mode=Mode.MOMENTARY),
        bound("midi:shift", NOTE, number=1, mode=Mode.MOMENTARY),
        bound("midi:page:next", NOTE, number=2, mode=Mode.TRIGGER), freeze=0.0,
    )  # fmt: skip
    player.play(moved(9, NOTE), moved(9, NOTE, number=1), moved(9, NOTE, number=2))
    calm, intents = player.map.panic()
    assert intents == (ParameterSet("freeze", 0.0),)
    assert not calm.surface.is_shifted
    assert calm.surface.page("knobs") == 1


@given(
    st.lists(
        st.tuples(st.sampled_from([NOTE, CC]), st.integers(0, 3), st.integers(0, 127)), max_size=50
    )
)
def test_whatever_is_played_nothing_stays_held_that_was_let_go(moves):
    player = Player(
        *(bound("parameter:freeze", NOTE, number=n, mode=Mode.MOMENTARY) for n in range(2)),
        bound("midi:shift", NOTE, number=2, mode=Mode.MOMENTARY),
        bound("pad:1", NOTE, number=3, mode=Mode.TRIGGER, press=Press.LONG),
        bound("parameter:dimmer", number=0, takeover=Takeover.SCALE), freeze=0.0,
    )  # fmt: skip
    player.play(*(moved(value, kind, number) for kind, number, value in moves))
    player.play(*(moved(0, NOTE, number) for number in range(4)))
    assert player.map.surface.held == {}
    assert not player.map.surface.is_shifted


# ------------------------------------------------------------ the show's own, names, frames


def test_a_shows_binding_listens_to_its_own_device_while_that_is_there_and_speaks_louder():
    old = Binding(kind=ControlKind.CC, channel=1, number=7, target="cut:hard", port="left")
    own = bound("cut:soft", port="right", mode=Mode.TRIGGER)
    mapping = ControlMap(bindings=(of_show(old), own))
    both, _ = mapping.connected(PortsChanged(backend="x", ports=("left", "right")))
    assert both.moved(moved(127, port="right"), {}, 0.0)[1] == (Pressed("cut:soft"),)
    assert both.moved(moved(127, port="left"), {}, 0.0)[1] == (Pressed("cut:hard"),)
    alone, _ = mapping.connected(PortsChanged(backend="x", ports=("right",)))
    assert alone.moved(moved(127, port="right"), {}, 0.0)[1] == (Pressed("cut:hard"),)


def test_a_shows_knob_on_a_switch_follows_it():
    old = Binding(kind=ControlKind.CC, channel=1, number=7, target="parameter:freeze")
    player = Player(of_show(old), freeze=0.0)
    assert [i.value for i in player.play(moved(127), moved(0))] == [1.0, 0.0]


@pytest.mark.parametrize(
    "target",
    ["", "parameter:nothing", "pad:0", "layout:0", "action:layout", "cut:maybe", "midi:page:17"],
)
def test_a_target_that_is_none_is_refused(target):
    assert not is_target(target)
    with pytest.raises(FieldError, match="expected parameter:<id>"):
        bound(target)


def test_a_device_keeps_its_name_when_it_comes_back_with_other_numbers():
    assert (
        device_name("nanoKONTROL2:nanoKONTROL2 MIDI 1 20:0") == "nanoKONTROL2:nanoKONTROL2 MIDI 1"
    )
    assert device_name("knobs") == "knobs"


def test_frames_come_back_whole_however_they_are_cut():
    sent = [moved(1), PortsChanged(backend="x", ports=("a",)), moved(2, passed=(3,))]
    stream, found, rest = b"".join(map(to_frame, sent)), [], b""
    for at in range(0, len(stream), 3):
        events, rest = from_frames(rest + stream[at : at + 3])
        found += events
    assert found == sent
    assert rest == b""
    order = SendMidi(port="a", messages=(b"\x90\x01\x02",))
    assert commands_from_frames(to_frame(order)) == ([order], b"")
