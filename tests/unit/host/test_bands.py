"""Bands and onsets of synthesised sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.audio.bands import BANDS_HZ, HOPS_PER_S, Ear, Levels, heard

RATE_HZ = 48000
BLOCK = RATE_HZ // HOPS_PER_S


def tone(hz, seconds=1.0, level=0.3):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(
        np.float32
    )


def hiss(seconds, level=0.05, seed=1):
    chance = np.random.default_rng(seed)
    return (level * chance.standard_normal(int(seconds * RATE_HZ))).astype(np.float32)


def drums(bpm, seconds, level=0.5):
    """A low thump that dies away on every beat."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    since = at % (60 / bpm)
    return (level * np.exp(-since * 18) * np.sin(2 * np.pi * 70 * since)).astype(np.float32)


def listen(sound, rate_hz=RATE_HZ, block=BLOCK):
    """Yield the ear after each block."""
    ear = Ear(rate_hz=rate_hz)
    for begin in range(0, len(sound) - block + 1, block):
        ear = heard(ear, sound[begin : begin + block])
        yield ear


@pytest.mark.parametrize(("hz", "name"), [(60, "bass"), (600, "mid"), (6000, "treble")])
def test_a_tone_is_heard_in_its_band_and_in_no_other(hz, name):
    *_, ear = listen(tone(hz))
    levels = ear.levels.as_dict()
    assert levels.pop(name) > 0.95
    levels.pop("onset")
    assert max(levels.values()) < 0.05


def test_silence_is_nothing_at_all():
    *_, ear = listen(np.zeros(RATE_HZ, np.float32))
    assert ear.levels == Levels()
    assert ear.num_onsets == 0


def test_a_quiet_line_uses_the_whole_travel_like_a_loud_one():
    for level in (0.01, 0.9):
        *_, ear = listen(tone(80, level=level))
        assert ear.levels.bass > 0.95


def test_a_level_rises_at_once_and_falls_within_half_a_second():
    sound = np.concatenate([tone(80, 1.0), np.zeros(RATE_HZ, np.float32)])
    bass = [ear.levels.bass for ear in listen(sound)]
    assert bass[4] > 0.9
    assert bass[49] > 0.95
    assert bass[49 + HOPS_PER_S // 2] < 0.2


@pytest.mark.parametrize("bpm", [90, 128, 174])
def test_every_beat_of_a_drum_is_an_onset_and_nothing_else(bpm):
    seconds = 8
    ears = list(listen(drums(bpm, seconds) + hiss(seconds, 0.002)))
    counts = [ear.num_onsets for ear in ears]
    hits_s = [(n + 1) / HOPS_PER_S for n in range(1, len(ears)) if counts[n] > counts[n - 1]]
    beats_s = np.arange(1, int(seconds * bpm / 60)) * 60 / bpm
    late_s = [min(hit - beat for hit in hits_s if hit > beat - 0.01) for beat in beats_s]
    assert max(late_s) < 0.06
    assert len(hits_s) <= len(beats_s) + 2


def test_steady_noise_and_a_steady_tone_have_no_onsets_after_they_began():
    for sound in (hiss(5), tone(440, 5)):
        counts = [ear.num_onsets for ear in listen(sound)]
        assert counts[-1] - counts[HOPS_PER_S] <= 1


def test_an_onset_flashes_and_dies_away():
    ears = list(listen(drums(60, 3)))
    flashes = [ear.levels.onset for ear in ears]
    assert max(flashes) == 1.0
    peak = flashes.index(1.0, 60)
    assert flashes[peak + 25] < 0.1


def test_any_block_size_and_any_rate_will_do():
    for rate_hz, block in ((44100, 441), (96000, 4096), (16000, 1)):
        sound = tone(80)[: block * 40]
        *_, ear = listen(sound, rate_hz, block)
        assert all(0 <= level <= 1 for level in ear.levels.as_dict().values())


def test_the_bands_meet_without_a_gap():
    for (_, _, high), (_, low, _) in pairwise(BANDS_HZ):
        assert high == low
