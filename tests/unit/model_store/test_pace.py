"""Rates and times to go, with the time as an argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model_store.pace import Pace


def test_nothing_is_known_before_the_second_look():
    pace = Pace()
    pace.note(0, 0.0)
    assert pace.rate_bytes_s() == 0
    assert pace.left_s(100) is None


@given(rate=st.integers(1, 10**9), seconds=st.integers(2, 100))
def test_a_steady_rate_is_told_as_it_is(rate, seconds):
    pace = Pace()
    for second in range(seconds):
        pace.note(rate * second, float(second))
    assert pace.rate_bytes_s() == pytest.approx(rate)
    assert pace.left_s(rate * (seconds + 4)) == pytest.approx(5)


def test_what_was_long_ago_does_not_count():
    pace = Pace()
    for second in range(60):
        pace.note(1000 * second, float(second))
    for second in range(60, 90):
        pace.note(59_000 + 10 * (second - 59), float(second))
    assert pace.rate_bytes_s() == pytest.approx(10)


def test_a_file_that_starts_over_has_no_negative_rate():
    pace = Pace()
    pace.note(0, 0.0)
    pace.note(5000, 1.0)
    pace.note(100, 2.0)
    assert pace.rate_bytes_s() == 0
    pace.note(200, 3.0)
    assert pace.rate_bytes_s() == pytest.approx(100)
