"""Chunks of a tiny real model: cuts, blends, faults, parameters, and length without limit."""

import gc

import numpy as np
import psutil
import pytest
import torch

from engine.protocol.orders import ChunkReport, FramesReady
from engine.protocol.values import CacheAction, Cut, WeightedPrompt
from engine.worker.streams import Streams
from tests.tiny_worker import FRAMES_PER_CHUNK, SIZE_PX, plan, tiny_model, tiny_worker

FIRE, WATER = "slow red fire", "fast blue water"


def hard_cut(index: int, **changes):
    cut = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "cut_number": 1, "chunk_in_cut": 0}
    return plan(index, **(cut | {"seed": 99} | changes))


def mix(blend: float) -> tuple[WeightedPrompt, ...]:
    return (
        WeightedPrompt(text=FIRE, weight=1 - blend),
        WeightedPrompt(text=WATER, weight=blend),
    )


def test_frames_are_told_of_before_the_report():
    with tiny_worker() as worker:
        worker.run(plan(0))
        assert [type(event) for event in worker.events] == [FramesReady, ChunkReport]


def test_the_ring_holds_the_frames_that_were_told_of():
    with tiny_worker() as worker:
        report = worker.run(plan(4))
        ready = worker.events[0]
        frame = worker.shown.read(ready.first_frame + ready.num_frames - 1)
    assert ready.num_frames == report.num_frames == FRAMES_PER_CHUNK
    assert frame.pixels.shape == (SIZE_PX, SIZE_PX, 4)
    assert (frame.meta.chunk_index, frame.meta.media_index) == (4, 11)


def test_a_report_names_every_stage():
    with tiny_worker() as worker:
        report = worker.run(plan(0))
    assert set(report.stage_ms) == {
        "condition", "denoise", "decode", "hand_on", "commit", "total"
    }  # fmt: skip
    assert report.shapes["frames"] == (FRAMES_PER_CHUNK, SIZE_PX, SIZE_PX)


def test_a_hard_cut_changes_the_picture_at_the_boundary_it_names_and_nowhere_before():
    with tiny_worker() as plain, tiny_worker() as cut:
        for index in range(6):
            changed = hard_cut(index) if index == 3 else plan(index)
            shown = [
                plain.pictures(plain.run(plan(index))), cut.pictures(cut.run(changed))
            ]  # fmt: skip
            assert np.array_equal(*shown) == (index < 3)


def test_a_hard_cut_lands_on_its_first_frame():
    with tiny_worker() as worker:
        before = worker.pictures(worker.run(plan(0)))[-1].astype(int)
        after = worker.pictures(worker.run(hard_cut(1))).astype(int)
    alone = tiny_first_chunk(seed=99).astype(int)
    assert np.array_equal(after, alone)
    assert np.abs(after[0] - before).mean() > 5


def tiny_first_chunk(seed: int) -> np.ndarray:
    with tiny_worker() as worker:
        return worker.pictures(worker.run(plan(0, seed=seed)))


def test_a_soft_cut_moves_the_text_step_by_step_onto_the_target():
    with tiny_worker() as worker:
        target = worker.loop.model.prompts.try_mixed(mix(1.0)).rows
        distances = []
        for step in range(5):
            changes = {"cut": Cut.SOFT, "blend": step / 4, "text": mix(step / 4)}
            worker.run(plan(step, **changes))
            rows = worker.loop.model.sampler.text._text
            distances.append(float((rows - target).norm()))
    assert distances == sorted(distances, reverse=True)
    assert np.diff(distances) == pytest.approx(np.diff(distances)[0], rel=1e-4)
    assert distances[-1] < 1e-5


def test_a_soft_cut_keeps_the_context():
    with tiny_worker() as worker:
        worker.run(plan(0))
        recache = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE, "text": mix(0.5)}
        report = worker.run(plan(1, **recache))
    assert report.shapes["context_latents"] == (6,)


@pytest.mark.parametrize("recaches", [True, False])
def test_a_recache_rewrites_what_is_remembered_if_the_model_has_that_rule(recaches):
    shown = []
    for action in (CacheAction.KEEP, CacheAction.RECACHE):
        with tiny_worker(tiny_model(recaches=recaches)) as worker:
            worker.run(plan(0))
            worker.run(plan(1, text=mix(1.0), cache_action=action))
            shown.append(worker.loop.model.sampler.cache.layer(1)[0].clone())
    assert torch.equal(*shown) == (not recaches)


