"""A running show that is steered through a VACE stack, from the source to the picture."""

import numpy as np
import pytest
import torch

from engine.protocol.values import CacheAction, Cut
from engine.worker.models.wan.vace import VaceStack
from engine.worker.resets import State
from tests.tiny_worker import FRAMES_PER_CHUNK, SIZE_PX, plan, tiny_vace_model, tiny_worker

CONTROL = {"steps": 1.0, "control_amount": 1.0, "control_kind": 1.0}
HARD = {"cut": Cut.HARD, "cache_action": CacheAction.RESET}
HALF = np.zeros((SIZE_PX, SIZE_PX), np.bool_)
HALF[:, : SIZE_PX // 2] = True


def steered(parameters=CONTROL, prepare=None, *, with_vae=False, chunks=1):
    """Return the reports of the first chunks of a show with a source."""
    with tiny_worker(tiny_vace_model(with_vae=with_vae)) as worker:
        if prepare:
            prepare(worker.loop.vace)
        newest = worker.deliver(FRAMES_PER_CHUNK)
        return [
            worker.run(plan(index, parameters=parameters, input_until=newest))
            for index in range(chunks)
        ]


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)


@pytest.mark.parametrize("with_vae", [False, True])
def test_the_source_steers_the_picture_by_the_amount(with_vae):
    amounts = (0.0, 0.5, 1.0)
    shown = {
        steered(CONTROL | {"control_amount": amount}, with_vae=with_vae)[0].frames_crc32
        for amount in amounts
    }
    assert len(shown) == len(amounts)


def test_amount_zero_neither_encodes_nor_runs_the_stack(monkeypatch):
    monkeypatch.setattr(VaceStack, "hints", None)
    (report,) = steered({"steps": 1.0, "control_amount": 0.0})
    assert report.condition is None


def test_another_map_makes_another_picture():
    kinds = [steered(CONTROL | {"control_kind": kind})[0].frames_crc32 for kind in (1.0, 2.0)]
    assert kinds[0] != kinds[1]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda stage: stage.set_mask(HALF),
        lambda stage: stage.set_references([picture(1)]),
        lambda stage: stage.give_frames(first=picture(1)),
        lambda stage: stage.give_frames(last=picture(1)),
    ],
    ids=["mask", "reference", "first frame", "last frame"],
)
def test_what_a_performer_sets_changes_the_picture(prepare):
    assert steered(prepare=prepare)[0].frames_crc32 != steered()[0].frames_crc32


def test_a_reference_is_followed_without_any_source():
    shown = []
    for images in ([], [picture(1)], [picture(2)]):
        with tiny_worker(tiny_vace_model()) as worker:
            worker.loop.vace.set_references(images)
            shown.append(worker.run(plan(0, parameters=CONTROL)).frames_crc32)
    assert len(set(shown)) == 3


@pytest.mark.parametrize("with_vae", [False, True])
def test_a_replay_needs_neither_source_nor_mask_nor_reference(with_vae):
    def prepare(stage):
        stage.set_mask(HALF)
        stage.set_references([picture(1)])

    parameters = CONTROL | {"input_amount": 0.5, "motion_amount": 1.0}
    reports = steered(parameters, prepare, with_vae=with_vae, chunks=3)
    with tiny_worker(tiny_vace_model(with_vae=with_vae)) as worker:
        for index, report in enumerate(reports):
            again = plan(index, parameters=parameters, recorded_condition=report.condition)
            assert worker.run(again).frames_crc32 == report.frames_crc32


def played(worker, chunks=2):
    newest = worker.deliver(FRAMES_PER_CHUNK)
    for index in range(chunks):
        worker.run(plan(index, parameters=CONTROL, input_until=newest))
    return newest


def test_a_show_under_control_uses_streams_of_its_own():
    with tiny_worker(tiny_vace_model()) as worker:
        played(worker)
        fresh = {state for state in State if worker.loop.is_fresh(state)}
    assert fresh == {State.ENCODE_VIDEO, State.VIDEO_NOISE}


def test_a_hard_cut_resets_each_stream_and_a_soft_cut_keeps_them():
    streams = (State.ENCODE_REACTIVE, State.ENCODE_INACTIVE)
    with tiny_worker(tiny_vace_model()) as worker:
        newest = played(worker)
        worker.loop.cross_boundary(plan(2, cut=Cut.SOFT, blend=0.5, input_until=newest))
        assert not any(worker.loop.is_fresh(state) for state in streams)
        worker.loop.cross_boundary(plan(3, input_until=newest, **HARD))
        assert all(worker.loop.is_fresh(state) for state in streams)


@pytest.mark.parametrize("with_vae", [False, True])
def test_a_hard_cut_starts_over_exactly(with_vae):
    with tiny_worker(tiny_vace_model(with_vae=with_vae)) as worker:
        newest = played(worker, chunks=0)
        first, *_ = (
            worker.run(plan(i, parameters=CONTROL, input_until=newest)).frames_crc32
            for i in range(3)
        )
        cut = plan(3, parameters=CONTROL, input_until=newest, chunk_in_cut=0, **HARD)
        assert worker.run(cut).frames_crc32 == first


def test_a_model_without_a_stack_has_no_stage():
    with tiny_worker() as worker:
        assert worker.loop.vace is None


def test_warming_up_leaves_nothing_behind():
    with tiny_worker(tiny_vace_model()) as worker, torch.inference_mode():
        worker.loop.warm_up()
        used = {state for state in State if worker.loop.is_fresh(state) is False}
    assert used <= {State.PREPROCESSOR, State.CROSS_ATTENTION}


def test_warming_up_runs_the_stack(monkeypatch):
    plain, calls = VaceStack.hints, []

    def counted(self, *inputs):
        calls.append(inputs)
        return plain(self, *inputs)

    monkeypatch.setattr(VaceStack, "hints", counted)
    with tiny_worker(tiny_vace_model()) as worker, torch.inference_mode():
        worker.loop.warm_up()
    assert len(calls) == 2
