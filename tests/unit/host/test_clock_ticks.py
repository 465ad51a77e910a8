"""Output deadlines: exact for ever, rising, honest about what was missed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.host.playout.ticks import NS_PER_S, Ticks, next_tick, with_rate

NTSC = Fraction(30000, 1001)
RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), NTSC, Fraction(50), Fraction(60)])


def test_deadlines_do_not_drift_in_ten_hours():
    ticks = Ticks(rate=NTSC, origin_ns=5)
    index = 10 * 3600 * 30
    assert ticks.deadline_ns(index) == 5 + index * 1001 * NS_PER_S // 30000


def test_tick_that_is_ahead_or_just_past_is_the_planned_one():
    ticks = Ticks(rate=Fraction(50), origin_ns=0, next_index=10)
    for now_ns in (0, 200_000_000, 219_999_999):
        after, due = next_tick(ticks, now_ns)
        assert (due.index, due.due_ns, due.num_missed) == (10, 200_000_000, 0)
        assert after.next_index == 11


def test_hiccup_skips_what_is_past_and_says_how_much():
    ticks = Ticks(rate=Fraction(50), origin_ns=0, next_index=10)
    _, due = next_tick(ticks, 265_000_000)
    assert (due.index, due.due_ns, due.num_missed) == (13, 260_000_000, 3)


def test_stall_starts_the_deadlines_anew_and_says_so():
    ticks = Ticks(rate=Fraction(50), origin_ns=0, next_index=10)
    after, due = next_tick(ticks, 60 * NS_PER_S)
    assert (due.index, due.due_ns, due.num_missed) == (10, 60 * NS_PER_S, 0)
    assert due.stalled_s == pytest.approx(59.8)
    assert after.deadline_ns(11) == 60 * NS_PER_S + 20_000_000


def test_frame_is_late_a_quarter_interval_after_its_deadline():
    ticks = Ticks(rate=Fraction(50), origin_ns=0)
    assert not ticks.is_late(1, 25_000_000)
    assert ticks.is_late(1, 25_000_001)


def test_new_rate_goes_on_from_the_next_tick():
    ticks, _ = next_tick(Ticks(rate=Fraction(25), origin_ns=0, next_index=5), 0)
    faster = with_rate(ticks, Fraction(50))
    assert faster.deadline_ns(6) == ticks.deadline_ns(6) == 240_000_000
    assert faster.deadline_ns(7) == 260_000_000


@given(RATES, st.lists(st.integers(0, 3 * NS_PER_S), max_size=50))
def test_indices_and_timecodes_rise_whatever_time_does(rate, naps_ns):
    ticks, now_ns, last = Ticks(rate=rate, origin_ns=0), 0, None
    for nap_ns in naps_ns:
        now_ns += nap_ns
        ticks, due = next_tick(ticks, now_ns)
        if last is not None:
            assert due.index == last.index + 1 + due.num_missed
            assert due.timecode_100ns > last.timecode_100ns
        assert due.due_ns > now_ns - 1.01 * NS_PER_S / rate
        last, now_ns = due, max(now_ns, due.due_ns)
