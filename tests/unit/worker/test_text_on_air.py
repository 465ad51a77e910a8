"""A chunk never waits for its text: it keeps the text before, and the late one lands whole."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from engine.host import score as music
from engine.host.replay import as_it_ran
from engine.host.take import RecordedChunk
from engine.protocol.messages import SoftCut
from engine.protocol.orders import FramesReady
from engine.protocol.parameters import PROMPT_MIXINGS
from engine.protocol.values import CacheAction, Cut, LatePrompt, Look, WeightedPrompt
from engine.worker.models.house.text import parse_prompt
from engine.worker.text_mix import Mixing, mix_rows
from engine.worker.text_service import TextService
from tests.tiny_worker import plan, tiny_model, tiny_worker

FIRE, WATER, SMOKE = "slow red fire", "fast blue water", "grey smoke"


class Slow:
    """The house model's text encoder, as if it were a slow one."""

    def __init__(self, encoder):
        self._encoder = encoder
        self.failing = set()

    def read(self, prompt):
        return parse_prompt(prompt)

    def encode(self, prompt):
        if prompt in self.failing:
            raise RuntimeError("no memory")
        return self._encoder.encode(prompt)


def slow_model(**options):
    """Return a tiny model whose prompts are encoded only when the test calls `prompts.step()`."""
    model = tiny_model(**options)
    return replace(model, prompts=TextService(Slow(model.prompts._encoder)))


def only(text):
    return (WeightedPrompt(text=text, weight=1.0),)


def mix(text, target, blend):
    return (
        WeightedPrompt(text=text, weight=1 - blend), WeightedPrompt(text=target, weight=blend)
    )  # fmt: skip


def soft(index, text, **changes):
    recache = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE, "text": text}
    return plan(index, **(recache | changes))


def hard(index, text, **changes):
    cut = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "cut_number": 1, "chunk_in_cut": 0}
    return plan(index, text=only(text), reset_reason="hard cut", **(cut | {"seed": 99} | changes))


def crcs(worker, plans):
    return [worker.run(each).frames_crc32 for each in plans]


def test_the_first_text_is_waited_for():
    with tiny_worker(slow_model()) as slow, tiny_worker() as quick:
        report = slow.run(plan(0))
        assert report.frames_crc32 == quick.run(plan(0)).frames_crc32
    assert (report.text, report.late_prompts) == (only(FIRE), ())


def test_after_a_warm_up_too_the_first_text_is_waited_for():
    with tiny_worker(slow_model()) as worker:
        with torch.inference_mode():
            worker.loop.warm_up()
        assert worker.run(plan(0)).text == only(FIRE)


def test_a_text_that_is_not_encoded_keeps_the_picture_of_the_one_before():
    with tiny_worker(slow_model()) as late, tiny_worker() as steady:
        pictures = [
            late.run(plan(0)),
            late.run(soft(1, only(WATER))),
            late.run(plan(2, text=only(WATER))),
        ]
        kept = crcs(steady, [plan(0), plan(1), plan(2)])
    assert [report.frames_crc32 for report in pictures] == kept
    assert [report.late_prompts for report in pictures[1:]] == [(LatePrompt(text=WATER),)] * 2
    assert {report.text for report in pictures} == {only(FIRE)}


def test_a_late_text_lands_with_its_recache_as_soon_as_it_is_encoded():
    with tiny_worker(slow_model()) as late, tiny_worker() as on_time:
        crcs(late, [plan(0), soft(1, only(WATER))])
        late.loop.model.prompts.step()
        crcs(on_time, [plan(0), plan(1)])
        landed = late.run(plan(2, text=only(WATER)))
        assert landed.frames_crc32 == on_time.run(soft(2, only(WATER))).frames_crc32
    assert (landed.text, landed.late_prompts) == (only(WATER), ())


def test_a_late_text_that_was_not_to_recache_does_not():
    with tiny_worker(slow_model()) as late, tiny_worker() as on_time:
        crcs(late, [plan(0), plan(1, text=only(WATER))])
        late.loop.model.prompts.step()
        crcs(on_time, [plan(0), plan(1)])
        both = [worker.run(plan(2, text=only(WATER))) for worker in (late, on_time)]
    assert both[0].frames_crc32 == both[1].frames_crc32


def test_a_soft_cut_goes_on_from_where_it_should_be_when_its_target_is_there():
    steps = [soft(index, mix(FIRE, WATER, index / 4)) for index in range(1, 5)]
    with tiny_worker(slow_model()) as late, tiny_worker() as on_time:
        crcs(late, [plan(0), *steps[:2]])
        late.loop.model.prompts.step()
        crcs(on_time, [plan(0), plan(1), plan(2)])
        assert crcs(late, steps[2:]) == crcs(on_time, steps[2:])


