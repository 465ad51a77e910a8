"""The truth table of score.py, row by row."""

from __future__ import annotations

import pytest

from engine.errors import ConfigError, LocalProtocolError
from engine.host import score as music
from engine.host.looks import MAX_MIX_PROMPTS, splitmix64
from engine.protocol.messages import CancelCut, HardCut, QueuePrompt, SetParameters, SoftCut
from engine.protocol.values import CacheAction, Cut, Look

FIRST = Look(prompt="ink", parameters={"control_amount": 0.0}, seed=7)
FIRE = Look(prompt="fire", parameters={"control_amount": 0.8, "steps": 4, "saturation": 1.5})


def opened(*commands, chunks=1):
    """A score that has planned `chunks` chunks and then heard the commands."""
    score = music.open_score(FIRST, show_seed=1)
    for _ in range(chunks):
        score, _ = music.next_chunk(score)
    return heard(score, *commands)


def heard(score, *commands):
    for command in commands:
        score = music.apply(score, command)
    return score


def plans_of(score, count):
    plans = []
    for _ in range(count):
        score, plan = music.next_chunk(score)
        plans.append(plan)
    return plans


def weights(plan):
    return {part.text: part.weight for part in plan.text}


def test_first_chunk_resets_with_its_reason_and_takes_the_look():
    plan = plans_of(music.open_score(FIRST, 1), 1)[0]
    assert (plan.cache_action, plan.reset_reason) == (CacheAction.RESET, music.FIRST_CHUNK)
    assert (plan.seed, plan.chunk_in_cut, weights(plan)) == (7, 0, {"ink": 1.0})


def test_an_undisturbed_chunk_keeps_the_cache_and_counts_on():
    plan = plans_of(opened(), 1)[0]
    assert (plan.cache_action, plan.reset_reason, plan.cut) == (CacheAction.KEEP, "", Cut.NONE)
    assert (plan.chunk_index, plan.chunk_in_cut, plan.snapshot_version) == (1, 1, 2)


def test_an_edit_lands_at_the_next_boundary_and_not_before():
    score = opened(SetParameters(values={"control_amount": 0.5}))
    assert score.live["control_amount"] == 0.0
    assert plans_of(score, 1)[0].parameters["control_amount"] == 0.5


def test_an_edit_of_a_frame_row_is_live_at_once_and_in_no_plan():
    score = opened(SetParameters(values={"dimmer": 0.25}))
    assert score.frame["dimmer"] == 0.25
    assert "dimmer" not in plans_of(score, 1)[0].parameters


@pytest.mark.parametrize("values", [{"nothing": 1.0}, {"steps": float("nan")}])
def test_one_bad_value_refuses_the_whole_command(values):
    score = opened()
    with pytest.raises(ConfigError, match="parameter"):
        heard(score, SetParameters(values={"control_amount": 0.5, **values}))
    assert plans_of(score, 1)[0].parameters["control_amount"] == 0.0


def test_an_edit_beyond_the_range_lands_on_its_end():
    score = opened(SetParameters(values={"control_amount": 9.0, "steps": 2.6}))
    parameters = plans_of(score, 1)[0].parameters
    assert (parameters["control_amount"], parameters["steps"]) == (1.0, 3.0)


def test_hard_cut_takes_all_of_the_look_on_the_next_chunk_only():
    cut, after = plans_of(opened(HardCut(look=FIRE)), 2)
    assert (cut.cut, cut.cache_action, cut.reset_reason) == (
        Cut.HARD,
        CacheAction.RESET,
        "hard cut",
    )
    assert (weights(cut), cut.parameters["steps"]) == ({"fire": 1.0}, 4)
    assert (after.cut, after.cache_action) == (Cut.NONE, CacheAction.KEEP)


def test_hard_cut_restarts_the_chunk_in_cut_and_never_the_chunk_index():
    cut, after = plans_of(opened(HardCut(look=FIRE), chunks=5), 2)
    assert (cut.chunk_index, cut.chunk_in_cut, cut.cut_number) == (5, 0, 1)
    assert (after.chunk_index, after.chunk_in_cut, after.cut_number) == (6, 1, 1)


def test_hard_cut_draws_a_new_seed_from_the_show_and_its_number():
    first = plans_of(opened(HardCut(look=FIRE)), 1)[0]
    assert first.seed == splitmix64(1, 1) >> 32
    again = plans_of(opened(HardCut(look=FIRE), chunks=9), 1)[0]
    assert again.seed == first.seed


