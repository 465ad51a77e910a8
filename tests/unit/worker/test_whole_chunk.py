"""Chunks as one piece of work against the same chunks pass by pass, bit by bit.

On a CPU nothing is recorded: the same functions run, in the same order as on a GPU.
"""

from __future__ import annotations

from contextlib import ExitStack, nullcontext

import pytest
import torch

from engine.worker.kernels.graphs import Graphs
from engine.worker.models.wan.cache_plan import CacheRule, CacheWindow, Positions
from engine.worker.models.wan.lora import read_lora
from tests.published import tiny_lora, write_lora
from tests.tiny_worker import TINY_TRANSFORMER, plan, tiny_model, tiny_vace_model, tiny_worker
from tests.whole_shows import (
    HARD,
    NIGHT,
    STEPS,
    anchored_model,
    lora_model,
    memory_of,
    on_fast_passes,
    play,
    sink_model,
    with_rule,
)

MODELS = {
    "rolling": tiny_model,
    "sink": sink_model,
    "vace": tiny_vace_model,
    "vace, wan vae": lambda: tiny_vace_model(with_vae=True),
    "anchored": anchored_model,
}
SWITCHES = {
    "always": lambda index: True,
    "in turn": lambda index: index % 2 == 0,
}


def same_show(make, is_whole, *, narrow=False):
    """Play a night both ways and hold each chunk and all memory equal; returns what counted."""
    with ExitStack() as stack:
        whole, twin = (
            stack.enter_context(tiny_worker(on_fast_passes(make(), narrow=narrow)))
            for _ in range(2)
        )
        for index, entry in enumerate(NIGHT):
            whole.loop.whole.is_on = is_whole(index)
            found, expected = play(whole, index, entry), play(twin, index, entry)
            assert found.frames_crc32 == expected.frames_crc32, f"chunk {index}: other pictures"
            assert found.statistics == expected.statistics
            assert found.resets == expected.resets
            told = (found.shapes, found.num_frames, found.discarded, found.guides)
            assert told == (
                expected.shapes, expected.num_frames, expected.discarded, expected.guides,
            )  # fmt: skip
            for (name, own), plain in zip(
                memory_of(whole).items(), memory_of(twin).values(), strict=True
            ):
                same = [torch.equal(a, b) for a, b in zip(own, plain, strict=True)]
                assert all(same), f"chunk {index}: another {name}, {same}"
        assert twin.loop.whole.num_played == 0
        return whole.loop.whole


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("name", MODELS)
def test_a_night_is_the_same_chunk_by_chunk(name, switch):
    counted = same_show(MODELS[name], SWITCHES[switch])
    if switch == "always":
        # All but the first of each of the two shows; an anchor needs none but those either.
        assert counted.num_played == len(NIGHT) - 2
        assert counted.by_pass == {"the first chunk": 2}
    else:
        assert 0 < counted.num_played < len(NIGHT) - 2
        assert counted.by_pass["switched off"] > 0


def test_narrow_products_and_copies_are_the_same():
    counted = same_show(sink_model, SWITCHES["in turn"], narrow=True)
    assert counted.num_played > 0


def test_a_lora_is_taken_up_and_given_back(tmp_path):
    lora = read_lora(write_lora(tmp_path, "peft", tiny_lora(TINY_TRANSFORMER)))
    counted = same_show(lambda: lora_model(lora), SWITCHES["always"])
    assert counted.num_played == len(NIGHT) - 2


def test_a_report_says_how_a_chunk_ran():
    with tiny_worker(on_fast_passes(tiny_model())) as worker:
        worker.loop.whole.is_on = True
        first, second = (play(worker, index, {"parameters": STEPS}) for index in range(2))
    assert first.backends["chunk"] == "pass by pass: the first chunk"
    assert second.backends["chunk"] == "in one"
    stages = {"condition", "denoise", "decode", "hand_on", "commit", "total"}
    assert set(first.stage_ms) == stages
    assert set(second.stage_ms) == stages | {"chunk"}
    inside = sum(second.stage_ms[stage] for stage in ("denoise", "decode", "commit"))
    assert 0 < inside <= second.stage_ms["chunk"]


def test_frames_that_are_broken_are_not_handed_on():
    with tiny_worker(on_fast_passes(tiny_model())) as worker:
        worker.loop.whole.is_on = True
        for index in range(3):
            play(worker, index, {"parameters": STEPS})
        worker.loop.model.codec.decoder[-1].bias.fill_(float("nan"))
        broken = play(worker, 3, {"parameters": STEPS})
        worker.loop.model.codec.decoder[-1].bias.zero_()
        after = play(worker, 4, {"parameters": STEPS})
        assert worker.loop.whole.by_pass["the first chunk"] == 2
    assert "not finite" in broken.discarded
    assert after.num_frames > 0
    assert after.statistics.finite


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: tiny_model(), "passes are plain"),
        (
            lambda: on_fast_passes(with_rule(
                anchored_model(), anchored_model().spec.rule, CacheWindow(window_latents=9)
            )),
            "its context is not steady",
        ),
    ],
    ids=["plain passes", "a context longer than a chunk"],
)  # fmt: skip
def test_what_cannot_be_played_as_one_says_why(make, reason):
    with tiny_worker(make()) as worker:
        worker.loop.whole.is_on = True
        for index in range(4):
            assert play(worker, index, {"parameters": STEPS}).discarded == ""
        assert worker.loop.whole.num_played == 0
        assert worker.loop.whole.by_pass[reason] > 0


