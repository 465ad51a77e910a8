"""One tick's picture: mixed, coloured, cropped, scaled, in a buffer that comes back by itself."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.host.playout.buffers import NUM_FREE, BufferPool
from engine.host.playout.clock import HELD, Decision, Mode, Share
from engine.host.playout.picture import Finish, PictureMaker, colour, crop_to_fill, mix
from engine.host.playout.reservoir import Reservoir
from tests.programs import chunk, solid

RED, BLUE = (0, 0, 200), (200, 0, 0)
PLAIN = Finish()
SIZES = st.integers(2, 400)


@pytest.fixture
def reservoir():
    reservoir = Reservoir()
    reservoir.append(chunk([solid(RED), solid(BLUE)]))
    return reservoir


def decision(*shares, keep_previous=False):
    return Decision(
        shares=tuple(Share(*share) for share in shares),
        keep_previous=keep_previous, mode=Mode.LIVE, frame=None,
    )  # fmt: skip


def colour_of(lease):
    return lease.pixels.reshape(-1, 4).mean(axis=0)


@given(SIZES, SIZES, SIZES, SIZES)
def test_crop_is_centred_has_the_aspect_and_wastes_nothing(width, height, out_width, out_height):
    cropped = crop_to_fill(np.zeros((height, width, 4), np.uint8), out_width, out_height)
    kept_height, kept_width = cropped.shape[:2]
    assert kept_width == width or kept_height == height
    assert abs(kept_width * out_height - kept_height * out_width) <= max(out_width, out_height)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=5), st.data())
def test_mix_is_the_weighted_mean_to_a_rounding(values, data):
    raw = [data.draw(st.floats(0.05, 1)) for _ in values]
    weights = [weight / sum(raw) for weight in raw]
    mixed = mix([solid((value,) * 3, 4, 4) for value in values], weights)
    expected = sum(v * w for v, w in zip(values, weights, strict=True))
    assert mixed[0, 0, :3] == pytest.approx(expected, abs=len(values))
    assert mixed[0, 0, 3] == 255


def test_mix_of_one_picture_is_that_picture_and_no_copy():
    picture = solid(RED)
    assert mix([picture], [1.0]) is picture


def test_mix_scales_pictures_of_another_size_to_the_first():
    mixed = mix([solid(RED, 64, 64), solid(BLUE, 96, 32)], [0.5, 0.5])
    assert mixed.shape == (64, 64, 4)
    assert mixed[30, 30, :3] == pytest.approx([100, 0, 100], abs=1)


def test_saturation_moves_away_from_luma_and_leaves_grey_alone():
    assert colour(solid((90, 90, 90)), 1.0, 2.0)[0, 0, :3] == pytest.approx([90] * 3, abs=1)
    doubled = colour(solid((100, 110, 120)), 1.0, 2.0)[0, 0, :3].astype(int)
    luma = 0.0722 * 100 + 0.7152 * 110 + 0.2126 * 120
    assert doubled == pytest.approx([2 * v - luma for v in (100, 110, 120)], abs=1)


def test_fade_starts_at_the_picture_that_was_on_air(reservoir):
    maker = PictureMaker(32, 32)
    maker.make(decision((0, 1.0)), reservoir, PLAIN)
    lease = maker.make(decision((HELD, 0.75), (1, 0.25), keep_previous=True), reservoir, PLAIN)
    assert colour_of(lease)[:3] == pytest.approx([50, 0, 150], abs=1)


def test_fade_from_nothing_starts_in_black(reservoir):
    maker = PictureMaker(32, 32)
    maker.make(decision(), reservoir, PLAIN)
    lease = maker.make(decision((HELD, 0.5), (0, 0.5), keep_previous=True), reservoir, PLAIN)
    assert colour_of(lease)[:3] == pytest.approx([0, 0, 100], abs=1)


def test_same_picture_again_costs_no_new_buffer_but_a_new_finish_does(reservoir):
    maker = PictureMaker(32, 32)
    first = maker.make(decision((0, 1.0)), reservoir, PLAIN)
    assert maker.make(decision((0, 1.0)), reservoir, PLAIN) is first
    dimmed = maker.make(decision((0, 1.0)), reservoir, Finish(dimmer=0.5))
    assert colour_of(dimmed)[:3] == pytest.approx([0, 0, 100], abs=1)
    assert colour_of(first)[:3] == pytest.approx(RED, abs=1)


def test_buffer_is_reused_only_after_its_last_holder_let_go():
    pool = BufferPool(8, 4)
    held, other = pool.take(), pool.take()
    address = held.buffer.ctypes.data
    assert other.buffer.ctypes.data != address
    del held
    gc.collect()
    assert pool.take().buffer.ctypes.data == address


def test_pool_keeps_only_a_few_free_buffers():
    pool = BufferPool(8, 4)
    leases = [pool.take() for _ in range(3 * NUM_FREE)]
    leases.clear()
    gc.collect()
    assert len(pool._free) == NUM_FREE