def test_hard_cut_takes_the_seed_that_the_look_pins():
    pinned = Look(prompt="sea", seed=42)
    assert plans_of(opened(HardCut(look=pinned)), 1)[0].seed == 42


def test_splitmix64_gives_the_published_sequence():
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [splitmix64(0, index) for index in range(3)] == expected


def test_soft_cut_moves_in_equal_steps_and_ends_on_the_target():
    plans = plans_of(opened(SoftCut(num_chunks=4, look=FIRE)), 5)
    assert [weights(plan).get("fire") for plan in plans] == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert [plan.blend for plan in plans] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert weights(plans[3]) == {"fire": 1.0}
    assert [plan.cut for plan in plans] == [Cut.SOFT] * 4 + [Cut.NONE]


def test_soft_cut_ramps_what_ramps_and_switches_the_rest_at_its_start():
    plans = plans_of(opened(SoftCut(num_chunks=4, look=FIRE)), 4)
    ramped = [plan.parameters["control_amount"] for plan in plans]
    assert ramped == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert ramped[-1] == 0.8
    assert [plan.parameters["steps"] for plan in plans] == [4, 4, 4, 4]


def test_soft_cut_keeps_seed_and_cache_and_recaches_while_the_text_moves():
    plans = plans_of(opened(SoftCut(num_chunks=2, look=FIRE)), 3)
    actions = [plan.cache_action for plan in plans]
    assert actions == [CacheAction.RECACHE, CacheAction.RECACHE, CacheAction.KEEP]
    assert {plan.seed for plan in plans} == {7}
    assert [plan.chunk_in_cut for plan in plans] == [1, 2, 3]


def test_soft_cut_of_one_chunk_lands_at_once_with_the_cache_kept():
    plan = plans_of(opened(SoftCut(num_chunks=1, look=FIRE)), 1)[0]
    assert (weights(plan), plan.parameters["control_amount"]) == ({"fire": 1.0}, 0.8)
    assert plan.cache_action is CacheAction.RECACHE


def test_soft_cut_to_the_same_text_keeps_the_cache():
    same = Look(prompt="ink", parameters={"control_amount": 1.0})
    plan = plans_of(opened(SoftCut(num_chunks=2, look=same)), 1)[0]
    assert plan.cache_action is CacheAction.KEEP


def test_soft_cut_ignores_a_pinned_seed():
    pinned = Look(prompt="sea", seed=42)
    assert plans_of(opened(SoftCut(num_chunks=2, look=pinned)), 1)[0].seed == 7


@pytest.mark.parametrize("num_chunks", [0, -1, 1001])
def test_soft_cut_of_an_impossible_length_is_refused(num_chunks):
    with pytest.raises(ConfigError, match="expected 1 to 1000"):
        opened(SoftCut(num_chunks=num_chunks, look=FIRE))


def test_re_aiming_starts_from_the_mix_on_air():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=2, look=FIRE)))
    plans = plans_of(heard(score, SoftCut(num_chunks=2, look=Look(prompt="sea"))), 2)
    assert weights(plans[0]) == pytest.approx({"ink": 0.25, "fire": 0.25, "sea": 0.5})
    assert weights(plans[1]) == {"sea": 1.0}


def test_re_aiming_for_ever_keeps_the_mix_small_and_whole():
    score = opened()
    for n in range(40):
        look = Look(prompt=f"look {n}")
        score, plan = music.next_chunk(heard(score, SoftCut(num_chunks=50, look=look)))
        assert len(plan.text) <= MAX_MIX_PROMPTS
        assert sum(weights(plan).values()) == pytest.approx(1.0)


def test_a_live_edit_during_a_ramp_wins_and_leaves_the_ramp():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=4, look=FIRE)))
    plans = plans_of(heard(score, SetParameters(values={"control_amount": 0.1})), 3)
    assert [plan.parameters["control_amount"] for plan in plans] == [0.1, 0.1, 0.1]
    assert weights(plans[-1]) == {"fire": 1.0}


def test_hard_cut_ends_a_running_soft_cut():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=9, look=FIRE)))
    cut, after = plans_of(heard(score, HardCut(look=Look(prompt="sea"))), 2)
    assert weights(cut) == weights(after) == {"sea": 1.0}
    assert (after.cut, after.parameters) == (Cut.NONE, cut.parameters)


