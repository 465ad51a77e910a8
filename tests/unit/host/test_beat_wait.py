"""Which chunk carries a cut that waits for its beat: random shows against chunk boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LocalProtocolError
from engine.host import score as music
from engine.host.beat_wait import Landing, Waiting, decide, first_beat
from engine.host.lookahead import Lookahead, planned, seen
from engine.protocol.beat import QUANTA, BeatClock, place_text
from engine.protocol.messages import CancelCut, HardCut, SetParameters, SoftCut
from engine.protocol.values import Cut, Look

quanta = st.sampled_from([beats for beats, _ in QUANTA if beats])
tempos = st.floats(20, 400)
ROUNDING_S = 1e-6


def steady(bpm, beat=0.0, at_s=0.0):
    return BeatClock(bpm=bpm, beat=beat, at_s=at_s, is_running=True, source="tap")


def nearest(period_s):
    """The reach where nothing can be held back: the nearest chunk is taken."""
    return period_s, period_s / 2


def crossings(clock, quantum, gaps_s, period_s, ahead_s=0.9, reach_s=None):
    """Cross boundaries until the cut lands; yields (when its chunk is seen, what was said)."""
    waiting, now_s = None, 0.0
    reach = nearest(period_s) if reach_s is None else (period_s, reach_s)
    while True:
        said = decide(waiting, clock, quantum, now_s + ahead_s, reach)
        yield now_s + ahead_s, said
        if isinstance(said, Landing):
            return
        waiting = said
        now_s += next(gaps_s, period_s)


@given(tempos, quanta, st.floats(0.05, 3), st.floats(0, 1e4))
@settings(max_examples=100, deadline=None)
def test_steady_chunks_meet_the_beat_to_half_a_chunk(bpm, quantum, period_s, beat):
    clock = steady(bpm, beat)
    *_, (shown_s, landing) = crossings(clock, quantum, iter(()), period_s)
    assert landing.beat % quantum == pytest.approx(0.0, abs=1e-6)
    assert landing.late_s == pytest.approx(shown_s - clock.when_s(landing.beat), abs=ROUNDING_S)
    assert abs(landing.late_s) <= period_s / 2 + ROUNDING_S


@given(tempos, quanta, st.floats(0.05, 3), st.floats(0, 1e4), st.floats(0.5, 1.0))
@settings(max_examples=150, deadline=None)
def test_with_reach_a_cut_lands_before_its_beat_by_what_can_be_held_back(
    bpm, quantum, period_s, beat, share
):
    clock, reach_s = steady(bpm, beat), share * period_s
    *_, (_, landing) = crossings(clock, quantum, iter(()), period_s, reach_s=reach_s)
    assert -reach_s - ROUNDING_S <= landing.late_s <= period_s - reach_s + ROUNDING_S


@given(tempos, quanta, st.lists(st.floats(0.02, 4), max_size=60), st.floats(0.05, 1.5))
@settings(max_examples=150, deadline=None)
def test_no_cut_is_later_than_the_chunk_that_held_it_up(bpm, quantum, gaps_s, period_s):
    said = list(crossings(steady(bpm), quantum, iter(gaps_s), period_s))
    times_s = [shown_s for shown_s, _ in said]
    landing = said[-1][1]
    held_up_s = times_s[-1] - times_s[-2] if len(times_s) > 1 else 0.0
    assert -period_s / 2 - ROUNDING_S <= landing.late_s
    assert landing.late_s <= max(held_up_s, period_s / 2) + ROUNDING_S


@given(tempos, quanta, st.lists(st.floats(0.02, 4), max_size=60), st.floats(0.05, 1.5))
@settings(max_examples=100, deadline=None)
def test_what_is_aimed_at_stays_and_is_the_first_that_could_be_met(bpm, quantum, gaps_s, period_s):
    clock = steady(bpm)
    said = list(crossings(clock, quantum, iter(gaps_s), period_s))
    assert len({one.beat for _, one in said}) == 1
    first_s = said[0][0]
    assert said[0][1].beat == first_beat(clock, first_s - period_s / 2, quantum)


@given(tempos, tempos, quanta, st.floats(-500, 500), st.floats(0.1, 1.5))
@settings(max_examples=100, deadline=None)
def test_a_clock_that_leaps_neither_loses_the_cut_nor_makes_it_wait_for_an_old_beat(
    before_bpm, bpm, quantum, leap_beats, period_s
):
    shown_s = 10.0
    waiting = decide(None, steady(before_bpm, 100.0), quantum, shown_s, nearest(period_s))
    if isinstance(waiting, Landing):
        return
    clock = steady(bpm, 100.0 + leap_beats)
    for count in range(1, int(16 * 60 / bpm / period_s) + 4):
        now_s = shown_s + count * period_s
        said = decide(waiting, clock, quantum, now_s, nearest(period_s))
        if isinstance(said, Landing):
            assert -period_s / 2 - ROUNDING_S <= said.late_s <= period_s + ROUNDING_S
            return
        waiting = said
    raise AssertionError("the cut never landed")


@given(st.floats(0.05, 2), st.floats(0, 5))
@settings(max_examples=40, deadline=None)
def test_without_a_beat_or_a_quantum_nothing_waits(period_s, shown_s):
    assert decide(None, BeatClock(), 4.0, shown_s, nearest(period_s)) == Landing(beat=None)
    assert decide(None, steady(120), 0.0, shown_s, nearest(period_s)) == Landing(beat=None)


def test_another_quantum_is_another_aim():
    waiting = decide(None, steady(60, 0.5), 16.0, 1.0, nearest(0.5))
    assert isinstance(waiting, Waiting)
    assert waiting.beat == 16.0
    assert decide(waiting, steady(60, 0.5), 4.0, 1.5, nearest(0.5)).beat == 4.0


def test_beats_are_named_as_a_sequencer_shows_them():
    assert [place_text(beat) for beat in (0.0, 3.0, 4.0, 33.0)] == ["1.1", "1.4", "2.1", "9.2"]


# ---------------------------------------------------------------- with the score

INK, FIRE = Look(prompt="ink"), Look(prompt="fire", parameters={"control_amount": 0.5})
edits = st.builds(lambda value: SetParameters(values={"input_amount": value}), st.floats(0, 1))
cuts = st.one_of(
    st.builds(lambda seed: HardCut(look=Look(prompt="fire", seed=seed)), st.integers(0, 9)),
    st.builds(lambda n: SoftCut(num_chunks=n, look=FIRE), st.integers(1, 4)),
)
shows = st.lists(
    st.one_of(st.floats(0.1, 1.5), st.floats(0.1, 1.5), edits, cuts, st.just(CancelCut())),
    max_size=50,
)  # a number: that much later a boundary is crossed


@given(tempos, quanta, shows)
@settings(max_examples=100, deadline=None)
def test_a_held_cut_is_never_lost_and_edits_land_meanwhile(bpm, quantum, events):
    score, _ = music.next_chunk(music.open_score(INK, show_seed=1))
    clock, waiting, now_s, asked, edited = steady(bpm), None, 0.0, None, {}
    for event in [*events, *[0.5] * (int(16 * 60 / bpm / 0.5) + 4)]:
        if not isinstance(event, float):
            try:
                score = music.apply(score, event)
            except LocalProtocolError:
                continue
            if isinstance(event, SetParameters):
                edited.update(event.values)
            else:
                asked = None if isinstance(event, CancelCut) else event
            continue
        now_s += event
        said = decide(waiting, clock, quantum, now_s, nearest(0.5)) if score.pending else None
        waiting = said if isinstance(said, Waiting) else None
        score, plan = music.next_chunk(score, holds_cut=waiting is not None)
        assert plan.parameters["input_amount"] == edited.get("input_amount", 0.0)
        if asked is not None:
            assert (score.pending is not None) == (waiting is not None)
            is_hard = isinstance(asked, HardCut)
            assert (plan.cut is Cut.HARD) == (is_hard and waiting is None)
            asked = asked if waiting else None
    assert asked is None


def test_edits_made_while_a_cut_is_held_win_over_its_look():
    score, _ = music.next_chunk(music.open_score(INK, show_seed=1))
    score = music.apply(score, HardCut(look=FIRE))
    score = music.apply(score, SetParameters(values={"control_amount": 0.25}))
    score, plan = music.next_chunk(score, holds_cut=True)
    assert (plan.cut, plan.parameters["control_amount"]) == (Cut.NONE, 0.25)
    _, plan = music.next_chunk(score)
    assert (plan.cut, plan.parameters["control_amount"]) == (Cut.HARD, 0.25)


# ---------------------------------------------------------------- the look-ahead


def test_the_look_ahead_is_what_was_measured_from_boundary_to_first_picture():
    ahead = Lookahead()
    assert not ahead.is_known
    for chunk in range(8):
        ahead = planned(ahead, chunk, now_s=float(chunk))
        delay_s = 9.0 if chunk == 5 else 0.75  # one was held up
        ahead = seen(ahead, chunk, chunk + delay_s)
        ahead = seen(ahead, chunk, chunk + 30.0)  # told again
    assert ahead.usual_s == 0.75


def test_a_chunk_that_was_held_back_is_not_measured():
    ahead = planned(planned(Lookahead(), 0, now_s=0.0), 1, now_s=1.0)
    ahead = seen(ahead, 0, 1.5, counts=False)
    assert not ahead.is_known
    assert seen(ahead, 1, 1.75).usual_s == 0.75


def test_chunks_that_nobody_sees_are_not_measured_and_not_kept():
    ahead = Lookahead()
    for chunk in range(500):
        ahead = planned(ahead, chunk, now_s=float(chunk))
    assert len(ahead.planned) <= 64
    ahead = seen(ahead, 499, 500.5)
    assert (ahead.planned, ahead.delays_s) == ({}, (1.5,))
