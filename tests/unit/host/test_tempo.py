"""Rates and boundaries from a list of times."""

from __future__ import annotations

import pytest

from engine.host import tempo as beat
from engine.host.tempo import Tempo


def steady(period_s=0.75, count=10):
    tempo = Tempo()
    for n in range(count):
        tempo = beat.arrived(beat.crossed(tempo, n * period_s), 12, n * period_s + 0.5)
    return tempo, (count - 1) * period_s


def test_the_rate_of_steady_chunks_is_exact():
    tempo, last_s = steady()
    assert beat.generation_fps(tempo, last_s + 0.5) == pytest.approx(16)


def test_the_rate_does_not_swing_between_two_chunks():
    tempo, last_s = steady()
    rates = [beat.generation_fps(tempo, last_s + 0.5 + wait) for wait in (0, 0.3, 0.7)]
    assert rates == pytest.approx([16, 16, 16])


def test_the_rate_falls_to_zero_when_nothing_comes():
    tempo, last_s = steady()
    assert 0 < beat.generation_fps(tempo, last_s + 3) < 12
    assert beat.generation_fps(tempo, last_s + 6) == 0


def test_nothing_is_known_before_the_second_chunk():
    tempo = beat.crossed(beat.arrived(Tempo(), 12, 1.0), 1.0)
    assert beat.generation_fps(tempo, 1.1) == 0
    assert beat.boundary_in_s(tempo, 1.1) == 0


def test_the_next_boundary_counts_down_and_never_below_zero():
    tempo, last_s = steady()
    assert beat.boundary_in_s(tempo, last_s + 0.25) == pytest.approx(0.5)
    assert beat.boundary_in_s(tempo, last_s + 9) == 0


def test_after_an_interruption_the_next_boundary_is_unknown():
    tempo, last_s = steady()
    assert beat.boundary_in_s(beat.interrupted(tempo), last_s) == 0


def test_memory_is_bounded():
    tempo, _ = steady(count=1000)
    assert len(tempo.arrivals) < 100
    assert len(tempo.boundaries) < 100
