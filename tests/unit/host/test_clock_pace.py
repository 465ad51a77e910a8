"""How fast content plays and when the generator may go on."""

import pytest

from engine.host.playout.pace import Pace, advance, arrived, granted, refused, underran


def fed_steadily(period_s, waited_s=0.0, num_frames=12, left_frames=4.0, times=8):
    pace = Pace()
    for index in range(times):
        at_s = index * period_s
        pace = arrived(pace, num_frames, 16.0, left_frames, at_s)
        pace = granted(refused(pace, at_s), at_s + waited_s)
    return pace


def test_playout_rate_follows_generation_below_native():
    assert fed_steadily(period_s=1.0).wanted_fps == pytest.approx(12.0)


def test_playout_rate_stays_between_half_and_native():
    assert fed_steadily(period_s=4.0).wanted_fps == 8.0
    assert fed_steadily(period_s=0.4).wanted_fps == 16.0


def test_time_in_which_the_generator_was_refused_is_not_its_slowness():
    pace = fed_steadily(period_s=1.0, waited_s=0.5)
    assert pace.capability_fps == pytest.approx(24.0)
    assert pace.wanted_fps == 16.0


def test_frames_left_beyond_the_margin_speed_playout_up_and_missing_ones_slow_it():
    assert fed_steadily(1.0, left_frames=6.0).wanted_fps > 12.0
    assert fed_steadily(1.0, left_frames=2.0).wanted_fps < 12.0


def test_one_long_silence_does_not_change_what_the_generator_is_thought_able_to_do():
    pace = fed_steadily(period_s=1.0)
    after_restart = arrived(pace, 12, 16.0, 0.0, pace.last_arrival_s + 9.0)
    assert after_restart.capability_fps == pytest.approx(12.0)


def test_rate_moves_smoothly_towards_what_is_wanted():
    pace = arrived(fed_steadily(period_s=1.0), 12, 16.0, 12.0, 8.0)
    rates = [pace.rate_fps]
    for _ in range(60):
        pace = advance(pace, 1 / 30)
        rates.append(pace.rate_fps)
    assert rates == sorted(rates)
    assert rates[1] - rates[0] < 0.3
    assert rates[-1] == pytest.approx(pace.wanted_fps, rel=0.01)


def test_fast_generator_is_refused_until_its_chunk_would_come_just_in_time():
    pace = fed_steadily(period_s=0.5)  # a chunk takes 0.5 s, in which 8 frames are shown
    assert not pace.has_room(left_frames=16.0, num_frames=12)
    assert pace.has_room(left_frames=12.0, num_frames=12)


def test_slow_generator_is_never_refused_in_regular_play():
    assert fed_steadily(period_s=1.0).has_room(left_frames=16.0, num_frames=12)


def test_underrun_widens_the_margin_which_then_shrinks_again():
    pace = underran(fed_steadily(period_s=1.0))
    assert pace.margin_s == pytest.approx(0.35)
    assert advance(pace, 120.0).margin_s == pytest.approx(0.25)


def test_underruns_of_a_hopelessly_slow_generator_do_not_widen_the_margin():
    assert underran(fed_steadily(period_s=4.0)).margin_s == 0.25
