"""The parameter table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.protocol.parameters import PARAMETERS, Applies, Kind, defaults, parameter

rows = st.sampled_from(list(PARAMETERS.values()))


@pytest.mark.parametrize("row", PARAMETERS.values(), ids=PARAMETERS)
def test_a_row_is_complete_and_its_default_is_a_clean_value(row):
    assert row.label
    assert row.help.endswith(".")
    assert row.low < row.high
    assert row.clean(row.default) == row.default


@pytest.mark.parametrize("row", PARAMETERS.values(), ids=PARAMETERS)
def test_choices_and_switches_span_what_they_name(row):
    if row.kind is Kind.CHOICE:
        assert (row.low, row.high) == (0, len(row.choices) - 1)
    if row.kind is Kind.SWITCH:
        assert (row.low, row.high) == (0, 1)


@pytest.mark.parametrize("row", PARAMETERS.values(), ids=PARAMETERS)
def test_only_a_continuous_row_of_the_generator_ramps(row):
    assert not row.ramps or (row.kind is Kind.CONTINUOUS and row.applies is Applies.CHUNK)


@given(rows, st.floats(allow_nan=False, allow_infinity=False))
def test_a_clean_value_lies_in_the_range_and_stays_clean(row, value):
    clean = row.clean(value)
    assert row.low <= clean <= row.high
    assert row.clean(clean) == clean


@given(rows, st.floats(0, 1))
def test_a_controller_position_comes_back(row, norm):
    back = row.to_norm(row.from_norm(norm))
    if row.kind is Kind.CONTINUOUS:
        assert back == pytest.approx(norm, abs=1e-6)
    assert row.from_norm(back) == pytest.approx(row.from_norm(norm))


@given(rows, st.floats(0, 1), st.floats(0, 1))
def test_turning_up_never_lowers_the_value(row, one, other):
    low, high = sorted([one, other])
    assert row.from_norm(low) <= row.from_norm(high)


@given(rows)
def test_both_ends_can_be_reached(row):
    assert (row.from_norm(0), row.from_norm(1)) == (row.low, row.high)


@given(rows, st.floats(0, 1))
def test_every_value_has_a_text_for_people(row, norm):
    assert row.text(row.from_norm(norm))


@pytest.mark.parametrize("value", [math.nan, math.inf, "loud", None])
def test_what_is_no_number_is_refused_with_the_range(value):
    with pytest.raises(ConfigError, match="expected a number from 0 to 1"):
        parameter("dimmer").clean(value)


def test_an_unknown_row_is_refused_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"choose one of: .*dimmer"):
        parameter("dimmmer")


def test_defaults_are_split_by_when_they_apply():
    parts = [defaults(applies) for applies in Applies]
    assert {k: v for part in parts for k, v in part.items()} == defaults()
    assert sum(len(part) for part in parts) == len(PARAMETERS)
