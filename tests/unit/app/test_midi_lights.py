from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.midi_binding import MidiBinding, Mode
from app.core.midi_events import MidiKind
from app.core.midi_lights import (
    LightBoard,
    LightRow,
    Lights,
    Lit,
    Shown,
    filled,
    shown_on,
    template,
)
from app.core.midi_surface import Surface
from app.core.midi_tally import Stage, shown_of
from app.session_store import FIRST_SHOW
from engine.protocol.cues import CueState
from engine.protocol.messages import CutState, OutputState
from engine.protocol.show import Cue
from engine.protocol.show_file import load_show
from engine.protocol.values import Cut
from tests.fakes import engine_state

NOTE, CC = MidiKind.NOTE, MidiKind.CC
SHOW = load_show(FIRST_SHOW)
FIRST = SHOW.presets[0]
TEMPLATES = {
    Lit.DARK: template(["90 n 00"]), Lit.IDLE: template(["90 n 01"]),
    Lit.QUEUED: template(["90 n 02"]), Lit.ACTIVE: template(["90 n 7f"]),
}  # fmt: skip


def row(blinks=True, **more):
    return LightRow(
        listens=NOTE, channel=1, numbers=(1, 2, 3), templates=TEMPLATES, blinks=blinks, **more
    )


def board(**more):
    return LightBoard(lights=Lights(rows=(row(**more),)))


def bound(target, kind=NOTE, number=1, **more):
    return MidiBinding(kind=kind, channel=1, number=number, target=target, port="p", **more)


def stage(**state):
    values = state.pop("values", {})
    return Stage(show=SHOW, state=engine_state(**state), values=values)


def lit(target, **state):
    return shown_of(bound(target, mode=Mode.TOGGLE), stage(**state)).lit


def test_only_what_changed_is_sent():
    one = {(NOTE, 1, 2): Shown(Lit.ACTIVE)}
    after, first = board().show(one, is_blink_on=True)
    assert first == (b"\x90\x01\x00", b"\x90\x02\x7f", b"\x90\x03\x00")
    after, nothing = after.show(one, is_blink_on=False)
    assert nothing == ()
    _, back = after.show({}, is_blink_on=True)
    assert back == (b"\x90\x02\x00",)


@given(
    st.lists(
        st.dictionaries(st.integers(1, 3), st.sampled_from(Lit), max_size=3), min_size=1, max_size=8
    )
)
def test_the_device_always_ends_up_showing_what_is_wanted(pictures):
    lights, now = board(), {}
    for picture in pictures:
        shown = {(NOTE, 1, number): Shown(state) for number, state in picture.items()}
        lights, sent = lights.show(shown, is_blink_on=True)
        now |= {message[1]: message[2] for message in sent}
    wanted = lights.lights.wanted(
        {(NOTE, 1, number): Shown(state) for number, state in pictures[-1].items()}, True
    )
    assert now == {key[2]: messages[0][2] for key, messages in wanted.items()}


def test_a_device_that_cannot_blink_is_blinked():
    shown = Shown(Lit.QUEUED)
    assert row(blinks=False).messages(1, shown, is_blink_on=True) == (b"\x90\x01\x7f",)
    assert row(blinks=False).messages(1, shown, is_blink_on=False) == (b"\x90\x01\x00",)
    assert row().messages(1, shown, is_blink_on=False) == (b"\x90\x01\x02",)


def test_without_a_light_for_the_air_it_is_lit_as_active():
    assert row().messages(1, Shown(Lit.AIR), is_blink_on=True) == (b"\x90\x01\x7f",)


def test_templates_take_number_position_and_colour():
    texts = ["b0 n v", "f0 n r g b f7"]
    first, second = filled(template(texts), 7, Shown(Lit.IDLE, norm=0.5, colour="#ff8000"))
    assert first == bytes([0xB0, 7, 64])
    assert second == bytes([0xF0, 7, 127, 64, 0, 0xF7])


