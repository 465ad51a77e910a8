"""Modulators as their panel edits them."""

from __future__ import annotations

import pytest

from app.core.modulator_form import RATES, changed, form_of, share_of, with_rate, without
from engine.protocol.modulators import MODULATED, SHAPES, Modulator, check_modulators

ONE = Modulator(parameter="dimmer", shape="saw", beats=8.0, depth=-0.25, offset=0.5)


def test_a_row_says_what_the_modulator_does():
    form = form_of(ONE)
    assert (MODULATED[form.label], SHAPES[form.shape]) == ("dimmer", "saw")
    assert form.rates[form.rate].text == "8 beats"
    assert (form.depth, form.offset) == ("-25", "50")


def test_a_rate_of_the_files_own_is_kept_as_one_more_entry():
    odd = Modulator(parameter="dimmer", beats=0.0, hz=0.37)
    form = form_of(odd)
    assert form.rates[form.rate].text == "0.37 Hz"
    assert with_rate(odd, form.rates[form.rate]) == odd


def test_every_rate_of_the_list_can_be_chosen_and_comes_back():
    for place, rate in enumerate(RATES):
        one = with_rate(ONE, rate)
        check_modulators((one,))
        assert form_of(one).rate == place


@pytest.mark.parametrize(
    ("text", "share"),
    [("25", 0.25), (" -30 % ", -0.3), ("12,5", 0.125), ("900", 1.0), ("loud", None), ("nan", None)],
)
def test_a_percentage_is_read_as_hands_write_it(text, share):
    assert share_of(text, -1.0, 1.0) == share


def test_a_list_is_edited_in_place():
    two = Modulator(parameter="saturation")
    assert changed((ONE, two), 1, ONE) == (ONE, ONE)
    assert without((ONE, two), 0) == (two,)
