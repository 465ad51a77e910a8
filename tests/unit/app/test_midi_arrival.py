from hypothesis import given
from hypothesis import strategies as st

from app.core.midi_arrival import MAX_LATE_NS, arrival_ns

GAPS = st.lists(
    st.tuples(st.integers(0, 10**10), st.integers(0, MAX_LATE_NS - 1)), min_size=1, max_size=30
)


@given(GAPS)
def test_a_message_is_never_told_before_it_came_nor_after_it_was_taken_and_ever_truer(messages):
    true_ns, told_ns, lateness = 0, None, []
    for gap_ns, looked_late_ns in messages:
        true_ns += gap_ns
        now_ns = true_ns + looked_late_ns
        told_ns = arrival_ns(told_ns, gap_ns, now_ns)
        assert true_ns <= told_ns <= now_ns
        lateness.append(told_ns - true_ns)
    assert lateness == sorted(lateness, reverse=True)


def test_the_first_one_came_when_it_was_taken():
    assert arrival_ns(None, 0, 10**12) == 10**12


def test_a_driver_whose_gaps_are_too_short_is_not_believed_for_ever():
    assert arrival_ns(0, 5, 10**12) == 10**12 - MAX_LATE_NS
