"""How models and sizes are written: what one process writes, another reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.model_names import (
    has_vace,
    pixels_of,
    pixels_text,
    with_vace,
    without_vace,
)

sides = st.integers(1, 99_999)


def test_a_row_with_vace_is_named_after_the_one_below():
    assert with_vace("krea-14b") == "krea-14b-vace"
    assert has_vace("krea-14b-vace")
    assert without_vace("krea-14b-vace") == "krea-14b"


@pytest.mark.parametrize("name", ["krea-14b", "vace-14b", "", "/models/a-vace/mine"])
def test_only_the_end_of_a_name_tells_of_vace(name):
    assert not has_vace(name)
    assert without_vace(name) == name


@given(sides, sides)
def test_a_size_that_is_written_is_read_again(width_px, height_px):
    assert pixels_of(pixels_text(width_px, height_px)) == (width_px, height_px)


def test_the_width_comes_first():
    assert pixels_text(832, 480) == "832x480"
    assert pixels_of("832x480") == (832, 480)


@pytest.mark.parametrize(
    "text",
    [
        "", "832", "832x", "x480", "832×480", "832X480", "0x480", "-8x480", "8.5x480", "٨x٨", "²x²",
        " 832x480", "832x480\n", "832x480x3", "0832x480", "100000x16",
    ],
)  # fmt: skip
def test_what_is_no_size_is_none(text):
    assert pixels_of(text) is None
