"""Ranges that are followed slowly: what makes control maps calm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.preprocess.slow_range import SlowRange

RATE, MIN_WIDTH = 0.06, 0.2
FRAMES = st.lists(
    st.tuples(
        st.floats(-1e4, 1e4), st.floats(0, 1e4), st.sampled_from(["ramp", "flat", "nan", "odd"])
    ),
    min_size=2,
    max_size=40,
)


def follower(low_share=0.1):
    return SlowRange(low_share, 0.9, min_width=MIN_WIDTH, rate=RATE)


def frame(start, width, shape="ramp"):
    field = np.linspace(start, start + width, 256, dtype=np.float32).reshape(16, 16)
    if shape == "flat":
        field[:] = start
    if shape == "nan":
        field[:] = np.nan
    if shape == "odd":
        field[3], field[4], field[5] = np.nan, np.inf, -np.inf
    return field


@settings(deadline=None)
@given(FRAMES)
def test_whatever_comes_a_map_stays_between_0_and_1_and_holds_no_nan(frames):
    slow = follower()
    for parts in frames:
        found = slow.norm(frame(*parts))
        assert np.isfinite(found).all()
        assert found.min() >= 0
        assert found.max() <= 1


@settings(deadline=None)
@given(FRAMES)
def test_an_end_never_moves_by_more_than_its_rate_of_the_width(frames):
    slow = follower()
    before = None
    for parts in frames:
        slow.norm(frame(*parts))
        if before is not None and slow.ends is not None:
            most = RATE * max(before.high - before.low, MIN_WIDTH)
            moved = np.abs(np.subtract(slow.ends, before)).max()
            assert moved <= most * (1 + 1e-6) + 1e-9
        before = slow.ends


@settings(max_examples=12, deadline=None)
@given(st.floats(-100, 100), st.floats(0.3, 100), st.floats(-100, 100), st.floats(0.3, 100))
def test_it_settles_on_a_new_scene(start, width, new_start, new_width):
    slow = follower()
    slow.norm(frame(start, width))
    for _ in range(500):
        slow.norm(frame(new_start, new_width))
    fresh = follower()
    wanted = fresh.norm(frame(new_start, new_width))
    assert np.abs(slow.norm(frame(new_start, new_width)) - wanted).max() < 0.02


def test_a_black_picture_gives_a_black_map_and_not_blown_up_noise():
    slow = follower()
    noise = np.random.default_rng(0).normal(0, 0.004, (64, 64)).astype(np.float32)
    assert np.array_equal(follower().norm(np.zeros((8, 8), np.float32)), np.zeros((8, 8)))
    assert slow.norm(noise).max() < 0.15


def test_a_frame_without_a_finite_value_leaves_the_range_alone():
    slow = follower()
    slow.norm(frame(0, 1))
    before = slow.ends
    assert not slow.norm(frame(0, 1, "nan")).any()
    assert slow.ends == before


def test_a_flash_moves_what_is_shown_by_a_few_hundredths():
    slow = follower()
    before = slow.norm(frame(0, 0.5))
    slow.norm(frame(20, 30))
    assert np.abs(slow.norm(frame(0, 0.5)) - before).max() < 0.12


def test_an_end_that_is_pinned_stays_at_0():
    slow = follower(low_share=None)
    for _ in range(50):
        found = slow.norm(frame(2, 1))
    assert slow.ends is not None
    assert slow.ends.low == 0
    assert found.min() == pytest.approx(2 / slow.ends.high, rel=1e-3)
