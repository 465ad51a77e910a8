"""How pads lie: as their keys do, and larger where there is room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.pad_grid import GAP_PX, LEAST_HEIGHT_PX, LEAST_WIDTH_PX, columns


@pytest.mark.parametrize(
    ("room", "num_pads", "wanted"),
    [((1248, 78), 12, 12), ((1248, 164), 24, 12), ((1248, 240), 12, 6), ((872, 78), 12, 6),
     ((368, 400), 12, 3), ((100, 100), 12, 2), ((1248, 78), 1, 12)],
)  # fmt: skip
def test_pads_lie_as_their_keys_and_in_halves_where_that_is_larger(room, num_pads, wanted):
    assert columns(*room, num_pads) == wanted


@given(st.integers(160, 3000), st.integers(0, 2000), st.integers(1, 60))
def test_no_pad_is_narrower_than_its_name_needs_and_rows_scroll_only_when_they_must(
    width, height, num_pads
):
    num = columns(width, height, num_pads)
    assert (width - GAP_PX * (num - 1)) / num >= LEAST_WIDTH_PX
    rows = -(-num_pads // num)
    if rows * LEAST_HEIGHT_PX + GAP_PX * (rows - 1) > height:  # then no other way fits either
        for other in (12, 6, 4, 3, 2):
            rows = -(-num_pads // other)
            is_narrow = (width - GAP_PX * (other - 1)) / other < LEAST_WIDTH_PX
            assert is_narrow or rows * LEAST_HEIGHT_PX + GAP_PX * (rows - 1) > height