def test_the_last_of_several_waiting_cuts_is_the_one_that_lands():
    look = Look(prompt="sea")
    score = opened(HardCut(look=FIRE), SoftCut(num_chunks=3, look=FIRE), HardCut(look=look))
    plan = plans_of(score, 1)[0]
    assert (weights(plan), plan.cut_number, plan.parameters["steps"]) == ({"sea": 1.0}, 1, 0)


def test_cancel_forgets_a_waiting_cut():
    plan = plans_of(opened(HardCut(look=FIRE), CancelCut()), 1)[0]
    assert (plan.cut, weights(plan), plan.cut_number) == (Cut.NONE, {"ink": 1.0}, 0)


def test_cancel_stops_a_running_soft_cut_where_it_is():
    score, step = music.next_chunk(opened(SoftCut(num_chunks=4, look=FIRE)))
    plans = plans_of(heard(score, CancelCut()), 2)
    assert [plan.text for plan in plans] == [step.text] * 2
    assert [plan.parameters for plan in plans] == [step.parameters] * 2
    assert (plans[0].cut, plans[0].cache_action) == (Cut.NONE, CacheAction.KEEP)


def test_cancelling_a_waiting_re_aim_lets_the_running_soft_cut_go_on():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=2, look=FIRE)))
    score = heard(score, SoftCut(num_chunks=8, look=Look(prompt="sea")), CancelCut())
    assert weights(plans_of(score, 1)[0]) == {"fire": 1.0}


def test_cancel_with_nothing_to_cancel_is_refused():
    with pytest.raises(LocalProtocolError, match="nothing to cancel"):
        opened(CancelCut())


def test_an_edit_before_a_cut_yields_to_the_look():
    edit = SetParameters(values={"control_amount": 0.3})
    plan = plans_of(opened(edit, HardCut(look=FIRE)), 1)[0]
    assert plan.parameters["control_amount"] == 0.8


@pytest.mark.parametrize("cut", [HardCut(look=FIRE), SoftCut(num_chunks=4, look=FIRE)])
def test_an_edit_after_a_cut_overrides_the_look(cut):
    edit = SetParameters(values={"control_amount": 0.3})
    plans = plans_of(opened(cut, edit), 4)
    assert {plan.parameters["control_amount"] for plan in plans} == {0.3}


def test_every_edit_after_a_cut_overrides_the_look():
    first = SetParameters(values={"control_amount": 0.3})
    second = SetParameters(values={"steps": 1})
    parameters = plans_of(opened(HardCut(look=FIRE), first, second), 1)[0].parameters
    assert (parameters["control_amount"], parameters["steps"]) == (0.3, 1)


def test_a_cancelled_cut_gives_the_edits_back():
    before = SetParameters(values={"control_amount": 0.3})
    after = SetParameters(values={"steps": 1})
    plan = plans_of(opened(before, HardCut(look=FIRE), after, CancelCut()), 1)[0]
    assert (plan.parameters["control_amount"], plan.parameters["steps"]) == (0.3, 1)


def test_a_cut_without_a_look_takes_the_prompt_in_standby_and_empties_it():
    score, plan = music.next_chunk(opened(QueuePrompt(text=" moss "), HardCut()))
    assert (weights(plan), score.next_prompt) == ({"moss": 1.0}, "")


def test_cancelling_gives_the_standby_prompt_back():
    score, _ = music.next_chunk(opened(QueuePrompt(text="moss"), HardCut(), CancelCut()))
    assert score.next_prompt == "moss"


def test_a_prompt_queued_after_the_cut_stays_in_standby():
    commands = QueuePrompt(text="moss"), HardCut(), QueuePrompt(text="sea")
    score, plan = music.next_chunk(opened(*commands))
    assert (weights(plan), score.next_prompt) == ({"moss": 1.0}, "sea")


def test_a_cut_without_a_look_and_without_standby_is_refused():
    with pytest.raises(LocalProtocolError, match="no prompt is in standby"):
        opened(SoftCut(num_chunks=2))


def test_an_endless_prompt_is_refused():
    with pytest.raises(ConfigError, match="at most 2000"):
        opened(HardCut(look=Look(prompt="x" * 2001)))


def test_a_fault_resets_once_and_keeps_look_seed_and_counters():
    plan, after = plans_of(music.fault(opened(), "out of memory"), 2)
    assert (plan.cache_action, plan.reset_reason) == (CacheAction.RESET, "out of memory")
    assert (plan.seed, weights(plan), plan.chunk_in_cut) == (7, {"ink": 1.0}, 1)
    assert after.cache_action is CacheAction.KEEP


