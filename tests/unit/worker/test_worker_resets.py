"""Every cell of the reset table, on a running chunk loop; and what the plan itself decides."""

from functools import cache

import pytest
import torch

from engine.protocol.orders import KV_CACHE
from engine.protocol.values import CacheAction, Cut, WeightedPrompt
from engine.worker.resets import TABLE, Effect, Event, State, effect_of, events_of, resets_for
from tests.tiny_worker import FRAMES_PER_CHUNK, TinyWorker, plan, tiny_worker

PLAYING = {"steps": 1.0, "control_amount": 1.0, "input_amount": 0.5, "motion_amount": 1.0}
CUTS = {
    Event.HARD_CUT: {"cut": Cut.HARD, "cache_action": CacheAction.RESET},
    Event.SOFT_CUT: {"cut": Cut.SOFT, "blend": 0.5},
    Event.SOURCE_CUT: {"source_cut": True},
    Event.FAULT: {"cache_action": CacheAction.RESET, "reset_reason": "a new worker"},
}


def play(worker: TinyWorker) -> int:
    """Run two chunks that use every piece of state; returns the newest input frame."""
    newest = worker.deliver(2 * FRAMES_PER_CHUNK)
    for index in range(2):
        worker.run(plan(index, parameters=PLAYING, input_until=newest))
    frames = torch.zeros(1, 4, 3, 32, 32)
    worker.loop.streams.reactive.push(frames)
    worker.loop.streams.inactive.push(frames)
    return newest


@cache
def after(event: Event) -> tuple[dict[State, bool | None], int, list[str]]:
    """Return freshness of all states, the maps kept and the states reported, after an event."""
    with tiny_worker() as worker:
        newest = play(worker)
        boundary = plan(2, parameters=PLAYING, input_until=newest, **CUTS[event])
        resets = worker.loop.cross_boundary(boundary)
        fresh = {state: worker.loop.is_fresh(state) for state in State}
        return fresh, len(worker.preprocess.store), [reset.state for reset in resets]


def test_a_running_show_has_no_fresh_state():
    with tiny_worker() as worker:
        play(worker)
        assert not any(worker.loop.is_fresh(state) for state in State)


def test_the_table_has_a_cell_for_every_state_and_event():
    assert set(TABLE) == {(state, event) for state in State for event in Event}


@pytest.mark.parametrize(("state", "event"), TABLE, ids=lambda value: value.value)
def test_each_cell_of_the_table_does_what_it_says(state, event):
    fresh, num_maps, reported = after(event)
    match TABLE[state, event]:
        case Effect.RESET:
            assert fresh[state] is True
        case Effect.KEEP:
            assert fresh[state] is False
        case Effect.FLUSH:
            assert num_maps == FRAMES_PER_CHUNK
        case Effect.PLAN:
            assert fresh[state] is None
    assert (state.value in reported) == (TABLE[state, event] in (Effect.RESET, Effect.FLUSH))


def test_a_plan_without_a_cut_resets_nothing():
    assert resets_for(events_of(plan(5))) == []


def test_a_reset_without_a_hard_cut_is_a_fault_with_the_reason_of_the_plan():
    events = events_of(plan(5, cache_action=CacheAction.RESET, reset_reason="the worker restarted"))
    assert events == {Event.FAULT: "the worker restarted"}


def test_two_events_at_one_boundary_do_the_stronger_of_both():
    assert effect_of(State.INPUT_QUEUE, [Event.HARD_CUT, Event.SOURCE_CUT]) is Effect.RESET


def test_the_seed_of_the_plan_decides_the_picture():
    with tiny_worker() as worker:
        first = worker.run(plan(0, seed=1)).frames_crc32
    with tiny_worker() as worker:
        assert worker.run(plan(0, seed=2)).frames_crc32 != first


def test_a_hard_cut_with_the_seed_and_look_of_the_start_shows_the_start_again():
    with tiny_worker() as worker:
        first = worker.run(plan(0)).frames_crc32
        worker.run(plan(1))
        again = plan(2, cut=Cut.HARD, cache_action=CacheAction.RESET, cut_number=1, chunk_in_cut=0)
        assert worker.run(again).frames_crc32 == first


def test_the_text_of_the_plan_lands_at_once():
    with tiny_worker() as worker:
        worker.run(plan(0))
        kept = worker.loop.model.sampler.text.kvs()[0].k.clone()
        worker.run(plan(1, text=(WeightedPrompt(text="fast blue waves", weight=1.0),)))
        assert not torch.equal(worker.loop.model.sampler.text.kvs()[0].k, kept)


def test_frames_keep_counting_over_a_hard_cut():
    with tiny_worker() as worker:
        worker.run(plan(0))
        worker.run(plan(1, cut=Cut.HARD, cache_action=CacheAction.RESET, chunk_in_cut=0))
        newest = worker.shown.latest()
        assert newest is not None
        assert newest.meta.media_index == 2 * FRAMES_PER_CHUNK - 1


def test_the_reset_that_the_host_counts_goes_by_the_name_in_the_protocol():
    assert State.KV_CACHE == KV_CACHE
