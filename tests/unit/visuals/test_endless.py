"""Pictures without an end: the same for whoever asks, without a jump, exact after a year."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.visuals.addresses import read_address
from engine.visuals.canvas import Canvas
from engine.visuals.endless import Captioned, ControlMap, Endless, Wander, passages_of
from engine.worker.models.house.text import parse_prompt
from engine.worker.models.house.vocabulary import FAMILIES, SPEEDS

ADDRESSES = ["", "fast plasma", "medium lightning glitch pulsing", "dancer", "flow figure"]
SIDE_PX = 32
A_YEAR = 365 * 24 * 3600 * 16


def passages(address):
    return passages_of(read_address(address), SIDE_PX, SIDE_PX)


def endless(address):
    return Endless(passages(address))


def passage_frames(address):
    return passages(address).num_frames


def drawn(address, first, count):
    """Draw exactly `count` frames, in as few stretches as there are passages."""
    source, frames = endless(address), []
    while len(frames) < count:
        frames.extend(source.draw(first + len(frames), count - len(frames)))
    return np.stack(frames).astype(int)


def changes(frames):
    return np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ADDRESSES),
    st.integers(0, 2),
    st.integers(-6, 70),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_a_frame_is_the_same_in_whatever_stretch_it_is_drawn(address, passage, offset, counts):
    first = max(0, passage * passage_frames(address) + offset)
    source, stretches, at = endless(address), [], first
    for count in counts:
        stretches.append(source.draw(at, count))
        at += len(stretches[-1])
    pieces = np.concatenate(stretches)
    assert np.array_equal(pieces, drawn(address, first, len(pieces)))


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_stretch_ends_with_its_passage(address):
    end = passage_frames(address)
    assert len(endless(address).draw(end - 3, 8)) == 3
    assert len(endless(address).draw(end, 8)) == 8


def taken_over(address):
    """Return how near each frame of a take-over is to the new passage: 0 the old one, 1 the new."""
    playing = passages(address)
    begin, count = playing.num_frames, playing.num_blend_frames + 1
    shown = drawn(address, begin, count)
    old, new = (
        playing.draw(passage, at, count).movedim(1, -1).numpy() * 255
        for passage, at in ((0, begin), (1, 0))
    )
    apart = [np.abs(shown - side).mean(axis=(1, 2, 3)) for side in (old, new)]
    return apart[0] / (apart[0] + apart[1])


@pytest.mark.parametrize("address", ["", "fast plasma", "fast dancers mirrored", "blobs"])
def test_a_passage_takes_over_little_by_little(address):
    near = taken_over(address)
    assert near[0] < 0.1
    assert near[-1] > 0.98
    assert np.abs(np.diff(near)).max() < 0.1


@pytest.mark.parametrize("address", ["fast plasma", "dancer"])
def test_after_a_passage_another_drawing_is_shown(address):
    shown, following = (drawn(address, passage_frames(address) * n + 200, 1) for n in (0, 1))
    assert np.abs(shown - following).mean() > 3


@pytest.mark.parametrize("address", ["fast plasma", "dancer", "medium moire glitch"])
def test_it_moves_as_finely_after_a_year_as_in_the_first_minute(address):
    much_later = A_YEAR // passage_frames(address) * passage_frames(address)
    early, late = (changes(drawn(address, first + 500, 24)) for first in (0, much_later))
    assert np.count_nonzero(late) == np.count_nonzero(early)
    assert late.mean() > early.mean() / 4


def test_another_seed_is_another_picture():
    for words in ("", "fast plasma", "dancer"):
        one, other = (drawn(f"{words} #{seed}", 40, 1) for seed in (1, 2))
        assert not np.array_equal(one, other)


def test_a_caption_is_drawn_in_its_own_words():
    parsed = parse_prompt("fast teal gold hexagons mirrored neon")
    look = Captioned(parsed, 0, Canvas.of(32, 32)).look(3)
    assert look.ids() == parsed.ids


def test_wandering_never_stays_where_it_is_and_sees_every_family():
    wander = Wander(0, Canvas.of(32, 32))
    looks = [wander.look(passage) for passage in range(400)]
    assert all(one != other for one, other in itertools.pairwise(looks))
    assert {look.family for look in looks} == set(FAMILIES)


def test_wandering_into_other_colours_goes_on_where_the_form_was():
    wander = Wander(0, Canvas.of(32, 32))
    same_form = [
        (before, after)
        for before, after in itertools.pairwise(map(wander.look, range(100)))
        if before.parameters == after.parameters
    ]
    assert len(same_form) > 20
    for before, after in same_form:
        passed_s = SPEEDS[before.speed] * wander.num_frames / 16
        assert after.start_s == pytest.approx(before.start_s + passed_s)


def test_maps_are_grey_and_a_dancer_stands_out_from_black():
    frames = drawn("dancer", 100, 4)
    assert np.array_equal(frames[..., 0], frames[..., 2])
    assert frames.max() > 240
    assert np.median(frames) < 10


def test_a_wide_map_shows_the_same_figure_over_its_whole_height():
    wide = Endless(ControlMap("dancer", 0, Canvas.of(96, 48))).draw(100, 1)
    assert wide.shape == (1, 48, 96, 3)
    rows = wide[0, ..., 0].max(axis=1)
    assert np.count_nonzero(rows > 128) > 24
