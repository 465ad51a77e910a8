"""What remotes are told: every row, the lamps of pads, and only what changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.host.remote.facts import HELP, changed, facts
from engine.protocol.cues import CueState
from engine.protocol.messages import CutState, OutputState
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS
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
    assert others == {key for key in HELP if "<" not in key}


def test_whole_rows_travel_as_whole_numbers():
    told = facts(engine_state(), [])
    assert isinstance(told["/freeze"], int)
    assert isinstance(told["/dimmer"], float)


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
