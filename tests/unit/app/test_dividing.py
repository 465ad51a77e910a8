"""Dividing a length: the sum is exact, nobody leaves their span while there is a way."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.dividing import ENDLESS_PX, divided

PART = st.tuples(
    st.floats(1, 2000),
    st.tuples(st.integers(0, 400), st.integers(0, 800) | st.just(ENDLESS_PX)).map(
        lambda pair: (pair[0], pair[0] + pair[1] if pair[1] < ENDLESS_PX else ENDLESS_PX)
    ),
    st.booleans(),
)


@given(st.integers(0, 4000), st.lists(PART, min_size=1, max_size=6))
def test_the_parts_fill_the_length_and_keep_within_their_spans_where_there_is_a_way(total, parts):
    wishes, spans, grows = zip(*parts, strict=True)
    sizes = divided(total, wishes, spans, grows)
    assert sum(sizes) == total
    assert min(sizes) >= 0
    if sum(low for low, _ in spans) <= total:
        assert all(size >= low - 1 for size, (low, _) in zip(sizes, spans, strict=True))
    if sum(high for _, high in spans) >= total:
        assert all(size <= high + 1 for size, (_, high) in zip(sizes, spans, strict=True))


@given(st.integers(700, 4000), st.integers(100, 300), st.integers(100, 300))
def test_what_holds_the_monitor_takes_what_the_others_leave(total, left, right):
    free = (50, ENDLESS_PX)
    sizes = divided(total, (left, 10, right), (free, free, free), (False, True, False))
    assert sizes == [left, total - left - right, right]


def test_without_the_monitor_the_proportions_stay():
    free = (10, ENDLESS_PX)
    assert divided(900, (100, 200), (free, free), (False, False)) == [300, 600]
    assert divided(900, (100, 200), ((400, 800), free), (False, False)) == [400, 500]


def test_one_that_has_its_size_already_keeps_it_and_too_little_room_squeezes_all():
    fixed = (86, 86)
    assert divided(500, (1, 999), ((100, ENDLESS_PX), fixed), (True, False)) == [414, 86]
    assert divided(100, (1, 1), ((100, 500), (300, 500)), (True, False)) == [25, 75]


def test_too_little_room_is_taken_from_what_is_not_firm_first():
    spans = ((300, 900), (200, 900), (100, 900))
    assert divided(450, (1, 1, 1), spans, (True, False, False), (True, False, False)) == [
        300,
        100,
        50,
    ]
    assert divided(240, (1, 1, 1), spans, (True, False, False), (True, False, True)) == [180, 0, 60]
