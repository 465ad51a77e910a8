"""What the picture bench calls motion, seams and a sheet, on frames whose numbers are known."""

import numpy as np
import pytest

from engine.bench.picture import contact_sheet, measure

CHUNK = 12


def ramp(steps):
    """Grey frames [F, 8, 8, 4] whose brightness changes by the given steps."""
    levels = np.concatenate([[0], np.cumsum(steps)]).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (len(levels), 8, 8, 4)).copy()


def test_even_motion_has_no_seams():
    numbers = measure("even", ramp([2] * 47), CHUNK)
    assert numbers.motion == pytest.approx(2 / 255)
    assert (numbers.chunk_seam, numbers.latent_seam, numbers.seam_ratio) == pytest.approx((1, 1, 1))


def test_a_jump_at_every_chunk_is_a_chunk_seam_and_no_latent_seam():
    numbers = measure("jumps", ramp([6 if (i + 1) % CHUNK == 0 else 2 for i in range(47)]), CHUNK)
    assert (numbers.chunk_seam, numbers.latent_seam) == pytest.approx((3, 1))


def test_grey_frames_have_neither_contrast_nor_saturation():
    numbers = measure("grey", ramp([1] * 23), CHUNK)
    assert (numbers.contrast, numbers.saturation) == (0, 0)


def test_pure_red_is_fully_saturated():
    red = np.zeros((24, 8, 8, 4), np.uint8)
    red[..., 2] = 255
    assert measure("red", red, CHUNK).saturation == 1


def test_less_than_two_chunks_are_refused_with_their_number():
    with pytest.raises(ValueError, match="23 frames"):
        measure("short", ramp([1] * 22), CHUNK)


def test_a_sheet_shows_the_first_moment_left_and_the_last_one_right():
    sheet = contact_sheet([("a", ramp([10] * 23)), ("b", ramp([0] * 23))], cell_px=32)
    assert sheet.shape == (64, 8 * 32, 3)
    assert (sheet[24, 8].max(), sheet[24, -8].min()) == (0, 230)
