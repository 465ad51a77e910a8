import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.midi_relative import MAX_FACTOR, Encoding, encoded, factor, step_norm, steps
from engine.protocol.parameters import PARAMETERS, parameter


@pytest.mark.parametrize(
    ("encoding", "right", "left", "still"),
    [(Encoding.TWOS, 1, 127, 0), (Encoding.OFFSET, 65, 63, 64), (Encoding.SIGN, 1, 65, 0)],
)
def test_each_encoding_says_one_step_its_own_way(encoding, right, left, still):
    assert [steps(encoding, value) for value in (right, left, still)] == [1, -1, 0]


@given(st.sampled_from(Encoding), st.integers(-63, 63))
def test_what_is_encoded_comes_back(encoding, count):
    assert steps(encoding, encoded(encoding, count)) == count


@given(st.integers(-64, 64), st.floats(0, 10), st.floats(0, 1))
def test_acceleration_stays_within_its_bounds_and_none_is_none(count, gap_s, amount):
    assert 1 <= factor(count, gap_s, amount) <= MAX_FACTOR
    assert factor(count, gap_s, 0.0) == 1


@given(st.integers(1, 8), st.floats(0.005, 1), st.floats(0.005, 1))
def test_faster_is_never_slower(count, one_s, other_s):
    assert factor(count, min(one_s, other_s), 1.0) >= factor(count, max(one_s, other_s), 1.0)


def test_a_list_moves_by_one_item_a_step():
    row = parameter("control_kind")
    assert row.from_norm(step_norm(row)) == 1
    assert step_norm(parameter("dimmer")) == 1 / 128
    assert all(0 < step_norm(row) <= 1 for row in PARAMETERS.values())