@pytest.mark.parametrize(
    "parameters",
    [{"steps": 3.0}, {"steps": 2.0, "memory_noise": 0.3}],
    ids=["steps", "memory noise"],
)
def test_a_parameter_changes_the_picture_of_the_chunks_after(parameters):
    with tiny_worker() as plain, tiny_worker() as changed:
        plain.run(plan(0))
        changed.run(plan(0, parameters=parameters))
        both = (plain.run(plan(1)), changed.run(plan(1, parameters=parameters)))
    assert both[0].frames_crc32 != both[1].frames_crc32


def test_more_input_shows_more_of_the_source():
    distances = []
    for amount in (0.0, 0.5, 1.0):
        with tiny_worker() as worker:
            newest = worker.deliver(24)
            parameters = {"steps": 2.0, "input_amount": amount}
            report = worker.run(plan(0, parameters=parameters, input_until=newest))
            shown = worker.pictures(report)[..., :3].astype(float)
            seen = source_through_the_codec(worker, newest)
            distances.append(np.abs(shown - seen).mean())
    assert distances[2] < distances[1] < distances[0]


def source_through_the_codec(worker, newest) -> np.ndarray:
    streams = Streams.of(worker.loop.model.codec)
    frames = [worker.loop._inputs._ring.read(n).pixels for n in range(newest - 11, newest + 1)]
    pixels = torch.from_numpy(np.stack(frames)).movedim(-1, 1)[None].float() / 255
    decoded = streams.picture.push(streams.video.push(pixels))
    return decoded.flip(1).permute(0, 2, 3, 1).numpy() * 255


def broken_worker_report(value: float):
    model = tiny_model()
    with tiny_worker(model) as worker:
        worker.run(plan(0))
        model.codec.decoder[-1].bias.fill_(value)
        report = worker.run(plan(1))
        model.codec.decoder[-1].bias.zero_()
        written = worker.shown.num_written
        return report, written, worker.run(plan(2))


def test_a_picture_that_is_not_finite_is_not_shown_and_resets_with_that_reason():
    report, written, after = broken_worker_report(float("nan"))
    assert "not finite" in report.discarded
    assert (report.num_frames, written) == (0, FRAMES_PER_CHUNK)
    assert {"KV cache", "decode stream"} <= {reset.state for reset in report.resets}
    assert {reset.reason for reset in report.resets} == {report.discarded}
    assert after.discarded == ""
    assert after.statistics.finite


def test_a_collapsed_picture_is_not_shown():
    report, _, after = broken_worker_report(100.0)
    assert "collapsed" in report.discarded
    assert after.num_frames == FRAMES_PER_CHUNK


def test_no_source_selected_means_no_condition():
    with tiny_worker() as worker:
        worker.deliver(12)
        report = worker.run(plan(0, parameters={"control_amount": 1.0, "input_amount": 1.0}))
    assert (report.condition, report.input_last) == (None, None)


def test_a_warm_up_leaves_no_trace():
    with tiny_worker() as warm, tiny_worker() as cold:
        with torch.inference_mode():
            warm.loop.warm_up()
        assert warm.shown.num_written == 0
        assert warm.run(plan(0)).frames_crc32 == cold.run(plan(0)).frames_crc32


def test_five_hundred_chunks_run_without_a_reset_and_without_growing():
    resets, sizes = [], []
    with tiny_worker() as worker:
        for index in range(500):
            resets += worker.run(plan(index, parameters={"steps": 1.0})).resets
            worker.events.clear()
            if index in (100, 499):
                gc.collect()
                sizes.append(psutil.Process().memory_info().rss)
        assert worker.loop.model.sampler.cache.state.position == 1500
        assert worker.loop.frame_counter == 500 * FRAMES_PER_CHUNK
    assert resets == []
    assert sizes[1] - sizes[0] < 2.5 * 2**20  # 6 KiB a chunk; without a leak it is 0.3 MiB