def test_who_goes_back_to_the_text_on_air_is_not_late_and_changes_nothing():
    with tiny_worker(slow_model()) as worker, tiny_worker() as steady:
        crcs(worker, [plan(0), soft(1, only(WATER))])
        back = worker.run(soft(2, only(FIRE)))
        kept = crcs(steady, [plan(0), plan(1), plan(2)])
    assert (back.frames_crc32, back.late_prompts) == (kept[2], ())


def test_a_hard_cut_waits_as_a_whole_for_its_text():
    with tiny_worker(slow_model()) as worker:
        worker.run(plan(0))
        waiting = worker.run(hard(1, WATER))
        worker.loop.model.prompts.step()
        landed = worker.run(plan(2, text=only(WATER), seed=99, chunk_in_cut=1, cut_number=1))
        told = [event for event in worker.events if isinstance(event, FramesReady)]
    assert waiting.resets == ()
    assert waiting.shapes["context_latents"] == (6,)
    assert {reset.reason for reset in landed.resets} == {"hard cut, late"}
    assert landed.shapes["context_latents"] == (3,)
    assert [event.starts_anew for event in told] == [False, False, True]


def test_a_hard_cut_that_was_late_shows_nothing_of_the_picture_before():
    landing = plan(2, text=only(WATER), seed=99, chunk_in_cut=1, cut_number=1)
    with tiny_worker(slow_model()) as worker, tiny_worker() as alone:
        crcs(worker, [plan(0), hard(1, WATER)])
        worker.loop.model.prompts.step()
        landed = worker.pictures(worker.run(landing))
        assert np.array_equal(landed, alone.pictures(alone.run(landing)))


def test_a_second_hard_cut_replaces_the_one_that_waits():
    with tiny_worker(slow_model()) as worker:
        crcs(worker, [plan(0), hard(1, WATER)])
        worker.loop.model.prompts.wait_mixed(only(SMOKE))
        landed = worker.run(hard(2, SMOKE, cut_number=2))
        after = worker.run(plan(3, text=only(SMOKE)))
    assert landed.text == only(SMOKE)
    assert {reset.reason for reset in landed.resets} == {"hard cut"}
    assert after.resets == ()


def test_a_reset_for_a_fault_does_not_wait_for_a_text():
    with tiny_worker(slow_model()) as worker:
        worker.run(plan(0))
        fault = {"cache_action": CacheAction.RESET, "reset_reason": "worker lost"}
        report = worker.run(plan(1, text=only(WATER), **fault))
    assert {reset.reason for reset in report.resets} == {"worker lost"}
    assert report.text == only(FIRE)


@pytest.mark.parametrize("recaches", [True, False])
def test_a_model_without_a_recache_rule_takes_a_late_text_without(recaches):
    with tiny_worker(slow_model(recaches=recaches)) as worker:
        crcs(worker, [plan(0), soft(1, only(WATER))])
        before = worker.loop.model.sampler.cache.layer(1)[0].clone()
        worker.loop.model.prompts.step()
        with torch.inference_mode():
            worker.loop.cross_boundary(plan(2, text=only(WATER)))
        after = worker.loop.model.sampler.cache.layer(1)[0]
        assert torch.equal(before, after) == (not recaches)


def test_a_first_text_that_cannot_be_encoded_plays_the_empty_prompt_and_says_so():
    model = slow_model()
    model.prompts._encoder.failing.add(FIRE)
    with tiny_worker(model) as worker:
        with torch.inference_mode():
            worker.loop.warm_up()
        reports = [worker.run(plan(index)) for index in range(2)]
    assert [report.text for report in reports] == [only("")] * 2
    assert {report.late_prompts for report in reports} == {
        (LatePrompt(text=FIRE, failure="no memory"),)
    }


def test_a_text_that_cannot_be_encoded_keeps_the_one_before_until_another_is_asked_for():
    model = slow_model()
    model.prompts._encoder.failing.add(WATER)
    with tiny_worker(model) as worker:
        crcs(worker, [plan(0), hard(1, WATER)])
        model.prompts.step()
        late = worker.run(plan(2, text=only(WATER)))
        model.prompts.wait_mixed(only(SMOKE))
        landed = worker.run(plan(3, text=only(SMOKE), cache_action=CacheAction.RECACHE))
    assert late.late_prompts == (LatePrompt(text=WATER, failure="no memory"),)
    assert (landed.text, landed.late_prompts) == (only(SMOKE), ())
    assert "hard cut, late" in {reset.reason for reset in landed.resets}


# ---------------------------------------------------------------- replay


