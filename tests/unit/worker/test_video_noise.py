"""Motion-aware noise: off is off, full is the documented rule, the amount keeps its say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.worker.schedule import noise_share_streamdiffusion
from engine.worker.video_noise import VideoNoise

SHARES = st.floats(0.15, 1.0)
NORM = st.floats(0.0, 1.0)
CHUNKS = st.lists(st.tuples(SHARES, NORM), min_size=1, max_size=8)


@given(CHUNKS)
def test_the_knob_at_zero_is_exactly_out_of_the_way(chunks):
    noise = VideoNoise()
    assert [noise.share(*chunk, 0.0) for chunk in chunks] == [initial for initial, _ in chunks]


@given(CHUNKS)
def test_the_knob_at_one_is_the_documented_rule_exactly(chunks):
    noise, before = VideoNoise(), chunks[0][0]
    for initial, motion in chunks:
        before = noise_share_streamdiffusion(motion, before, initial)
        assert noise.share(initial, motion, 1.0) == before


@given(SHARES, st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_more_knob_lets_motion_lower_the_noise_further(initial, motion, knob):
    part, whole = VideoNoise(), VideoNoise()
    lowered = initial - part.share(initial, motion, knob)
    assert 0 < lowered <= initial - whole.share(initial, motion, 1.0) + 1e-12


@pytest.mark.parametrize("knob", [0.0, 0.5, 1.0])
def test_the_amount_keeps_its_say_at_any_setting(knob):
    shares = [VideoNoise().share(initial, 0.7, knob) for initial in (0.2, 0.5, 0.9)]
    assert shares[1] - shares[0] == pytest.approx(0.3)
    assert shares[2] - shares[1] == pytest.approx(0.4)


@given(CHUNKS, NORM)
def test_shares_stay_inside_what_can_be_mixed(chunks, knob):
    noise = VideoNoise()
    assert all(0 < noise.share(*chunk, knob) <= 1 for chunk in chunks)


def test_a_reset_forgets_the_share_before():
    noise = VideoNoise()
    first = noise.share(0.8, 1.0, 1.0)
    noise.share(0.3, 0.0, 1.0)
    noise.reset()
    assert noise.is_fresh
    assert noise.share(0.8, 1.0, 1.0) == first
