import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.midi_clock import ClockEstimate
from app.core.midi_events import ClockHeard, ClockWord
from engine.protocol.beat import BeatClock


def word(which, at_s=0.0, position=0):
    return ClockHeard(port="seq", word=which, at_ns=round(at_s * 1e9), position=position)


def ticks(estimate, count, bpm, from_s=0.0, late_s=lambda: 0.0):
    """Let a clock tick, each tick somewhat late; returns the estimate and when the next is due."""
    period_s = 60 / bpm / 24
    for number in range(count):
        at_s = from_s + number * period_s + late_s()
        estimate = estimate.heard(word(ClockWord.TICK, at_s))
    return estimate, from_s + count * period_s


@given(st.floats(40, 240), st.integers(0, 2**32), st.floats(0, 0.003))
@settings(max_examples=40, deadline=None)
def test_tempo_and_phase_come_through_jitter(bpm, seed, jitter_s):
    late = random.Random(seed)
    start = ClockEstimate().heard(word(ClockWord.START))
    estimate, _ = ticks(start, 97, bpm, late_s=lambda: late.uniform(0, jitter_s))
    clock = estimate.beat_clock()
    assert clock.bpm == pytest.approx(bpm, rel=0.01)
    beat_at_s = 4 * 60 / bpm  # tick 96 is beat 4
    assert (clock.beat_at(beat_at_s) - 4) * 60 / bpm == pytest.approx(0, abs=jitter_s + 1e-3)


def test_one_tick_that_is_very_late_moves_nothing():
    estimate, next_s = ticks(ClockEstimate(), 96, 120)
    before = estimate.beat_clock()
    estimate = estimate.heard(word(ClockWord.TICK, next_s + 0.018))
    after = estimate.beat_clock()
    assert after.bpm == pytest.approx(before.bpm, rel=1e-3)
    assert after.beat_at(next_s) == pytest.approx(before.beat_at(next_s), abs=0.01)


def test_ticks_that_were_held_up_and_come_in_a_bunch_do_not_change_the_tempo():
    estimate, next_s = ticks(ClockEstimate(), 96, 120)
    late_s = next_s + 0.15
    for number in range(8):  # all that were due meanwhile, at once
        estimate = estimate.heard(word(ClockWord.TICK, late_s + number * 1e-4))
    assert estimate.beat_clock().bpm == pytest.approx(120, rel=0.05)


@pytest.mark.parametrize(("before", "after"), [(120, 140), (140, 90), (120, 124)])
def test_a_new_tempo_is_followed_within_two_beats(before, after):
    estimate, next_s = ticks(ClockEstimate(), 96, before)
    estimate, _ = ticks(estimate, 48, after, from_s=next_s)
    assert estimate.beat_clock().bpm == pytest.approx(after, rel=0.02)


def test_start_counts_from_nothing_position_sets_it_stop_keeps_ticking():
    estimate, next_s = ticks(ClockEstimate(), 30, 120)
    estimate = estimate.heard(word(ClockWord.START, next_s))
    estimate, next_s = ticks(estimate, 25, 120, from_s=next_s)
    assert estimate.beat_clock().beat == pytest.approx(1.0)
    assert estimate.is_running
    estimate = estimate.heard(word(ClockWord.STOP, next_s))
    estimate = estimate.heard(word(ClockWord.POSITION, next_s, position=32))
    assert not estimate.beat_clock().is_running
    estimate = estimate.heard(word(ClockWord.CONTINUE, next_s))
    estimate, _ = ticks(estimate, 1, 120, from_s=next_s)
    assert estimate.beat_clock().beat == pytest.approx(8.0)
    assert estimate.is_running


def test_before_seven_ticks_and_after_a_gap_there_is_no_tempo():
    estimate, next_s = ticks(ClockEstimate(), 6, 120)
    assert not estimate.beat_clock().is_known
    estimate, next_s = ticks(estimate, 20, 120, from_s=next_s)
    assert estimate.beat_clock().is_known
    estimate = estimate.heard(word(ClockWord.TICK, next_s + 2))
    assert not estimate.beat_clock().is_known
    assert estimate.num_ticks == 27


@given(st.lists(st.integers(0, 10**10), max_size=60))
def test_ticks_at_any_times_never_give_a_tempo_out_of_range(times):
    estimate = ClockEstimate()
    for at_ns in times:
        estimate = estimate.heard(ClockHeard(port="x", word=ClockWord.TICK, at_ns=at_ns))
        clock = estimate.beat_clock()
        assert clock.bpm == 0 or 20 <= clock.bpm <= 400


CLOCKS = st.builds(
    BeatClock, bpm=st.floats(20, 400), beat=st.floats(-100, 1e4), at_s=st.floats(0, 1e5)
)


@given(CLOCKS, st.floats(0, 1e5), st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_the_next_beat_is_not_before_now_not_further_than_one_and_on_the_beat(clock, now_s, bar):
    next_s = clock.next_s(now_s, bar)
    assert now_s <= next_s <= now_s + bar * 60 / clock.bpm + 1e-3
    phase = clock.phase_at(next_s, bar)
    assert min(phase, 1 - phase) * bar < 1e-3


@given(CLOCKS, st.floats(-1e3, 1e5))
def test_a_phase_is_in_its_range(clock, now_s):
    assert 0 <= clock.phase_at(now_s) < 1
    assert 0 <= clock.phase_at(now_s, 4) < 1


def test_a_clock_without_a_tempo_stands_and_says_so():
    clock = replace_beat(BeatClock(), 3.0)
    assert clock.beat_at(100) == 3.0
    with pytest.raises(ValueError, match="no tempo"):
        clock.next_s(0.0)


def replace_beat(clock, beat):
    return BeatClock(bpm=clock.bpm, beat=beat, at_s=clock.at_s)


def test_an_estimate_keeps_what_it_is_told_of_the_port():
    assert replace(ClockEstimate(), port="x").beat_clock().source == "x"
