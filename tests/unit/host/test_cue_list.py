"""Cues against boundaries: what is on air, queued and standing by, whatever hands do."""

import pytest
from hypothesis import given, settings

from engine.errors import ConfigError, LocalProtocolError
from engine.host import cue_list as lists
from engine.host import fades as travel
from engine.host.cue_list import BOUNCE_S, CueList
from engine.protocol.beat_commands import SetQuantum
from engine.protocol.messages import (
    Back,
    CancelCut,
    CueLanded,
    Go,
    HardCut,
    LoadCues,
    SetParameters,
    StandBy,
)
from engine.protocol.parameters import defaults
from engine.protocol.values import Cut, Look
from tests.cue_night import NIGHT, Night, cue, hands, names


def a_list(*cues):
    return lists.loaded(CueList(), "night", cues)


ABC = (cue("a"), cue("b", follow_s=10.0), cue("c"))


def on_air(name, now_s=0.0, cues=ABC):
    fired, _ = lists.go(lists.stood_by(a_list(*cues), name), now_s - 1)
    return lists.crossed(fired, now_s)


def test_go_fires_what_stands_by_and_the_next_stands_by():
    fired, spec = lists.go(a_list(*ABC), 0.0)
    assert (spec.name, fired.queued, fired.on_air, fired.standby) == ("a", "a", "", "b")
    landed = lists.crossed(fired, 1.0)
    assert (landed.queued, landed.on_air, landed.standby) == ("", "a", "b")


def test_back_takes_back_a_go_that_has_not_landed():
    fired, _ = lists.go(on_air("a"), 5.0)
    back, spec = lists.went_back(fired, 5.1)
    assert spec is None
    assert (back.on_air, back.queued, back.standby) == ("a", "", "b")


def test_back_from_a_cue_on_air_cuts_to_the_one_before_and_lets_it_stand_by_again():
    back, spec = lists.went_back(on_air("b"), 5.0)
    assert (spec.name, back.queued, back.standby) == ("a", "a", "b")


def test_back_to_a_cue_of_parameters_brings_its_picture_back():
    cues = (
        cue("sea", parameters={"saturation": 1.0, "control_amount": 0.1}, cut=Cut.SOFT),
        cue("pale", cut=Cut.NONE, parameters={"saturation": 0.2}, fade_s=3.0),
        cue("fire"),
    )
    _, spec = lists.went_back(on_air("fire", cues=cues), 5.0)
    assert (spec.name, spec.cut, spec.look.prompt) == ("pale", Cut.SOFT, "sea prompt")
    assert spec.look.parameters == {"saturation": 0.2, "control_amount": 0.1}


def test_go_at_the_end_and_back_at_the_beginning_are_refused_with_a_remedy():
    with pytest.raises(LocalProtocolError, match="at its end; choose a cue"):
        lists.go(on_air("c"), 5.0)
    with pytest.raises(LocalProtocolError, match="no cue comes before"):
        lists.went_back(on_air("a"), 5.0)
    with pytest.raises(LocalProtocolError, match="no cues; make one"):
        lists.go(a_list(), 5.0)


def test_a_bouncing_go_is_one_go():
    fired, _ = lists.go(a_list(*ABC), 1.0)
    with pytest.raises(LocalProtocolError, match="press again"):
        lists.go(fired, 1.0 + BOUNCE_S / 2)
    assert lists.go(fired, 1.0 + BOUNCE_S)[1].name == "b"


def test_a_follow_on_is_due_once_after_its_time_on_air():
    cues = on_air("b", 100.0)
    cues, early = lists.ticked(cues, 109.9, is_panic=False)
    cues, due = lists.ticked(cues, 110.0, is_panic=False)
    _, again = lists.ticked(cues, 120.0, is_panic=False)
    assert (early, due, again) == (False, True, False)


def test_panic_and_hold_stop_the_countdown_and_the_rest_is_counted_afterwards():
    cues = on_air("b", 0.0)
    cues, _ = lists.ticked(cues, 4.0, is_panic=False)
    cues, _ = lists.ticked(cues, 50.0, is_panic=True)
    cues, _ = lists.ticked(lists.held(cues, True), 90.0, is_panic=False)
    cues, early = lists.ticked(lists.held(cues, False), 95.9, is_panic=False)
    assert not early
    assert lists.ticked(cues, 96.0, is_panic=False)[1]


def test_a_cut_by_hand_that_landed_ends_the_cue_and_its_follow_on():
    cues = lists.crossed(on_air("b"), 3.0)
    assert (cues.on_air, cues.left_s, cues.standby) == ("", None, "c")


def test_an_edited_list_keeps_what_is_on_air_what_stands_by_and_the_countdown():
    cues, _ = lists.ticked(on_air("b"), 4.0, is_panic=False)
    edited = lists.loaded(cues, "night", (cue("new"), ABC[1], cue("more"), ABC[2]))
    assert (edited.on_air, edited.standby, edited.left_s) == ("b", "c", 6.0)
    without_c = lists.loaded(cues, "night", (ABC[1], cue("more")))
    assert without_c.standby == "more"
    longer = lists.loaded(cues, "night", (cue("b", follow_s=60.0), ABC[2]))
    assert longer.left_s == 60.0


@pytest.mark.parametrize(
    ("cues", "said"),
    [
        ((cue("a"), cue("a")), r"\['a'\], expected every name once"),
        ((cue("a", num_chunks=0),), "num_chunks is 0"),
        ((cue("a", follow_s=float("nan")),), "follow_s is nan"),
        ((cue("a", parameters={"nope": 1.0}),), "'nope' does not exist"),
    ],
)
def test_a_list_that_cannot_be_is_refused_and_the_old_one_stays(cues, said):
    before = on_air("a")
    with pytest.raises(ConfigError, match=said):
        lists.loaded(before, "night", cues)
    assert before.on_air == "a"


