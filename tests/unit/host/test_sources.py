"""The parts of sources that decide: media time, cropping, names, kinds."""

import numpy as np
import pytest

from engine.errors import SourceError
from engine.host.sources.fit import crop_box, fit
from engine.host.sources.kinds import make_source
from engine.host.sources.ndi import best_match, is_url
from engine.host.sources.test_pattern import HEIGHT_PX, WIDTH_PX, draw
from engine.host.sources.video_file import MediaClock
from engine.protocol.values import SourceSpec

NAMES = ["STAGE (Camera 1)", "STAGE (Camera 2)", "BOOTH (Segue)"]


def test_media_time_counts_from_the_first_timestamp():
    clock = MediaClock(0.04)
    assert [clock.time_of(10.0 + t) for t in (0.0, 0.04, 0.5)] == pytest.approx([0.0, 0.04, 0.5])


def test_media_time_never_runs_backwards():
    clock = MediaClock(0.04)
    times = [clock.time_of(stamp) for stamp in (0.0, 1.0, 0.5, 0.5)]
    assert times == sorted(times)
    assert len(set(times)) == 4


def test_missing_timestamps_are_spaced_at_the_declared_rate():
    clock = MediaClock(0.04)
    assert [clock.time_of(None) for _ in range(3)] == pytest.approx([0.0, 0.04, 0.08])


def test_a_pass_ends_when_its_last_frame_has_been_shown():
    clock = MediaClock(0.04)
    for stamp in (0.0, 0.1, 0.3):
        clock.time_of(stamp, 0.07)
    assert clock.end_s == pytest.approx(0.37)


@pytest.mark.parametrize(
    ("size", "aspect", "box"),
    [
        ((640, 360), 1.0, (140, 0, 360, 360)),
        ((360, 640), 1.0, (0, 140, 360, 360)),
        ((640, 360), 16 / 9, (0, 0, 640, 360)),
        ((1, 1), 2.0, (0, 0, 1, 1)),
    ],
)
def test_the_crop_is_the_largest_centred_box(size, aspect, box):
    assert crop_box(*size, aspect) == box


def test_fitting_keeps_the_centre_and_averages_areas():
    frame = np.zeros((100, 300, 3), np.uint8)
    frame[::2, 100:200] = 200  # lines thinner than one target pixel
    fitted = fit(frame, 50, 50)
    assert fitted.shape == (50, 50, 3)
    assert np.all(fitted == 100)


def test_fitting_an_exact_size_returns_a_copy():
    frame = np.zeros((16, 16, 3), np.uint8)
    fit(frame, 16, 16)[:] = 9
    assert not frame.any()


@pytest.mark.parametrize(
    ("wanted", "position"),
    [
        ("stage (camera 2)", 1),
        ("Segue", 2),
        ("camera 1", 0),
        ("Camera", None),
        ("booth", 2),
        ("x", None),
        ("", 0),
    ],
)
def test_an_ndi_name_may_be_a_part_that_only_one_source_has(wanted, position):
    assert best_match(wanted, NAMES) == position


def test_no_ndi_source_is_no_match():
    assert best_match("", []) is None


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("127.0.0.1:5961", True),
        ("booth.local:5961", True),
        ("BOOTH (Segue)", False),
        ("a:b", False),
    ],
)
def test_an_ndi_address_is_told_from_a_name(address, answer):
    assert is_url(address) is answer


def test_an_unknown_kind_of_source_lists_those_that_exist():
    with pytest.raises(
        SourceError, match="choose one of: none, pattern, visuals, file, camera, ndi"
    ):
        make_source(SourceSpec(kind="webcam"))


def test_the_test_pattern_is_in_colour_and_its_figure_moves():
    first, later = draw(0).astype(int), draw(10).astype(int)
    assert first.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert (first.max(axis=2) - first.min(axis=2)).mean() > 30
    figure_moved = (first.min(axis=2) > 150) != (later.min(axis=2) > 150)
    assert figure_moved.sum() > 2000
