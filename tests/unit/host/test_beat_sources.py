"""Who says the beat: taps, MIDI clock, a set tempo, and what happens when one falls silent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, LocalProtocolError
from engine.host import beat_sources
from engine.host.beat_desk import BeatDesk
from engine.host.beat_sources import SILENT_S, BeatSources
from engine.host.score import apply, next_chunk, open_score
from engine.host.taps import Taps, clock_of, tapped
from engine.protocol.beat import FIXED, LINK, MIDI_CLOCK, TAP, BeatClock
from engine.protocol.beat_commands import SetQuantum, SetTempo
from engine.protocol.messages import HardCut, PlayoutState
from engine.protocol.values import Look
from tests.fakes import Notices

MIDI = BeatClock(bpm=128.0, beat=40.0, at_s=10.0, is_running=True, source="Drum machine")
PEERS = BeatClock(bpm=100.0, beat=8.0, at_s=10.0, is_running=True)


def settle(sources, now_s=10.0):
    return beat_sources.settled(sources, now_s)


def tapping(times_s, sources=None):
    sources = sources or BeatSources()
    for at_s in times_s:
        sources, _ = settle(beat_sources.tap(sources, at_s), at_s)
    return sources


def hearing(source, clock, sources=None, now_s=10.0):
    return settle(beat_sources.heard(sources or BeatSources(), source, clock, now_s), now_s)


def test_two_taps_make_a_tempo_and_the_first_is_the_first_of_a_bar():
    sources = tapping([10.0])
    assert not beat_sources.clock(sources).is_known
    clock = beat_sources.clock(tapping([10.5], sources))
    assert (clock.source, clock.bpm) == (TAP, pytest.approx(120.0))
    assert clock.beat_at(10.0) == pytest.approx(0.0)


@given(
    st.floats(40, 220),
    st.lists(st.floats(-0.04, 0.04), min_size=8, max_size=24),
    st.floats(0, 1e5),
)
@settings(max_examples=100, deadline=None)
def test_a_hand_that_is_off_by_a_twentieth_of_a_beat_is_understood(bpm, errors, start_s):
    period_s = 60 / bpm
    times_s = [start_s + (n + off) * period_s for n, off in enumerate(errors)]
    taps = Taps()
    for at_s in times_s:
        taps = tapped(taps, at_s)
    clock = clock_of(taps)
    assert clock.bpm == pytest.approx(bpm, rel=0.03)
    last = len(errors) - 1
    assert clock.beat_at(start_s + last * period_s) == pytest.approx(last, abs=0.09)


def test_a_bouncing_button_is_one_tap_and_a_pause_begins_anew():
    taps = Taps()
    for at_s in (10.0, 10.02, 10.5, 11.0):
        taps = tapped(taps, at_s)
    assert clock_of(taps).bpm == pytest.approx(120.0)
    assert tapped(taps, 20.0) == Taps((20.0,))


def test_a_tap_of_another_tempo_begins_a_new_series():
    taps = Taps()
    for at_s in (0.0, 0.5, 1.0, 1.9, 2.8):
        taps = tapped(taps, at_s)
    assert clock_of(taps).bpm == pytest.approx(60 / 0.9)


def test_link_is_above_midi_clock_and_that_above_taps():
    sources, told = hearing(MIDI_CLOCK, MIDI, tapping([9.0, 9.5]))
    assert "midi clock at 128.0 bpm" in told
    assert beat_sources.detail(sources) == "Drum machine"
    sources, told = hearing(LINK, PEERS, sources)
    assert "link at 100.0 bpm" in told
    assert beat_sources.clock(sources).source == LINK
    sources, told = hearing(LINK, BeatClock(), sources)
    assert told == "link fell silent: the beat goes on with midi clock at 128.0 bpm"


@given(st.floats(20, 400), st.floats(-1, 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_beat_that_falls_silent_goes_on_without_a_jump(bpm, nudge, says_so):
    sources, _ = hearing(MIDI_CLOCK, BeatClock(bpm=bpm, beat=7.0, at_s=10.0))
    sources = beat_sources.nudged(sources, nudge)
    before = beat_sources.clock(sources)
    now_s = 10.0 + SILENT_S + 0.1
    if says_so:
        sources, told = hearing(MIDI_CLOCK, BeatClock(), sources, now_s)
    else:
        sources, told = settle(sources, now_s)
    after = beat_sources.clock(sources)
    assert told.startswith("midi clock fell silent: the beat goes on with fixed")
    assert after.source == FIXED
    for at_s in (now_s, now_s + 30):
        assert after.beat_at(at_s) == pytest.approx(before.beat_at(at_s), abs=1e-6)


def test_nothing_is_said_while_the_same_source_goes_on():
    sources, _ = hearing(MIDI_CLOCK, MIDI)
    again = BeatClock(bpm=128.0, beat=41.0, at_s=10.47)
    assert hearing(MIDI_CLOCK, again, sources, 10.47)[1] == ""


def test_a_set_tempo_goes_on_from_the_beat_that_is():
    sources = tapping([8.0, 8.5, 9.0, 9.5, 10.0])
    slower, _ = settle(beat_sources.with_tempo(sources, 60.0, 10.25))
    clock = beat_sources.clock(slower)
    assert (clock.bpm, clock.source) == (60.0, FIXED)
    assert clock.beat_at(10.25) == pytest.approx(beat_sources.clock(sources).beat_at(10.25))


def test_taps_under_midi_clock_wait_for_their_turn():
    sources, _ = hearing(MIDI_CLOCK, MIDI)
    sources = tapping([10.0, 11.0], sources)
    assert beat_sources.clock(sources).source == MIDI_CLOCK
    assert beat_sources.clock(sources).bpm == 128.0


def test_nudge_moves_the_beat_and_align_makes_the_nearest_the_first_of_a_bar():
    sources, _ = hearing(MIDI_CLOCK, MIDI)
    earlier = beat_sources.nudged(sources, 0.05)
    assert beat_sources.clock(earlier).beat_at(10.0) == pytest.approx(40.05)
    moved = beat_sources.aligned(beat_sources.nudged(sources, 1.0), 10.0)
    assert beat_sources.clock(moved).beat_at(10.0) % 4 == pytest.approx(0.0)


@pytest.mark.parametrize("bpm", [0.0, 19.0, 401.0, float("nan"), float("inf")])
def test_a_tempo_that_cannot_be_is_refused(bpm):
    with pytest.raises(ConfigError, match="expected 20 to 400 bpm"):
        beat_sources.with_tempo(BeatSources(), bpm, 0.0)


def test_a_clock_of_nonsense_is_refused_and_changes_nothing():
    sources, _ = hearing(MIDI_CLOCK, MIDI)
    for clock in (BeatClock(bpm=5.0), BeatClock(bpm=120.0, beat=float("nan"))):
        with pytest.raises(ConfigError, match="midi clock refused"):
            beat_sources.heard(sources, MIDI_CLOCK, clock, 10.0)


def test_nothing_to_nudge_is_said():
    with pytest.raises(LocalProtocolError, match="nobody knows the beat; tap it"):
        beat_sources.nudged(BeatSources(), 0.1)


def test_a_beat_that_is_told_again_goes_on_in_phase():
    desk = BeatDesk(Notices(), clock=lambda: 102.25)
    desk.answer(SetTempo(bpm=120.0, beat=32.0, at_s=100.0))
    assert desk.clock.beat_at(102.25) == pytest.approx(36.5)
    with pytest.raises(ConfigError, match="got beat nan, expected a number"):
        desk.answer(SetTempo(bpm=120.0, beat=float("nan"), at_s=100.0))
    assert desk.clock.beat_at(102.25) == pytest.approx(36.5)


def test_a_cut_on_its_way_is_due_on_its_beat_and_is_not_measured():
    desk = BeatDesk(Notices(), clock=lambda: 19.5)
    desk.answer(SetTempo(bpm=60.0, beat=0.0, at_s=0.0))
    desk.answer(SetQuantum(quantum_beats=4.0))
    score, _ = next_chunk(open_score(Look(prompt="ink"), show_seed=1))
    desk.holds_cut(score, 10.0, 0.75, 1.0)
    desk.watch(PlayoutState(chunk_shown=1, chunk_shown_s=11.0, speed=1.0, held_back_s=0.25))
    score = apply(next_chunk(score)[0], HardCut(look=Look(prompt="sea")))
    assert not desk.holds_cut(score, 18.5, 0.75, 1.0)  # seen at 19.5, and held back half a second
    assert desk.shown_in_s(2, 18.6, 1.0) == pytest.approx(1.4)
    desk.watch(PlayoutState(chunk_shown=2, chunk_shown_s=20.01, speed=1.0, held_back_s=0.75))
    state = desk.state()
    assert state.lookahead_s == pytest.approx(1.0)
    assert (state.hit_beat, state.hit_held_back_s) == (20.0, pytest.approx(0.5))
    assert state.hit_late_s == pytest.approx(0.01)


def test_a_chunks_first_picture_is_awaited_by_what_was_measured():
    desk = BeatDesk(Notices(), clock=lambda: 0.0)
    score = open_score(Look(prompt="ink"), show_seed=1)
    assert desk.ahead_s(1.4) == 1.4
    desk.holds_cut(score, 10.0, 0.75, 1.4)
    desk.watch(PlayoutState(chunk_shown=0, chunk_shown_s=10.6))
    score, _ = next_chunk(score)
    desk.holds_cut(score, 20.0, 0.75, 1.4)
    assert desk.ahead_s(1.4) == pytest.approx(0.6)
    assert desk.shown_in_s(1, 20.2, 1.4) == pytest.approx(0.4)
    assert desk.shown_in_s(1, 30.0, 1.4) == 0.0
    assert desk.shown_in_s(7, 20.2, 1.4) == 1.4