# ---------------------------------------------------------------- fades


def test_a_fade_begins_where_it_is_ends_exactly_and_frame_rows_wait_for_their_picture():
    target = {"saturation": 2.0, "control_amount": 0.0}
    fades = travel.begun({}, defaults(), target, 10.0, 4.0, delay_s=1.0)
    fades, values = travel.sampled(fades, 10.5)
    assert values == {"control_amount": 1.0 - 0.125}
    fades, values = travel.sampled(fades, 13.0)
    assert values["saturation"] == 1.5
    fades, values = travel.sampled(fades, 99.0)
    assert (fades, values) == ({}, target)


def test_choices_and_whole_numbers_do_not_fade():
    moving, rest = travel.split({"steps": 4.0, "saturation": 0.5, "control_kind": 2.0})
    assert (moving, set(rest)) == ({"saturation": 0.5}, {"steps", "control_kind"})


# ---------------------------------------------------------------- the player on a real score


def check_invariants(night):
    cues, score = night.cues, night.stage.score
    assert {cues.on_air, cues.queued, cues.standby} <= {"", *cues.names}
    if cues.queued:  # what the list calls queued is what the score waits with, or rows for the beat
        if night.player._move is None:
            assert score.pending is not None
            assert score.pending.look.name in {one.name for one in NIGHT}
            assert score.pending.look.prompt != "by hand"
    else:
        assert night.player._move is None
    if cues.follow_in_s is not None:
        assert cues.on_air
    assert night.stage.standby_prompt == (f"{cues.standby} prompt" if cues.standby else "")


@given(hands)
@settings(max_examples=150, deadline=None)
def test_cue_list_and_score_agree_whatever_hands_and_boundaries_do(events):
    night = Night(NIGHT)
    for event in events:
        before, score = night.cues, night.stage.score
        taken = night.do(event)
        if not taken:
            assert (night.cues, night.stage.score) == (before, score)
        check_invariants(night)
    assert night.stage.notices == []


@given(hands, names)
@settings(max_examples=60, deadline=None)
def test_a_go_lands_at_the_next_boundary_with_its_whole_look(events, name):
    night = Night(NIGHT)
    for event in (*events, None):  # a cut by hand that waits would land after a cue without a cut
        night.do(event)
    night.do(LoadCues(cues=NIGHT))
    night.do(SetQuantum(quantum_beats=0.0))
    night.do(StandBy(cue=name))
    night.now_s += 1.0
    assert night.do(Go())
    night.do(None)
    spec = next(one for one in NIGHT if one.name == name)
    assert night.cues.on_air == name
    assert CueLanded(cue=name, chunk_index=night.stage.plan.chunk_index) in night.stage.events or (
        spec.cut is Cut.NONE
    )
    if spec.cut is Cut.HARD:
        assert [part.text for part in night.stage.plan.text] == [spec.look.prompt]
    if spec.cut is Cut.SOFT:
        assert spec.look.prompt in [part.text for part in night.stage.plan.text]


def waiting_for_the_bar():
    """A cue without a cut was fired a quarter of a second after a bar of two seconds."""
    night = Night((cue("c", cut=Cut.NONE, parameters={"saturation": 1.5}), cue("d")))
    night.do(SetQuantum(quantum_beats=4.0))
    night.do(0.25)
    night.do(Go())
    night.do(None)
    assert (night.cues.queued, night.cues.on_air) == ("c", "")
    return night


def test_rows_of_a_cue_without_a_cut_move_on_the_bar_and_not_before():
    night = waiting_for_the_bar()
    night.do(1.7)
    assert night.stage.score.frame["saturation"] == 1.0
    night.do(0.06)
    assert night.stage.score.frame["saturation"] == 1.5
    assert (night.cues.queued, night.cues.on_air) == ("", "c")
    assert [event.cue for event in night.stage.events] == ["c"]


@pytest.mark.parametrize("hand", [Back(), CancelCut(), HardCut(look=Look(prompt="by hand"))])
def test_rows_that_wait_for_the_bar_are_taken_back_by_back_cancel_and_a_cut(hand):
    night = waiting_for_the_bar()
    assert night.do(hand)
    night.do(5.0)
    night.do(None)
    assert night.stage.score.frame["saturation"] == 1.0
    assert (night.cues.queued, night.cues.on_air) == ("", "")


def test_a_fade_lands_on_its_target_and_a_hand_takes_a_row_out_of_it():
    night = Night(NIGHT)
    night.do(StandBy(cue="c"))
    night.do(Go())
    night.do(2.0)
    assert night.stage.score.frame["saturation"] == pytest.approx(1.25)
    night.do(2.5)
    assert night.stage.score.frame["saturation"] == 1.5
    night.do(StandBy(cue="c"))
    night.do(SetParameters(values={"saturation": 0.1}))
    night.do(Go())
    night.do(1.0)
    night.do(SetParameters(values={"saturation": 0.0}))
    night.do(10.0)
    assert night.stage.score.frame["saturation"] == 0.0


def test_a_chain_of_follow_ons_plays_by_itself_and_waits_while_the_picture_is_black():
    night = Night((cue("x", follow_s=1.0), cue("y", follow_s=1.0), cue("z")))
    night.do(Go())
    night.do(None)
    night.do(SetParameters(values={"black": 1.0}))
    for _ in range(50):
        night.do(0.5)
        night.do(None)
    assert night.cues.on_air == "x"
    night.do(SetParameters(values={"black": 0.0}))
    seen = []
    for _ in range(12):
        night.do(0.5)
        night.do(None)
        seen.append(night.cues.on_air)
    assert list(dict.fromkeys(seen)) == ["x", "y", "z"]
