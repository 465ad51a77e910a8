"""Noise levels against the formulas, written out once more."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.worker.schedule import (
    DenoisingSteps,
    SigmaTable,
    add_noise,
    clean_from_flow,
    first_video_timestep,
    flow_from_clean,
    motion_share,
    noise_share_scope,
    resample_indices,
    steps_from_sigmas,
)

shifts = st.floats(0.5, 12)


@given(shifts)
def test_the_table_falls_from_one_and_never_reaches_zero(shift):
    sigmas = SigmaTable(shift).sigmas
    assert (len(sigmas), sigmas[0]) == (1000, 1)
    assert (np.diff(sigmas) < 0).all()
    assert sigmas[-1] > 0


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(5.0, (1000.0, 937.5, 833.3333, 625.0)), (8.0, (1000.0, 960.0, 888.8889, 727.2727))],
)
def test_the_usual_four_steps_warp_to_the_published_timesteps(shift, expected):
    assert SigmaTable(shift).warp([1000, 750, 500, 250]) == pytest.approx(expected, abs=1e-3)


def test_timestep_zero_has_the_smallest_sigma_of_the_table():
    assert SigmaTable(5.0).sigma_at(0.0) == pytest.approx(0.0049801, abs=1e-6)


@given(shifts, st.integers(0, 999))
def test_a_timestep_of_the_table_finds_its_own_sigma(shift, index):
    table = SigmaTable(shift)
    assert table.sigma_at(float(table.timesteps[index])) == table.sigmas[index]


@pytest.mark.parametrize(
    ("strength", "count", "expected"),
    [
        (1.0, 5, (1000, 937.5, 833.3333, 625.0, 0)),
        (1.0, 4, (1000, 908.8427, 713.9794, 0)),
        (0.6, 4, (882.3529, 769.2308, 555.5556, 0)),
    ],
)
def test_strength_lists_are_the_published_ones(strength, count, expected):
    found = SigmaTable(5.0).strength_timesteps(strength, count)
    assert found == pytest.approx(expected, abs=1e-3)


@given(st.integers(1, 100), st.integers(2, 12))
def test_strength_lists_truncate_as_torch_does(percent, count):
    start = 1000 * (percent / 100)
    expected = torch.linspace(start, 0, count).trunc().long().tolist()
    table = SigmaTable(5.0)
    assert table.strength_timesteps(percent / 100, count) == table.warp(expected)


def test_strength_below_one_starts_from_a_video_latent():
    steps = SigmaTable(5.0).strength_steps(0.6, 4)
    assert steps.start_sigma == pytest.approx(0.8823529)
    assert len(steps) == 4


def test_a_video_start_is_told_less_noise_than_it_has():
    table = SigmaTable(8.0)
    steps = table.video_steps((1000.0, 960.0, 888.9), 0.7)
    assert steps.start_sigma == 0.7
    assert steps.timesteps == (600.0, 960.0, 888.9)
    assert steps.sigmas[0] == table.sigma_at(600.0)
    assert first_video_timestep(0.7) == 600


@given(st.floats(0, 3), st.floats(0, 1))
def test_more_motion_never_means_more_noise(rms, previous):
    share = noise_share_scope(motion_share(rms), previous)
    assert share <= noise_share_scope(motion_share(rms / 2), previous)
    assert 0 <= motion_share(rms) <= 1


@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(0.01, 1))
def test_flow_leads_from_noisy_back_to_clean(clean, noise, sigma):
    noisy = add_noise(clean, noise, sigma)
    assert clean_from_flow(noisy, noise - clean, sigma) == pytest.approx(clean, abs=1e-9)
    assert flow_from_clean(noisy, clean, sigma) == pytest.approx(noise - clean, abs=1e-6)


def test_flow_without_noise_is_refused():
    with pytest.raises(ValueError, match="sigma 0"):
        flow_from_clean(1.0, 1.0, 0.0)


def test_exact_sigmas_are_told_as_thousandths():
    steps = steps_from_sigmas((1.0, 0.7))
    assert (steps.timesteps, steps.sigmas) == (pytest.approx((1000, 700)), (1.0, 0.7))
    with pytest.raises(ValueError, match="at least one"):
        DenoisingSteps(timesteps=(), sigmas=())


@given(st.integers(1, 40), st.integers(1, 40))
def test_resampling_keeps_the_ends_and_the_order(available, wanted):
    indices = resample_indices(available, wanted)
    assert len(indices) == wanted
    assert list(indices) == sorted(indices)
    assert indices[0] == 0
    assert wanted == 1 or indices[-1] == available - 1
