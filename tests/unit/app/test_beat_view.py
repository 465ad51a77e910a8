"""What the beat bar says."""

from __future__ import annotations

import pytest

from app.core.beat_view import beat_view, next_quantum
from app.core.deck import ring_view
from engine.protocol.beat import BeatClock, BeatState
from engine.protocol.messages import CutState
from engine.protocol.values import Cut
from tests.fakes import engine_state

CLOCK = BeatClock(bpm=120.0, beat=32.0, at_s=100.0, source="midi clock")


def view(now_s=100.0, cut=Cut.NONE, **beat):
    state = engine_state(beat=BeatState(**{"clock": CLOCK, **beat}), cut=CutState(pending=cut))
    return beat_view(state, now_s)


def test_without_a_tempo_it_says_what_to_do():
    nothing = view(clock=BeatClock())
    assert (nothing.bpm, nothing.source, nothing.place) == ("–", "tap it: X", None)


@pytest.mark.parametrize(("now_s", "place", "glow"), [(100.0, 0, 1.0), (100.75, 1, 0.5)])
def test_the_dot_is_on_the_beat_of_the_bar(now_s, place, glow):
    seen = view(now_s, detail="Drums")
    assert (seen.place, seen.glow) == (place, pytest.approx(glow))
    assert (seen.bpm, seen.source) == ("120.0", "midi clock · Drums")


def test_a_cut_that_waits_is_counted_down_and_the_ring_says_where_it_lands():
    seen = view(101.0, Cut.HARD, quantum_beats=4.0, aim_beat=36.0)
    assert (seen.words, seen.is_waiting) == ("seen on 10.1, in 1.0 s", True)
    state = engine_state(beat=BeatState(clock=CLOCK, aim_beat=36.0), cut=CutState(pending=Cut.HARD))
    assert ring_view(state, 0.0).pending_text == "HARD CUT · 10.1"


@pytest.mark.parametrize(("late_s", "off"), [(0.012, "12 ms after"), (-0.25, "250 ms before")])
def test_it_says_which_beat_was_hit_and_how_well(late_s, off):
    seen = view(quantum_beats=4.0, hit_beat=36.0, hit_late_s=late_s)
    assert seen.words == f"last cut {off} 10.1"


def test_without_a_beat_it_says_that_cuts_do_not_wait_for_one():
    state = engine_state(beat=BeatState(quantum_beats=4.0))
    assert beat_view(state, 1.0).words == "no beat yet: cuts do not wait"


def test_it_says_for_how_long_the_picture_was_held_to_meet_it():
    seen = view(quantum_beats=4.0, hit_beat=36.0, hit_late_s=0.012, hit_held_back_s=0.31)
    assert seen.words == "last cut 12 ms after 10.1, held 0.3 s"


def test_the_key_steps_through_what_cuts_wait_for():
    steps = [0.0]
    for _ in range(5):
        steps.append(next_quantum(steps[-1]))
    assert steps == [0.0, 1.0, 4.0, 8.0, 16.0, 0.0]
