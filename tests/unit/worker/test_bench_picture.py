"""What the picture bench calls motion, seams, drift, control and variety, on made-up clips."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.bench.picture_measures import (
    Meter,
    all_seams,
    brightness_cells,
    colour_histogram,
    correlation,
    drift,
    largest_step_back,
    measure,
    measured,
    outside,
    pairwise_difference,
    way,
)

CHUNK = 12
SEAMLESS = (1.0, 1.0, 1.0)


def ramp(steps, size=16):
    """Grey frames [F, 3, size, size] whose brightness changes by the given steps."""
    levels = torch.tensor([0, *steps]).cumsum(0).to(torch.uint8)
    return levels.view(-1, 1, 1, 1).expand(-1, 3, size, size).contiguous()


def jumping(steps_between, jump, every, num_frames=48):
    return ramp([jump if (i + 1) % every == 0 else steps_between for i in range(num_frames - 1)])


def ratios(clip):
    seams = measured(clip).seams()
    return seams.chunk_to_inside, seams.latent_to_inside, seams.chunk_to_latent


def noise(seed, num_frames=CHUNK, size=32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num_frames, 3, size, size), generator=generator).to(torch.uint8)


# ---------------------------------------------------------------- motion and seams


def test_even_motion_has_its_step_as_motion_and_no_seams():
    clip = ramp([2] * 47)
    assert measured(clip).means()["motion"] == pytest.approx(2 / 255)
    assert ratios(clip) == pytest.approx(SEAMLESS)


def test_a_still_clip_has_no_motion_and_no_seams():
    clip = noise(1, 1).expand(24, -1, -1, -1)
    assert measured(clip).means()["motion"] == 0
    assert ratios(clip) == SEAMLESS


def test_a_jump_at_every_chunk_is_a_chunk_seam_and_no_latent_seam():
    assert ratios(jumping(2, 6, CHUNK)) == pytest.approx((3, 1, 3))


def test_a_jump_at_every_latent_frame_is_no_chunk_seam():
    assert ratios(jumping(2, 4, 4)) == pytest.approx((2, 2, 1))


def test_a_jump_out_of_a_still_is_an_infinite_seam():
    assert measured(jumping(0, 6, CHUNK)).seams().chunk_to_latent == float("inf")


def test_seams_of_several_clips_count_every_edge_alike():
    quiet, loud = (measured(clip).seams() for clip in (jumping(2, 2, CHUNK), jumping(2, 6, CHUNK)))
    assert all_seams([quiet, loud]).chunk_to_inside == pytest.approx(2)


def test_one_chunk_has_no_seam_and_says_so():
    with pytest.raises(ValueError, match="12 frames have no seam"):
        measured(ramp([1] * 11)).seams()


def test_measuring_chunk_by_chunk_equals_measuring_at_once():
    clip, meter = noise(2, 36), Meter()
    for chunk in torch.split(clip, CHUNK):
        meter.push(chunk)
    whole, parts = measured(clip), meter.numbers()
    assert parts.num_chunks == 3
    for name in ("difference", "contrast", "saturation", "sharpness"):
        torch.testing.assert_close(
            getattr(parts, name), getattr(whole, name), equal_nan=True, atol=1e-6, rtol=1e-5
        )


def test_means_of_a_chunk_are_its_own():
    clip = torch.cat([ramp([0] * 11), ramp([0] * 11) + 50])
    numbers = measured(clip)
    assert numbers.means(0, 1)["motion"] == 0
    assert numbers.means(1, 2)["motion"] == pytest.approx(50 / 255 / 12)


# ---------------------------------------------------------------- contrast and colour


def test_grey_frames_have_neither_contrast_nor_saturation_nor_sharpness():
    means = measured(ramp([1] * 23)).means()
    assert (means["contrast"], means["saturation"], means["sharpness"]) == (0, 0, 0)


def test_half_black_half_white_has_half_contrast():
    clip = torch.zeros(12, 3, 16, 16, dtype=torch.uint8)
    clip[..., 8:] = 255
    means = measured(clip).means()
    assert means["contrast"] == pytest.approx(0.5)
    assert means["sharpness"] == pytest.approx(1 / 15)


def test_pure_red_is_fully_saturated_and_one_colour():
    red = torch.zeros(12, 3, 16, 16, dtype=torch.uint8)
    red[:, 0] = 255
    assert measured(red).means()["saturation"] == 1
    assert colour_histogram(red).tolist().count(0) == 63
    assert colour_histogram(red)[3 * 16] == 1


def test_a_batch_is_measured_as_its_clips():
    even = ramp([2] * 47)
    even[:, 0, :, 4:] = 200
    batch = measure(torch.stack([even, even]))
    assert batch.motion == pytest.approx(2 / 255 * (1 - 0.75 / 3))
    assert (batch.chunk_seam, batch.latent_seam) == pytest.approx((1, 1))
    assert "motion 1.00" in batch.relative_to(batch)


# ---------------------------------------------------------------- over time


def test_a_steady_loss_of_a_tenth_is_its_drift():
    found = drift([1 - 0.1 * i / 9 for i in range(10)])
    assert (found.fitted, found.worst) == pytest.approx((-0.1, -0.1))


def test_a_scene_that_swings_and_comes_back_has_a_worst_period_and_no_drift():
    found = drift([1.0, 1.2, 1.0, 0.8, 1.0])
    assert found.worst == pytest.approx(0.2)
    assert abs(found.fitted) == pytest.approx(0.16)
    assert drift([1.0, 1.2, 1.2, 1.0]).fitted == pytest.approx(0)


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=12), st.floats(0.1, 10))
def test_drift_does_not_depend_on_the_unit(values, unit):
    plain, scaled = drift(values), drift([unit * v for v in values])
    assert scaled.fitted == pytest.approx(plain.fitted, abs=1e-6)
    assert abs(scaled.worst) == pytest.approx(abs(plain.worst), abs=1e-6)


def test_a_scene_that_was_dead_from_the_start_does_not_drift():
    assert drift([0.0, 0.0, 0.0]).worst == 0


@given(st.floats(-1, 2))
def test_the_way_between_two_points_is_linear_and_blind_across(share):
    start, end = torch.tensor([0.2, 0.0, 1.0]), torch.tensor([0.7, 0.0, 0.0])
    across = torch.tensor([0.0, 5.0, 0.0])
    found = way((torch.lerp(start, end, share) + across)[None], start, end)
    assert found.item() == pytest.approx(share, abs=1e-5)


def test_the_way_between_one_and_the_same_point_is_half_gone():
    point = torch.ones(4)
    assert way(point[None], point, point).tolist() == [0.5]


def test_a_monotone_way_has_no_step_back():
    assert largest_step_back([0.0, 0.2, 0.2, 0.9]) == 0
    assert largest_step_back([0.0, 0.6, 0.5, 0.3, 0.9]) == pytest.approx(0.3)


# ---------------------------------------------------------------- control


def silhouette(num_frames=CHUNK, size=64):
    """A square that walks to the right by 8 px every frame; [F, size, size] in 0 to 1."""
    maps = torch.zeros(num_frames, size, size)
    for i in range(num_frames):
        left = (8 * i) % (size // 2)
        maps[i, 16:48, left : left + 24] = 1
    return maps


def lit(maps, background=0.0):
    picture = background + (1 - background) * maps
    return (picture * 255).round().to(torch.uint8).unsqueeze(1).expand(-1, 3, -1, -1)


def cells(maps):
    return torch.nn.functional.avg_pool2d(maps, 8)


def test_a_perfect_silhouette_correlates_fully_and_its_negative_against():
    maps = silhouette()
    found = brightness_cells(lit(maps))
    assert correlation(found, cells(maps)).item() == pytest.approx(1, abs=1e-5)
    assert correlation(found, 1 - cells(maps)).item() == pytest.approx(-1, abs=1e-5)


def test_a_silhouette_that_is_late_correlates_less():
    maps = silhouette()
    found = brightness_cells(lit(maps))
    assert correlation(found[1:], cells(maps)[:-1]).item() < 0.9


def test_brightness_is_the_largest_channel_whatever_the_colour():
    blue = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    blue[:, 2] = 255
    assert brightness_cells(blue).item() == 1


def test_a_plain_grey_clip_follows_no_map():
    grey = torch.full((CHUNK, 3, 64, 64), 90, dtype=torch.uint8)
    assert correlation(brightness_cells(grey), cells(silhouette())).item() == 0


def test_correlations_of_a_batch_are_those_of_its_clips():
    a, b = torch.rand(2, 3, 4, 8, 8).unbind(0)
    torch.testing.assert_close(
        correlation(a, b), torch.stack([correlation(x, y) for x, y in zip(a, b, strict=True)])
    )


def test_the_figure_itself_is_no_life_outside():
    maps = silhouette()
    found = outside(lit(maps, background=0.2), maps)
    assert found is not None
    assert (found.motion, found.contrast) == pytest.approx((0, 0), abs=1e-6)


def test_what_moves_behind_the_figure_is_life_outside():
    maps = torch.zeros(CHUNK, 64, 64)
    maps[:, 16:48, :24] = 1
    blinking = ramp([10, -10] * 5 + [10], size=64)
    found = outside(torch.where(maps[:, None] > 0, 255, blinking).to(torch.uint8), maps)
    assert found is not None
    assert found.motion == pytest.approx(10 / 255)


def test_a_map_without_an_outside_has_none():
    assert outside(noise(1, size=64), torch.ones(CHUNK, 64, 64)) is None


# ---------------------------------------------------------------- variety


def test_equal_clips_do_not_differ_and_black_and_white_do_fully():
    black, white = torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 255.0)
    assert pairwise_difference([black, black]) == 0
    assert pairwise_difference([black, white]) == 1
    assert pairwise_difference([black, black, white]) == pytest.approx(2 / 3)
