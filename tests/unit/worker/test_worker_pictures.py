"""Frames to bytes, statistics, and the steps of a chunk."""

import numpy as np
import pytest
import torch

from engine.worker.models.spec import HOUSE, KREA_14B, LONGLIVE_1_3B, MODELS, SELF_FORCING_1_3B
from engine.worker.pictures import PictureWriter, bgrx_reference
from engine.worker.schedule import SigmaTable, steps_from_sigmas
from engine.worker.steps import chunk_steps, start_sigma
from engine.worker.telemetry import fault_in, picture_statistics

OWN = steps_from_sigmas((1.0, 0.7))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pictures_equal_their_plain_twin(dtype, layout):
    frames = torch.rand(12, 3, 32, 48).to(dtype).contiguous(memory_format=layout)
    writer = PictureWriter(12, 32, 48, torch.device("cpu"))
    assert np.array_equal(writer.write(frames), bgrx_reference(frames))


def test_red_is_red_and_the_fourth_byte_is_opaque():
    red = torch.zeros(1, 3, 16, 16)
    red[:, 0] = 1
    assert PictureWriter(1, 16, 16, torch.device("cpu")).write(red)[0, 0, 0].tolist() == [
        0, 0, 255, 255,
    ]  # fmt: skip


def test_a_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match="got frames"):
        PictureWriter(12, 32, 32, torch.device("cpu")).write(torch.zeros(12, 3, 32, 64))


def test_statistics_of_a_moving_red_picture():
    frames = torch.zeros(12, 3, 16, 16)
    frames[:, 0] = torch.linspace(0, 1, 12).view(12, 1, 1)
    statistics = picture_statistics(frames)
    assert statistics.mean == pytest.approx(0.5 / 3)
    assert statistics.saturation == pytest.approx(0.5)
    assert statistics.motion == pytest.approx(1 / 11 / 3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_one_broken_pixel_is_seen(bad):
    frames = torch.rand(12, 3, 16, 16)
    frames[3, 1, 5, 7] = bad
    assert fault_in(picture_statistics(frames), is_first=True)


def test_a_flat_picture_is_a_fault_but_not_in_the_first_chunk():
    flat = picture_statistics(torch.full((12, 3, 16, 16), 0.3))
    assert "collapsed" in fault_in(flat, is_first=False)
    assert fault_in(flat, is_first=True) == ""


def test_the_models_own_number_of_steps_is_used_as_it_is():
    assert chunk_steps(HOUSE.steps, len(HOUSE.steps)) is HOUSE.steps


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_any_number_of_steps_falls_from_pure_noise(count):
    sigmas = chunk_steps(OWN, count).sigmas
    assert len(sigmas) == count
    assert sigmas[0] == 1.0
    assert list(sigmas) == sorted(set(sigmas), reverse=True)


def test_four_steps_lie_on_the_curve_of_two():
    assert chunk_steps(OWN, 4).sigmas == pytest.approx((1.0, 0.85, 0.7, 0.35))


@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
def test_a_video_start_begins_at_the_noise_that_it_is_mixed_with(amount):
    steps = chunk_steps(OWN, 2, start_sigma(amount))
    assert steps.start_sigma == steps.sigmas[0] == pytest.approx(start_sigma(amount))


def test_more_input_leaves_less_noise():
    amounts = (0.0, 0.25, 0.5, 0.75, 1.0)
    starts = [chunk_steps(OWN, 2, start_sigma(amount)).start_sigma for amount in amounts]
    assert starts == sorted(starts, reverse=True)
    assert starts[-1] < 0.2


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_other_counts_of_a_warped_list_are_the_warped_even_list(count):
    spec = SELF_FORCING_1_3B
    table = SigmaTable(spec.shift)
    even = table.warp([round(1000 * (1 - index / count)) for index in range(count)])
    found = chunk_steps(spec.steps, count, shift=spec.shift).timesteps
    assert found == pytest.approx(even, abs=0.5)  # the table has whole thousandths only


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_a_model_that_cleans_up_at_the_end_does_so_at_any_count(count):
    options = {"shift": KREA_14B.shift, "ends_clean": KREA_14B.ends_clean}
    steps = chunk_steps(KREA_14B.steps, count, **options)
    assert steps.timesteps == SigmaTable(5.0).strength_timesteps(1.0, count)
    video = chunk_steps(KREA_14B.steps, count, start_sigma(0.4), **options)
    assert video.start_sigma == pytest.approx(start_sigma(0.4), abs=2e-3)  # thousandths again


def test_no_wish_is_the_models_own_list():
    assert chunk_steps(KREA_14B.steps, 0) is KREA_14B.steps


def test_a_model_that_tells_less_is_told_so_in_its_first_step_on_video_only():
    spec, share = SELF_FORCING_1_3B, 0.7
    told = chunk_steps(spec.steps, 4, share, shift=spec.shift, tells_less=spec.tells_less)
    plain = chunk_steps(spec.steps, 4, share, shift=spec.shift)
    assert told.start_sigma == plain.start_sigma == pytest.approx(share)
    assert (told.timesteps[0], plain.timesteps[0]) == (600.0, pytest.approx(700.0))
    assert told.sigmas[0] == SigmaTable(spec.shift).sigma_at(600.0)
    assert told.timesteps[1:] == plain.timesteps[1:]


def test_without_a_video_nothing_is_understated():
    spec = LONGLIVE_1_3B
    assert chunk_steps(spec.steps, 0, shift=spec.shift, tells_less=True) is spec.steps
    told = chunk_steps(spec.steps, 3, shift=spec.shift, tells_less=True)
    assert told == chunk_steps(spec.steps, 3, shift=spec.shift)


@pytest.mark.parametrize("share", [0.06, 0.1, 0.15])
def test_the_least_noise_is_told_as_none_at_the_lowest(share):
    steps = chunk_steps(SELF_FORCING_1_3B.steps, 4, share, shift=5.0, tells_less=True)
    assert steps.timesteps[0] == max(int(1000 * share) - 100, 0)
    assert steps.start_sigma == share


def test_each_published_rule_has_its_models():
    told = {spec.name: (spec.ends_clean, spec.tells_less) for spec in MODELS.values()}
    assert told.pop("house") == (False, False)
    assert {rule for name, rule in told.items() if "krea" in name} == {(True, False)}
    assert {rule for name, rule in told.items() if "krea" not in name} == {(False, True)}