def test_a_show_with_late_texts_is_played_again_bit_for_bit():
    show = [
        plan(0), soft(1, mix(FIRE, WATER, 0.5)), soft(2, only(WATER)), plan(3, text=only(WATER)),
        hard(4, SMOKE), plan(5, text=only(SMOKE), seed=99), plan(6, text=only(SMOKE), seed=99),
        soft(7, only(FIRE)),
    ]  # fmt: skip
    encoded_before = {3, 6}
    with tiny_worker(slow_model()) as worker:
        played = []
        for each in show:
            if each.chunk_index in encoded_before:
                worker.loop.model.prompts.step()
            played.append(RecordedChunk(each, worker.run(each), None))
    assert [bool(chunk.report.late_prompts) for chunk in played] == [
        False, True, True, False, True, True, False, False
    ]  # fmt: skip
    for model in (slow_model(), tiny_model()):
        with tiny_worker(model) as again:
            replayed = crcs(again, [as_it_ran(chunk) for chunk in played])
        assert replayed == [chunk.report.frames_crc32 for chunk in played]


def test_a_take_from_before_texts_were_recorded_is_replayed_with_its_plans():
    with tiny_worker() as worker:
        show = [plan(0), soft(1, only(WATER))]
        played = [RecordedChunk(each, worker.run(each), None) for each in show]
    old = [
        RecordedChunk(chunk.plan, msgspec.structs.replace(chunk.report, text=()), None)
        for chunk in played
    ]
    with tiny_worker(slow_model()) as again:
        replayed = crcs(again, [as_it_ran(chunk) for chunk in old])
    assert replayed == [chunk.report.frames_crc32 for chunk in played]


# ---------------------------------------------------------------- mixes


def three_looks(mixing):
    """Return the plans of a soft cut that is aimed anew halfway: three prompts in one mix."""
    look = Look(prompt=FIRE, parameters={"steps": 2, "prompt_mixing": mixing})
    score, first = music.next_chunk(music.open_score(look, show_seed=7))
    score = music.apply(score, SoftCut(look=Look(prompt=WATER), num_chunks=4))
    score, second = music.next_chunk(score)
    score = music.apply(score, SoftCut(look=Look(prompt=SMOKE), num_chunks=2))
    return [first, second, music.next_chunk(score)[1]]


@pytest.mark.parametrize("mixing", Mixing)
def test_a_mix_of_three_prompts_reaches_the_sampler_mixed_as_the_performer_chose(mixing):
    plans = three_looks(PROMPT_MIXINGS.index(mixing.value))
    weights = {part.text: part.weight for part in plans[-1].text}
    assert weights == pytest.approx({FIRE: 0.375, WATER: 0.125, SMOKE: 0.5})
    model = tiny_model()
    rows = [model.prompts.try_mixed(only(text)).rows[0] for text in weights]
    with tiny_worker(model) as worker:
        report = [worker.run(each) for each in plans][-1]
        on_air = model.sampler.text._text[0]
    assert report.text == plans[-1].text
    assert torch.equal(on_air, mix_rows(rows, list(weights.values()), mixing))


def test_both_ways_of_mixing_are_different_pictures():
    linear, spherical = (worker_crcs(three_looks(mixing)) for mixing in (0, 1))
    assert linear[0] == spherical[0]
    assert linear[1] != spherical[1]


def worker_crcs(plans):
    with tiny_worker() as worker:
        return crcs(worker, plans)


def test_every_way_of_mixing_that_can_be_chosen_exists():
    assert tuple(mixing.value for mixing in Mixing) == PROMPT_MIXINGS


def test_another_way_of_mixing_takes_effect_on_the_mix_that_is_on_air():
    blended = mix(FIRE, WATER, 0.5)
    round_about = {"steps": 2.0, "prompt_mixing": 1.0}
    with tiny_worker() as worker:
        worker.run(plan(0, text=blended))
        straight = worker.loop.model.sampler.text._text
        worker.run(plan(1, text=blended, parameters=round_about))
        curved = worker.loop.model.sampler.text._text
        worker.run(plan(2, text=blended, parameters=round_about))
        kept = worker.loop.model.sampler.text._text
    assert not torch.equal(straight, curved)
    assert kept is curved


def test_a_late_text_keeps_the_mix_on_air_however_it_is_to_be_mixed():
    blended = mix(FIRE, WATER, 0.5)
    round_about = {"steps": 2.0, "prompt_mixing": 1.0}
    with tiny_worker(slow_model()) as worker:
        played = [RecordedChunk(plan(0, text=blended), worker.run(plan(0, text=blended)), None)]
        late = soft(1, mix(FIRE, SMOKE, 0.5), parameters=round_about)
        played.append(RecordedChunk(late, worker.run(late), None))
    assert played[1].report.late_prompts
    with tiny_worker() as again:
        assert crcs(again, [as_it_ran(chunk) for chunk in played]) == [
            chunk.report.frames_crc32 for chunk in played
        ]
