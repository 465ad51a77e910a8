"""The playout clock in simulated time: even motion, no jumps, true counts."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.host.playout.aim import Aim
from engine.host.playout.clock import FADE_S, HELD, Clock, Controls, Mode, fed, tick
from tests.playout_simulation import BurstyGenerator, Moment, brightness, play

OUTPUT_RATES = [Fraction(24000, 1001), 25, Fraction(30000, 1001), 30, 50, Fraction(60000, 1001), 60]
GENERATION_RATES = [12, 14, 16, 24]
REPEAT, BLEND = Controls(blend=False), Controls(blend=True)


def settled(moments, after_s=8.0):
    return [m for m in moments if m.at_s > after_s]


def wave(frame):
    """A picture that changes by at most 0.17 a frame, within ±1."""
    return math.sin(2 * math.pi * frame / 37)


@pytest.fixture(scope="module")
def long_play():
    """Return a function that plays 24 s once for each pair of rates."""
    played = {}

    def of(generation_fps, output_fps):
        key = generation_fps, output_fps
        if key not in played:
            played[key] = play(BurstyGenerator(generation_fps), output_fps, 24.0)
        return played[key]

    return of


@pytest.mark.parametrize("output_fps", OUTPUT_RATES)
@pytest.mark.parametrize("generation_fps", GENERATION_RATES)
class TestBurstyChunks:
    def test_never_run_out_nor_skip(self, long_play, generation_fps, output_fps):
        moments = long_play(generation_fps, output_fps)
        frames = [m.decision.frame for m in settled(moments)]
        assert all(0 <= after - before <= 1 for before, after in pairwise(frames))
        assert moments[-1].clock.counts.underruns == 0
        assert {m.decision.mode for m in settled(moments)} == {Mode.LIVE}

    def test_move_evenly(self, long_play, generation_fps, output_fps):
        moments = settled(long_play(generation_fps, output_fps))
        rates = [m.clock.pace.rate_fps for m in moments]
        expected = min(generation_fps, 16)
        assert all(0.85 * expected < rate <= 16 for rate in rates)
        dt_s = 1 / float(output_fps)
        assert all(abs(b - a) < 4 * dt_s for a, b in pairwise(rates))

    def test_hold_each_frame_for_equally_many_ticks_give_or_take_one(
        self, long_play, generation_fps, output_fps
    ):
        frames = [m.decision.frame for m in settled(long_play(generation_fps, output_fps))]
        ticks_of = [frames.count(f) for f in range(frames[0] + 1, frames[-1])]
        assert all(abs(b - a) <= 1 for a, b in pairwise(ticks_of))

    def test_wait_no_longer_than_a_chunk_and_the_margin(
        self, long_play, generation_fps, output_fps
    ):
        moments = settled(long_play(generation_fps, output_fps))
        target = moments[-1].clock.pace.target_delay_frames
        assert max(m.clock.left_frames for m in moments) <= target + 4

    def test_are_counted_exactly(self, long_play, generation_fps, output_fps):
        moments = long_play(generation_fps, output_fps)
        counts = moments[-1].clock.counts
        frames = {m.decision.frame for m in moments} - {None}
        assert counts.shown == len(frames) == max(frames) + 1
        values = [0.0, *brightness(moments, lambda frame: frame + 1.0)]
        assert counts.repeated == sum(a == b for a, b in pairwise(values))


def test_generator_slower_than_half_speed_plays_at_half_speed_and_holds():
    moments = settled(play(BurstyGenerator(6), 30, 40.0), after_s=15)
    assert {m.clock.pace.wanted_fps for m in moments} == {8.0}
    assert Mode.HOLD in {m.decision.mode for m in moments}


def test_output_slower_than_content_counts_what_it_passes_over():
    moments = play(BurstyGenerator(60, native_fps=30.0), 24, 20.0)
    counts = moments[-1].clock.counts
    assert counts.shown + counts.dropped == moments[-1].decision.frame + 1
    assert counts.dropped / (counts.shown + counts.dropped) == pytest.approx(0.2, abs=0.03)


def test_frames_are_waited_for_in_black_until_the_margin_is_over():
    _, decision = tick(Clock(), 1 / 30, BLEND)
    assert (decision.mode, decision.shares) == (Mode.WAITING, ())
    moments = play(BurstyGenerator(12, jitter_s=0), 30, 2.0)
    first_live = next(m for m in moments if m.decision.mode is Mode.LIVE)
    assert first_live.at_s == pytest.approx(1.0 + 4 / 12, abs=0.04)


def test_outage_is_held_then_looped_then_left_for_the_new_frames():
    moments = play(BurstyGenerator(14, outage=(10.0, 16.0)), 30, 24.0)
    modes = [m.decision.mode for m in moments if m.at_s > 9]
    order = [modes[0], *(b for a, b in pairwise(modes) if a is not b)]
    assert order == [Mode.LIVE, Mode.HOLD, Mode.LOOP, Mode.LIVE]
    held_s = modes.count(Mode.HOLD) / 30
    assert held_s == pytest.approx(0.5, abs=0.04)
    assert moments[-1].clock.counts.underruns == 1


@pytest.mark.parametrize("controls", [REPEAT, BLEND])
def test_loop_shows_only_the_last_three_seconds_of_history_and_all_of_them(controls):
    moments = play(BurstyGenerator(16, outage=(8.0, 30.0)), 30, 30.0, lambda _: controls)
    looped = [m for m in moments if m.decision.mode is Mode.LOOP]
    frames = {s.frame for m in looped for s in m.decision.shares} - {HELD}
    end = moments[-1].clock.num_fed
    assert frames == set(range(end - 48, end))


def test_history_shorter_than_half_a_second_is_held_instead_of_looped():
    clock, _ = tick(fed(Clock(), 6, 16.0, 0.0), 1.0, REPEAT)
    for _ in range(300):
        clock, decision = tick(clock, 1 / 30, REPEAT)
    assert decision.mode is Mode.HOLD
    assert [s.frame for s in decision.shares] == [5]


def test_loop_does_not_reach_back_over_a_hard_cut():
    clock = fed(fed(Clock(), 12, 16.0, 0.0), 12, 16.0, 0.5, starts_cut=True)
    seen = set()
    for _ in range(200):
        clock, decision = tick(clock, 1 / 30, BLEND)
        if decision.mode is Mode.LOOP:
            seen |= {s.frame for s in decision.shares}
    assert seen - {HELD} == set(range(12, 24))


def test_nothing_is_mixed_across_a_hard_cut():
    clock = fed(fed(Clock(), 12, 16.0, 0.0), 12, 16.0, 0.5, starts_cut=True)
    for _ in range(80):
        clock, decision = tick(clock, 1 / 30, BLEND)
        frames = {s.frame for s in decision.shares} - {HELD}
        assert frames != {11, 12}
    assert clock.counts.shown > 12


def test_blend_mixes_two_neighbours_by_the_fraction_of_the_position():
    moments = settled(play(BurstyGenerator(16), 60, 12.0, lambda _: BLEND))
    for moment in moments:
        seen = sum(s.frame * s.weight for s in moment.decision.shares)
        assert seen == pytest.approx(moment.clock.position)


def test_content_fed_without_asking_for_room_is_skipped_and_counted():
    clock = Clock()
    for index in range(40):
        clock = fed(clock, 12, 16.0, index * 0.1)
        for _ in range(3):
            clock, decision = tick(clock, 1 / 30, REPEAT)
        assert clock.left_frames <= 4 * 12 + clock.pace.margin_frames
    assert clock.counts.dropped > 200
    assert clock.counts.shown + clock.counts.dropped == decision.frame + 1


def test_freeze_keeps_the_picture_while_the_content_goes_on():
    moments = play(BurstyGenerator(16), 30, 14.0, lambda now_s: Controls(freeze=8 < now_s < 11))
    values = brightness(moments, wave)
    frozen = [v for v, m in zip(values, moments, strict=True) if m.controls.freeze]
    assert len(set(frozen)) == 1
    assert frozen[0] == values[next(i for i, m in enumerate(moments) if m.controls.freeze) - 1]
    assert moments[-1].clock.counts.shown > 150


# Of each chunk: its frames, ticks until the next one at 30 a second, whether it is frozen, and
# when its first frame is due, in ticks, and whether the output may be held until then.
DUE = st.none() | st.tuples(st.integers(0, 60), st.booleans())
CHUNKS = st.tuples(
    st.integers(1, 16), st.integers(1, 90), st.sampled_from([False, False, True]), DUE
)
SHOWS = st.lists(CHUNKS, min_size=1, max_size=12)


def perform(show, blend):
    """Return the moments of a show with random chunks, silences, freezes and beats."""
    clock, moments, first, due_s, may_hold = Clock(), [], -1, 0.0, False
    for num_frames, num_ticks, freeze, due in show:
        if due is not None:  # of this chunk, or of the next one that there is room for
            first, may_hold = clock.num_fed, due[1]
            due_s = (len(moments) + due[0]) / 30
        if clock.pace.has_room(clock.left_frames, num_frames):
            clock = fed(clock, num_frames, 16.0, len(moments) / 30)
        for _ in range(num_ticks):
            now_s = len(moments) / 30
            aim = Aim(first, due_s - now_s, may_hold)
            controls = Controls(blend=blend, freeze=freeze, aim=aim)
            clock, decision = tick(clock, 1 / 30, controls)
            moments.append(Moment(now_s, clock, decision, controls))
    return moments


@settings(max_examples=60, deadline=None)
@given(SHOWS, st.booleans())
def test_every_picture_is_whole_and_made_of_frames_that_are_kept(show, blend):
    moments = perform(show, blend)
    for moment in moments:
        shares, clock = moment.decision.shares, moment.clock
        assert shares == () or sum(s.weight for s in shares) == pytest.approx(1)
        assert all(s.weight > 0 for s in shares)
        live = [s.frame for s in shares if s.frame != HELD]
        assert all(clock.oldest_needed <= frame < clock.num_fed for frame in live)


@settings(max_examples=60, deadline=None)
@given(SHOWS, st.booleans())
def test_nothing_ever_jumps(show, blend):
    moments = perform(show, blend)
    values = brightness(moments, wave)
    one_frame = 2 * math.pi / 37
    fade = 2 / (FADE_S * 30)  # the whole range of ±1, faded over FADE_S
    assert all(abs(b - a) <= one_frame + 2 * fade for a, b in pairwise([0.0, *values]))


@settings(max_examples=100, deadline=None)
@given(SHOWS, st.booleans())
def test_what_may_be_held_is_never_seen_before_its_beat(show, blend):
    before = Clock()
    for moment in perform(show, blend):
        aim, is_new = moment.controls.aim, before.position <= moment.controls.aim.frame
        if aim.may_hold and aim.in_s > 1 / 60 and is_new and before.mode is not Mode.WAITING:
            assert moment.decision.frame is None or moment.decision.frame < aim.frame
        before = moment.clock


@settings(max_examples=60, deadline=None)
@given(SHOWS, st.booleans())
def test_memory_is_bounded_and_counts_add_up(show, blend):
    moments = perform(show, blend)
    clock = moments[-1].clock
    kept = clock.num_fed - clock.oldest_needed
    assert kept <= 2 * clock.history_frames + 4 * 16 + clock.pace.margin_frames + 1
    assert clock.counts.shown + clock.counts.dropped == clock.last_shown + 1
