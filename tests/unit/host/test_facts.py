"""What remotes are told: every row, the lamps of pads, and only what changed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.host.remote.facts import HELP, changed, facts
from engine.protocol.beat import BeatClock, BeatState
from engine.protocol.cues import CueState
from engine.protocol.messages import CutState, OutputState
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS
from engine.protocol.preview import Preview
from engine.protocol.values import Cut, Look, WeightedPrompt
from tests.fakes import engine_state

PADS = [PadSpec(name=name, look=Look(prompt=name.lower())) for name in ("Ink", "Fire", "Ice")]
tables = st.dictionaries(st.sampled_from(["/dimmer", "/cue", "/preset"]), st.integers(0, 3))


@given(tables, tables)
def test_what_changed_makes_the_new_table_of_the_old(before, now):
    assert all(
        before.get(key) != value for key, value in changed(before, now).items() if key in now
    )
    rebuilt = {**before, **changed(before, now)}
    assert {key: value for key, value in rebuilt.items() if key in now} == now


def test_every_row_has_its_fact_and_every_other_fact_its_help():
    told = facts(engine_state(), PADS)
    assert {f"/{row}" for row in PARAMETERS} <= told.keys()
    others = {key for key in told if key.split("/")[1] not in PARAMETERS and key[-1] not in "123"}
    assert not any(key.startswith("/preview/") and key.split("/")[2] in PARAMETERS for key in told)
    assert others == {key for key in HELP if "<" not in key}


def test_whole_rows_travel_as_whole_numbers():
    told = facts(engine_state(), [])
    assert isinstance(told["/freeze"], int)
    assert isinstance(told["/dimmer"], float)


def test_an_open_preview_tells_where_a_take_puts_each_row_and_a_closed_one_nothing():
    ready = Preview(is_open=True, name="Ink", prompt="ink", values={"saturation": 1.5})
    told = facts(engine_state(live={"saturation": 1.0, "steps": 3.0}), PADS, ready)
    assert (told["/preview/preset"], told["/preview/prompt"]) == ("Ink", "ink")
    assert (told["/saturation"], told["/preview/saturation"]) == (1.0, 1.5)
    assert told["/preview/steps"] == 3
    assert "/preview/dimmer" not in told
    closed = facts(engine_state(), PADS, replace(ready, is_open=False))
    assert (closed["/preview/open"], closed["/preview/preset"]) == (0, "")
    assert changed(told, closed)["/preview/open"] == 0
    assert "/preview/saturation" not in changed(told, closed)


def test_the_beat_tells_its_place_in_the_bar_and_what_a_cut_waits_for():
    clock = BeatClock(bpm=120.0, beat=32.0, at_s=100.0)
    beat = BeatState(clock=clock, link="alone", device="x", sound="no x", aim_beat=36.0)
    waits = engine_state(beat=beat, cut=CutState(pending=Cut.HARD))
    assert [facts(waits, [], None, s)["/beat/place"] for s in (100.0, 100.5, 101.9)] == [1, 2, 4]
    told = facts(waits, [])
    assert (told["/beat/aim"], told["/beat/link"]) == ("10.1", 1)
    assert (told["/sound"], told["/sound/heard"]) == ("x", "no x")
    assert facts(engine_state(), [])["/beat/place"] == 0


def test_lamps_tell_the_queued_pad_and_the_one_on_air():
    cut = CutState(pending=Cut.SOFT, pending_prompt="fire", pending_name="Fire")
    told = facts(engine_state(look_name="Ink", cut=cut), PADS)
    assert [told[f"/preset/{n}"] for n in (1, 2, 3)] == [2, 1, 0]
    assert told["/preset/queued"] == "Fire"
    assert told["/cut"] == "soft"


def test_an_edit_that_waits_is_told_beside_the_value_on_air():
    told = facts(engine_state(pending={"steps": 3.0}), [])
    assert (told["/steps"], told["/steps/queued"]) == (0, 3)


def test_cues_prompt_and_tally_are_told():
    mix = (WeightedPrompt(text="ink", weight=0.4), WeightedPrompt(text="fire", weight=0.6))
    output = OutputState(name="ndi", status="live", program_tally=True)
    cues = CueState(on_air="One", standby="Two", follow_in_s=2.2)
    told = facts(engine_state(prompt_now=mix, outputs=(output,), cues=cues), [])
    assert (told["/prompt"], told["/tally"]) == ("fire", 2)
    assert (told["/cue"], told["/cue/standby"], told["/cue/follow_in"]) == ("One", "Two", 3)