class Recorder(Graphs):
    """Graphs that record on a CPU: work is kept by key and simply done."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__(torch.device("cpu"))
        self.is_on = True
        self.refuses = refuses

    def run(self, key, work, *, is_warm=False):
        if is_warm and self.refuses and key not in self._graphs:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        if key not in self._graphs:
            self.num_recorded += 1
            self._graphs[key] = work
        return self._graphs[key]()


def recorded_worker(make=tiny_model, **options):
    model = on_fast_passes(make())
    model.sampler.passes.graphs = Recorder(**options)
    return tiny_worker(model)


@pytest.mark.parametrize("name", ["rolling", "vace", "anchored"])
def test_what_was_recorded_once_serves_every_later_night(name):
    # The recorder plays the work that it was given first, so what a later chunk changes has to
    # come through memory: a value that was bound into the work would show here.
    with (
        recorded_worker(MODELS[name]) as worker,
        tiny_worker(on_fast_passes(MODELS[name]())) as twin,
    ):
        whole = worker.loop.whole
        whole.is_on = True
        for night in range(3):
            whole.forget_counts()
            for index, entry in enumerate(NIGHT):
                changes = {"seed": night} | (HARD if night and not index else {}) | entry
                with whole.recording() if night < 2 else nullcontext():
                    found = play(worker, index, changes)
                expected = play(twin, index, changes)
                assert found.frames_crc32 == expected.frames_crc32, f"night {night}, chunk {index}"
        assert whole.num_played == len(NIGHT) - 2


def test_a_warm_up_records_the_steady_chunk_and_the_show_nothing():
    with recorded_worker() as worker, tiny_worker(on_fast_passes(tiny_model())) as twin:
        loop, graphs = worker.loop, worker.loop.model.sampler.passes.graphs
        loop.whole.is_on = True
        with torch.inference_mode():
            loop.warm_up()
        assert (loop.whole.num_played, dict(loop.whole.by_pass)) == (0, {})
        recorded = [key for key in graphs._graphs if key[0] == "chunk"]
        assert len(recorded) == 1
        for index, entry in enumerate(NIGHT):
            found, expected = play(worker, index, entry), play(twin, index, entry)
            assert found.frames_crc32 == expected.frames_crc32, f"chunk {index}"
        assert [key for key in graphs._graphs if key[0] == "chunk"] == recorded
        assert loop.whole.by_pass["the first chunk"] == 2
        # the second chunk of both shows, whose cache is not full yet, and the one of three steps
        assert loop.whole.by_pass["not recorded"] == 3
        assert loop.whole.num_played == len(NIGHT) - 5


def test_a_device_that_refuses_to_record_plays_pass_by_pass():
    with recorded_worker(refuses=True) as worker, tiny_worker(on_fast_passes(tiny_model())) as twin:
        worker.loop.whole.is_on = True
        with torch.inference_mode():
            worker.loop.warm_up()
        for index in range(5):
            crcs = [play(one, index, {"parameters": STEPS}) for one in (worker, twin)]
            assert crcs[0].frames_crc32 == crcs[1].frames_crc32
        refusal = "it cannot be recorded (operation not permitted when stream is capturing)"
        assert worker.loop.whole.by_pass == {refusal: 5}
        assert crcs[0].backends["chunk"] == f"pass by pass: {refusal}"


def test_positions_that_count_on_are_never_recorded():
    rule = CacheRule(positions=Positions.ABSOLUTE)
    model = on_fast_passes(with_rule(tiny_model(), rule, CacheWindow(window_latents=6)))
    model.sampler.passes.graphs = Recorder()
    with tiny_worker(model) as worker:
        worker.loop.whole.is_on = True
        with torch.inference_mode():
            worker.loop.warm_up()
        for index in range(4):
            worker.run(plan(index, parameters=STEPS))
        assert worker.loop.whole.num_played == 0


def test_a_hard_cut_fills_the_cache_and_goes_on_as_one():
    with recorded_worker() as worker:
        worker.loop.whole.is_on = True
        with torch.inference_mode():
            worker.loop.warm_up()
        for index in range(5):
            play(worker, index, {"parameters": STEPS})
        before = worker.loop.whole.num_played
        play(worker, 5, {"parameters": STEPS} | HARD)
        for index in range(6, 9):
            play(worker, index, {"parameters": STEPS})
        assert worker.loop.whole.num_played == before + 2
