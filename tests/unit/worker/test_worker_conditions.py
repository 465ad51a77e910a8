"""What a chunk saw, and replaying it bit for bit."""

import numpy as np
import pytest
import torch

from engine.errors import RemoteProtocolError
from engine.worker.conditions import Condition, from_bytes, to_bytes
from engine.worker.models.house.house import with_control
from engine.worker.preprocess.control import control_channels
from engine.worker.streams import VideoLatents
from tests.tiny_worker import FRAMES_PER_CHUNK, plan, tiny_worker

CPU = torch.device("cpu")
LIVE = {"steps": 2.0, "control_amount": 0.8, "control_kind": 1.0, "input_amount": 0.4}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_condition_survives_its_bytes_exactly(dtype):
    maps = np.random.default_rng(0).integers(0, 256, (12, 4, 4), np.uint8)
    video = VideoLatents(torch.randn(1, 3, 16, 4, 4).to(dtype))
    data = to_bytes(Condition(control=maps, video=video, input_first=3, input_last=14))
    assert data is not None
    back = from_bytes(data, CPU)
    assert back.video is not None
    assert torch.equal(back.video, video)
    assert np.array_equal(back.control, maps)
    assert (back.input_first, back.input_last, back.stale_frames) == (3, 14, 0)


def test_no_source_leaves_no_bytes():
    assert to_bytes(Condition()) is None


def test_damaged_bytes_are_one_sentence():
    with pytest.raises(RemoteProtocolError, match="take is damaged"):
        from_bytes(b"not a condition", CPU)


def test_control_channels_are_what_the_house_model_was_taught():
    maps = np.random.default_rng(0).integers(0, 256, (12, 4, 4), np.uint8)
    latents = torch.zeros(1, 3, 16, 4, 4)
    taught = with_control(latents, torch.from_numpy(maps).float().reshape(1, 3, 4, 4, 4) / 255)
    assert torch.equal(control_channels(maps, 1.0, 4, CPU), taught[:, :, 16:])


def test_half_the_amount_is_half_of_map_and_flag():
    maps = np.full((12, 4, 4), 255, np.uint8)
    channels = control_channels(maps, 0.5, 4, CPU)
    assert torch.all(channels == 0.5)


def test_a_number_of_maps_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="do not divide"):
        control_channels(np.zeros((10, 4, 4), np.uint8), 1.0, 4, CPU)


def live_show():
    """Return plans and reports of five chunks that a source conditioned, with a hard cut."""
    with tiny_worker() as worker:
        plans, reports = [], []
        for index in range(5):
            newest = worker.deliver(FRAMES_PER_CHUNK)
            plans.append(plan(index, parameters=LIVE | {"memory_noise": 0.1}, input_until=newest))
            reports.append(worker.run(plans[-1]))
        return plans, reports


def test_a_replay_of_recorded_conditions_is_bit_identical_without_the_source():
    plans, reports = live_show()
    with tiny_worker() as worker:
        for past, report in zip(plans, reports, strict=True):
            recorded = {"recorded_condition": report.condition, "input_until": None}
            fields = {f: getattr(past, f) for f in past.__struct_fields__} | recorded
            assert worker.run(type(past)(**fields)).frames_crc32 == report.frames_crc32


def test_the_source_does_change_the_picture():
    plans, reports = live_show()
    with tiny_worker() as worker:
        free = worker.run(plan(0, parameters=plans[0].parameters))
    assert free.frames_crc32 != reports[0].frames_crc32
    assert free.condition is None