@pytest.mark.parametrize("text", ["", "90 x 00", "9 n 00", "10 n 00", "900 n 00"])
def test_a_template_that_is_no_message_is_refused(text):
    with pytest.raises(ValueError, match=r"message|byte"):
        template([text])


def test_of_several_bindings_on_a_control_the_liveliest_is_shown():
    one, other = bound("pad:1"), bound("cut:hard")
    shown = {one: Shown(Lit.ACTIVE), other: Shown(Lit.IDLE)}
    assert shown_on((one, other), shown) == {(NOTE, 1, 1): Shown(Lit.ACTIVE)}


def test_a_pad_is_idle_queued_active_and_on_the_air():
    assert lit("pad:1") is Lit.IDLE
    cut = CutState(pending=Cut.HARD, pending_prompt=FIRST.prompt)
    assert lit("pad:1", cut=cut) is Lit.QUEUED
    assert lit("pad:1", look_name=FIRST.name) is Lit.ACTIVE
    ndi = OutputState(name="ndi", status="live", program_tally=True)
    assert lit("pad:1", look_name=FIRST.name, outputs=(ndi,)) is Lit.AIR
    assert lit(f"preset:{FIRST.name}", look_name=FIRST.name) is Lit.ACTIVE
    assert lit("pad:999") is Lit.DARK
    assert shown_of(bound("pad:1"), stage()).colour == FIRST.colour


def test_a_cue_is_idle_queued_and_active_and_go_blinks_while_one_waits():
    show = replace(SHOW, cues=(Cue(name="One", preset=FIRST.name),))

    def cue_lit(target, **cues):
        state = engine_state(cues=CueState(names=("One",), **cues))
        return shown_of(bound(target), Stage(show=show, state=state)).lit

    assert cue_lit("cue:1") is Lit.IDLE
    assert cue_lit("cue:1", queued="One") is Lit.QUEUED
    assert cue_lit("action:go", queued="One") is Lit.QUEUED
    assert cue_lit("cue:1", on_air="One") is Lit.ACTIVE
    assert cue_lit("cue:2") is Lit.DARK


def test_a_cut_blinks_while_it_waits():
    cut = CutState(pending=Cut.SOFT)
    assert lit("cut:soft", cut=cut) is Lit.QUEUED
    assert lit("cut:hard", cut=cut) is Lit.IDLE
    assert lit("cut:cancel", cut=cut) is Lit.QUEUED
    assert lit("cut:soft", cut=CutState(soft_chunks=4)) is Lit.ACTIVE


def test_cancel_blinks_while_rows_of_a_cue_wait_for_the_beat():
    assert lit("cut:cancel", cues=CueState(names=("One",), queued="One")) is Lit.QUEUED
    assert lit("cut:cancel", cues=CueState(names=("One",), on_air="One")) is Lit.IDLE


def test_a_switch_is_queued_until_it_is_live_and_a_ring_shows_where_it_goes():
    assert lit("parameter:freeze", values={"freeze": 1.0}) is Lit.QUEUED
    assert lit("parameter:freeze", values={"freeze": 1.0}, live={"freeze": 1.0}) is Lit.ACTIVE
    knob = bound("parameter:dimmer", kind=CC)
    assert shown_of(knob, stage(values={"dimmer": 0.25})).norm == 0.25


def test_radio_buttons_light_the_one_that_is_set():
    radio = [bound("parameter:control_kind", mode=Mode.RADIO, value=float(n)) for n in (0, 1)]
    here = stage(values={"control_kind": 1.0}, live={"control_kind": 1.0})
    assert [shown_of(one, here).lit for one in radio] == [Lit.IDLE, Lit.ACTIVE]


def test_page_and_shift_lights_say_where_we_are():
    here = Stage(show=SHOW, surface=Surface(pages={"p": 2}))
    assert shown_of(bound("midi:page:2"), here).lit is Lit.ACTIVE
    assert shown_of(bound("midi:page:1"), here).lit is Lit.IDLE
    held = Stage(show=SHOW, surface=Surface(shifts=frozenset({bound("pad:1").control})))
    assert shown_of(bound("midi:shift"), held).lit is Lit.ACTIVE
