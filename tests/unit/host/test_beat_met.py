"""Cuts meet their beat: playout lets the picture come when the beat does, and pays with nothing."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.host.playout.aim import MIN_SPEED, Aim, position_after, reach_s
from engine.host.playout.clock import Clock, Controls, Mode, fed, tick
from engine.protocol.beat import BeatClock
from tests.beat_simulation import Night

NATIVE_FPS = 16.0
ticks_s = st.sampled_from([1 / 60, 1 / 30, 1001 / 24000, 1 / 25])
rates = st.floats(0.5, 1.0).map(lambda share: share * NATIVE_FPS)


def walk(aim_frame, due_s, position, dt_s, rate_fps):
    """Yield (time, position) of each tick until the frame is reached."""
    now_s = 0.0
    while position < aim_frame:
        now_s += dt_s
        aim = Aim(aim_frame, due_s - now_s)
        position = position_after(aim, position, dt_s, (rate_fps, NATIVE_FPS))
        yield now_s, position


@given(ticks_s, rates, st.integers(1, 40), st.floats(0, 3), st.floats(0, 0.99))
@settings(max_examples=150, deadline=None)
def test_a_frame_comes_at_the_tick_nearest_to_its_beat_or_as_near_as_speed_allows(
    dt_s, rate_fps, frames, due_s, begin
):
    left = frames - begin
    *_, (reached_s, _) = walk(frames, due_s, begin, dt_s, rate_fps)
    soonest_s = left / rate_fps
    latest_s = left / min(rate_fps, MIN_SPEED * NATIVE_FPS)
    wanted_s = min(max(due_s, soonest_s), latest_s)
    assert abs(reached_s - wanted_s) <= dt_s + 1e-9
    if soonest_s + dt_s < due_s < latest_s - dt_s:
        assert abs(reached_s - due_s) <= dt_s / 2 + 1e-9


@given(ticks_s, rates, st.integers(1, 40), st.floats(-3, 3))
@settings(max_examples=200, deadline=None)
def test_content_never_stops_never_skips_and_never_runs_faster(dt_s, rate_fps, frames, due_s):
    before, usual = 0.0, rate_fps * dt_s
    least = min(usual, MIN_SPEED * NATIVE_FPS * dt_s)
    for _, position in walk(frames, due_s, 0.0, dt_s, rate_fps):
        assert position - before <= usual + 1e-9
        assert position - before >= least - 1e-9 or position == frames
        before = position


@given(st.floats(0, 3), st.floats(0, 1), st.floats(0.05, 2))
def test_reach_is_half_a_chunk_to_a_whole_one_and_grows_with_what_lies_ahead(ahead, speed, period):
    reach = reach_s(ahead, speed, period)
    assert period / 2 <= reach <= period
    assert reach_s(ahead + 0.5, max(speed, MIN_SPEED), period) >= reach
    assert reach_s(ahead, MIN_SPEED, period) == period / 2


def test_what_is_held_back_is_counted_and_only_that():
    clock, dt_s = fed(Clock(), 48, NATIVE_FPS, 0.0), 1 / 30
    while clock.mode is not Mode.LIVE:
        clock, _ = tick(clock, dt_s, Controls())
    rate_fps, begin, ticks = clock.pace.rate_fps, clock.position, 0
    while clock.position < 12:
        aim = Aim(12, 1.2 - (ticks + 1) * dt_s)
        clock, _ = tick(clock, dt_s, Controls(aim=aim))
        ticks += 1
    usual_s = (12 - begin) / rate_fps
    assert clock.counts.held_back_s == pytest.approx(ticks * dt_s - usual_s, abs=dt_s)
    held_back_s = clock.counts.held_back_s
    clock, _ = tick(clock, dt_s, Controls())
    assert clock.counts.held_back_s == held_back_s


def beat(bpm):
    return BeatClock(bpm=bpm, beat=0.0, at_s=0.0, is_running=True, source="tap")


@pytest.mark.parametrize(("generation_fps", "median_ms"), [(20.0, 17), (17.0, 17), (14.0, 30)])
def test_a_night_of_cuts_on_the_bar_is_met_to_an_output_frame(generation_fps, median_ms):
    held = Night(generation_fps, beat(126.0), 4.0).play(150)
    plain = Night(generation_fps, beat(126.0), 4.0, can_hold_back=False).play(150)
    met = median(abs(error) for error in held.errors_s)
    assert len(held.errors_s) > 20
    assert met * 1000 <= median_ms
    assert met * 5 < median(abs(error) for error in plain.errors_s)
    assert held.clock.counts.underruns == plain.clock.counts.underruns == 0
    assert held.clock.counts.dropped <= plain.clock.counts.dropped


@pytest.mark.parametrize("generation_fps", [20.0, 14.0, 7.0])
def test_a_pre_roll_is_held_until_its_beat(generation_fps):
    held = Night(generation_fps, beat(126.0), 4.0, pre_roll=1).play(150)
    plain = Night(generation_fps, beat(126.0), 4.0, pre_roll=1, can_hold_back=False).play(150)
    met, missed = (median(map(abs, night.errors_s)) for night in (held, plain))
    assert len(held.errors_s) > 10
    assert met <= 0.02
    assert missed > 0.1


@pytest.mark.parametrize("generation_fps", [40.0, 20.0, 16.5, 14.0, 11.0, 7.0])
@pytest.mark.parametrize(("bpm", "quantum"), [(60.0, 1.0), (174.0, 4.0)])
def test_holding_back_costs_no_underrun_no_skip_and_no_lasting_delay(generation_fps, bpm, quantum):
    held = Night(generation_fps, beat(bpm), quantum).play(60)
    plain = Night(generation_fps, beat(bpm), quantum, can_hold_back=False).play(60)
    assert held.clock.counts.underruns <= plain.clock.counts.underruns
    assert held.clock.counts.dropped <= plain.clock.counts.dropped
    least = min(MIN_SPEED, *plain.speeds) - 1e-6
    ends = len(held.errors_s) + 1  # the tick that ends on a cut's first frame may be a short one
    assert sum(speed < least for speed in held.speeds) <= ends
    assert max(held.speeds) <= 1.0 + 1e-6  # what was held back is given back, not run after
    assert abs(median(held.left_frames) - median(plain.left_frames)) < 2
    assert max(held.left_frames) <= max(plain.left_frames) + 12
