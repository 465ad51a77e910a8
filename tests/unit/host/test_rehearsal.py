"""The prompts of a show are told to the worker one at a time, in the order of the show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.host import rehearsal
from engine.host.rehearsal import MAX_PROMPTS, Rehearsal

shows = st.lists(st.sampled_from(["fire", "sea", "ice", " ink ", ""]), max_size=8)


def told_all(state):
    """Return everything that is told to a worker that reads each prompt at once."""
    order = []
    while True:
        state, text = rehearsal.told(state)
        if text is None:
            return order
        order.append(text)
        state = rehearsal.read(state, text)


@given(shows)
def test_every_prompt_of_a_show_is_told_once_and_in_order(prompts):
    state = rehearsal.announced(Rehearsal(), prompts)
    wanted = [text.strip() for text in prompts if text.strip()]
    assert told_all(state) == list(dict.fromkeys(wanted))


@given(shows, st.integers(0, 8))
def test_a_new_worker_is_told_everything_again(prompts, count):
    state = rehearsal.announced(Rehearsal(), prompts)
    everything = told_all(state)
    for _ in range(count):
        state, _ = rehearsal.told(state)
    assert told_all(rehearsal.begun(state)) == everything


def test_the_next_prompt_waits_until_the_one_in_hand_is_read():
    state, first = rehearsal.told(rehearsal.announced(Rehearsal(), ["fire", "sea"]))
    waiting, nothing = rehearsal.told(rehearsal.read(state, "a prompt that was typed"))
    _, second = rehearsal.told(rehearsal.read(waiting, "fire"))
    assert (first, nothing, second) == ("fire", None, "sea")


def test_another_show_is_told_after_the_prompt_in_hand():
    state, _ = rehearsal.told(rehearsal.announced(Rehearsal(), ["fire", "sea"]))
    state = rehearsal.announced(state, ["ice", "ink"])
    assert rehearsal.told(state)[1] is None
    assert told_all(rehearsal.read(state, "fire")) == ["ice", "ink"]


def test_no_more_prompts_are_told_than_the_worker_can_keep_waiting():
    state = rehearsal.announced(Rehearsal(), [f"prompt {n}" for n in range(MAX_PROMPTS + 50)])
    assert len(told_all(state)) == MAX_PROMPTS


def test_a_prompt_that_nobody_reads_is_refused():
    with pytest.raises(ConfigError, match="prompt refused"):
        rehearsal.announced(Rehearsal(), ["x" * 2001])