def test_a_soft_cut_goes_on_after_a_fault():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=2, look=FIRE)))
    plan = plans_of(music.fault(score, "killed by signal 9"), 1)[0]
    assert (weights(plan), plan.cache_action) == ({"fire": 1.0}, CacheAction.RESET)


def test_a_fault_and_a_hard_cut_at_one_boundary_name_both_reasons():
    plan = plans_of(music.fault(opened(HardCut(look=FIRE)), "no heartbeat"), 1)[0]
    assert plan.reset_reason == "hard cut; no heartbeat"


def test_frame_rows_of_a_look_wait_for_the_picture_of_their_chunk():
    score, plan = music.next_chunk(opened(HardCut(look=FIRE)))
    assert score.frame["saturation"] == 1.0
    assert music.land_frame_values(score, plan.chunk_index - 1).frame["saturation"] == 1.0
    assert music.land_frame_values(score, plan.chunk_index).frame["saturation"] == 1.5


def test_an_edit_of_a_frame_row_beats_a_look_that_is_still_due():
    score, plan = music.next_chunk(opened(HardCut(look=FIRE)))
    score = heard(score, SetParameters(values={"saturation": 0.5}))
    assert music.land_frame_values(score, plan.chunk_index).frame["saturation"] == 0.5


def test_a_look_never_touches_the_dimmer():
    look = Look(prompt="dark", parameters={"dimmer": 0.0})
    score, plan = music.next_chunk(opened(HardCut(look=look)))
    assert music.land_frame_values(score, plan.chunk_index).frame["dimmer"] == 1.0


def test_cut_state_tells_what_waits_and_what_runs():
    score, _ = music.next_chunk(opened(SoftCut(num_chunks=3, look=FIRE)))
    state = music.cut_state(heard(score, HardCut(look=Look(prompt="sea"))))
    assert (state.soft_step, state.soft_chunks) == (1, 3)
    assert (state.pending, state.pending_prompt) == (Cut.HARD, "sea")


def test_input_and_source_cut_are_passed_through():
    _, plan = music.next_chunk(opened(), input_until=31, source_cut=True)
    assert (plan.input_until, plan.source_cut) == (31, True)
    assert plan.cache_action is CacheAction.KEEP


def test_a_soft_cut_fades_from_one_lora_to_another_with_the_text():
    look = Look(prompt="fire", parameters={"lora_1": 0.0, "lora_2": 1.0})
    score = opened(SetParameters(values={"lora_1": 1.0}))
    score, _ = music.next_chunk(score)
    plans = plans_of(heard(score, SoftCut(num_chunks=4, look=look)), 4)
    fire = [weights(plan)["fire"] for plan in plans]
    assert [plan.parameters["lora_2"] for plan in plans] == pytest.approx(fire)
    assert [1 - plan.parameters["lora_1"] for plan in plans] == pytest.approx(fire)


# ---------------------------------------------------------------- text


def test_the_prompts_that_chunks_need_next_are_those_on_air_cut_to_and_in_standby():
    score = opened(SoftCut(look=FIRE, num_chunks=3), chunks=1)
    score, _ = music.next_chunk(score)
    score = heard(score, QueuePrompt(text="ice"), HardCut(look=Look(prompt="sea")))
    assert music.coming_prompts(score) == ("ink", "fire", "sea", "ice")


def test_three_looks_can_be_in_one_mix_and_its_weights_sum_to_one():
    score = opened(SoftCut(look=FIRE, num_chunks=4))
    score, _ = music.next_chunk(score)
    plans = plans_of(heard(score, SoftCut(look=Look(prompt="sea"), num_chunks=2)), 2)
    assert weights(plans[0]) == pytest.approx({"ink": 0.375, "fire": 0.125, "sea": 0.5})
    assert weights(plans[1]) == {"sea": 1.0}


@pytest.mark.parametrize(
    ("num_chunks", "action"), [(4, CacheAction.RECACHE), (1, CacheAction.KEEP)]
)
def test_another_way_of_mixing_rewrites_the_context_where_several_prompts_are_on_air(
    num_chunks, action
):
    score = opened(SoftCut(look=FIRE, num_chunks=num_chunks))
    score, _ = music.next_chunk(score)
    stopped = music.apply(score, CancelCut()) if score.ramp else score
    plan = plans_of(heard(stopped, SetParameters(values={"prompt_mixing": 1})), 1)[0]
    assert (plan.cache_action, plan.parameters["prompt_mixing"]) == (action, 1.0)
