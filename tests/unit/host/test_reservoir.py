"""The reservoir keeps a stretch of content without gaps."""

from hypothesis import given
from hypothesis import strategies as st

from engine.host.playout.reservoir import Reservoir
from tests.programs import chunk, solid


def frames(num_frames, first=0):
    return chunk([solid((0, 0, 0), 2, 2)] * num_frames, first)


def test_frames_are_found_by_their_index():
    reservoir = Reservoir()
    reservoir.append(frames(3))
    reservoir.append(frames(2, first=3))
    assert [reservoir.get(i).number for i in range(5)] == [0, 1, 2, 3, 4]
    assert reservoir.get(5) is None
    assert reservoir.get(-1) is None


def test_forgotten_frames_are_gone_and_the_others_keep_their_index():
    reservoir = Reservoir()
    reservoir.append(frames(6))
    reservoir.forget_before(4)
    assert reservoir.get(3) is None
    assert reservoir.get(4).number == 4
    assert (len(reservoir), reservoir.end) == (2, 6)


def test_forgetting_more_than_there_is_leaves_an_empty_reservoir_that_goes_on():
    reservoir = Reservoir()
    reservoir.append(frames(3))
    reservoir.forget_before(100)
    assert (len(reservoir), reservoir.end) == (0, 3)
    reservoir.append(frames(1, first=3))
    assert reservoir.get(3).number == 3


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=20))
def test_every_frame_that_is_there_has_its_own_number(script):
    reservoir, fed, oldest = Reservoir(), 0, 0
    for num_frames, forget in script:
        reservoir.append(frames(num_frames, first=fed))
        fed += num_frames
        reservoir.forget_before(forget)
        oldest = max(oldest, min(forget, fed))
        assert reservoir.end == fed
        assert len(reservoir) == fed - oldest
        assert all(reservoir.get(i).number == i for i in range(oldest, fed))
