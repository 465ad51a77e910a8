"""The source runner with real sources and a real ring."""

import threading
import time

import numpy as np
import pytest

from engine.host.sources.runner import SourceRunner
from engine.protocol import frame_ring
from engine.protocol.values import Severity, SourceSpec
from tests.clips import write_clip
from tests.contract.test_sources import NDI_NAME, ndi_sender, skip_unless_announced

FPS = 16.0
PATTERN = SourceSpec(kind="pattern")


@pytest.fixture
def notices():
    return []


@pytest.fixture
def reader(runner):
    return frame_ring.RingReader(runner.ring_path)


@pytest.fixture
def runner(notices):
    path = frame_ring.create("test-input", 32, 96 * 64 * 3)
    runner = SourceRunner(path, 96, 64, FPS, lambda *notice: notices.append(notice))
    runner.ring_path = path
    runner.start()
    yield runner
    runner.stop()
    frame_ring.remove(path)


def waiting(condition, timeout_s=20.0):
    pause, give_up_s = threading.Event(), time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up_s, "it did not happen in time"
        pause.wait(0.02)


def status(runner):
    return runner.state().status


def test_without_a_source_there_is_no_frame(runner):
    assert runner.newest_frame() is None
    assert status(runner) == "none"


def test_frames_reach_the_ring_at_model_size_and_rate(runner, reader):
    runner.select(PATTERN)
    waiting(lambda: runner.newest_frame() is not None)
    first, began_s = runner.newest_frame(), time.monotonic()
    waiting(lambda: runner.newest_frame() >= first + 16)
    assert time.monotonic() - began_s == pytest.approx(1.0, abs=0.3)
    frame = reader.read(runner.newest_frame())
    assert frame.pixels.shape == (64, 96, 3)
    assert frame.meta.media_index > 0


def test_a_change_of_source_is_told_once(runner):
    runner.select(PATTERN)
    waiting(lambda: status(runner) == "live")
    waiting(runner.take_source_cut)
    assert not runner.take_source_cut()


def test_the_old_source_plays_on_while_the_new_one_cannot_be_opened(runner, notices, tmp_path):
    runner.select(PATTERN)
    waiting(lambda: status(runner) == "live")
    waiting(runner.take_source_cut)
    runner.select(SourceSpec(kind="file", address=str(tmp_path / "missing.mp4")))
    waiting(lambda: status(runner) == "failed")
    number = runner.newest_frame()
    waiting(lambda: runner.newest_frame() > number + 3)
    assert not runner.take_source_cut()
    assert "missing.mp4" in runner.state().message
    assert [(severity, subject) for severity, subject, _ in notices] == [
        (Severity.WARNING, "source")
    ]


def test_a_new_source_takes_over_with_its_first_frame(runner, reader, tmp_path):
    white = [np.full((64, 96, 3), 255, np.uint8)] * 50
    path = write_clip(tmp_path / "white.mp4", range(0, 2000, 40), pictures=white)
    runner.select(PATTERN)
    waiting(lambda: status(runner) == "live")
    waiting(runner.take_source_cut)
    runner.select(SourceSpec(kind="file", address=str(path)))
    waiting(runner.take_source_cut)
    assert reader.read(runner.newest_frame()).pixels.mean() > 240
    assert status(runner) == "live"


def test_it_moves_to_the_ring_of_another_model_with_its_source(runner, reader):
    runner.select(PATTERN)
    waiting(lambda: (runner.newest_frame() or 0) >= 8)
    path = frame_ring.create("test-input-2", 32, 48 * 32 * 3)
    try:
        runner.move(path, 48, 32)
        waiting(lambda: not runner.is_moving())
        first = runner.newest_frame()
        assert first < 8  # numbers of the new ring, which begin anew
        waiting(lambda: runner.newest_frame() > first + 2)
        frame = frame_ring.RingReader(path).read(runner.newest_frame())
        assert frame.pixels.shape == (32, 48, 3)
        stood = reader.num_written
        waiting(lambda: runner.newest_frame() > first + 5)
        assert reader.num_written == stood
    finally:
        frame_ring.remove(path)


def test_it_moves_without_a_source(runner):
    path = frame_ring.create("test-input-2", 32, 48 * 32 * 3)
    try:
        runner.move(path, 48, 32)
        waiting(lambda: not runner.is_moving())
        assert runner.newest_frame() is None
        runner.select(PATTERN)
        waiting(lambda: runner.newest_frame() is not None)
        assert frame_ring.RingReader(path).latest().pixels.shape == (32, 48, 3)
    finally:
        frame_ring.remove(path)


def test_selecting_nothing_ends_the_source(runner):
    runner.select(PATTERN)
    waiting(lambda: runner.newest_frame() is not None)
    runner.select(SourceSpec())
    waiting(lambda: runner.newest_frame() is None)
    assert status(runner) == "none"


def test_an_unknown_kind_is_refused_in_the_state(runner, notices):
    runner.select(SourceSpec(kind="telepathy"))
    waiting(lambda: status(runner) == "failed")
    assert "telepathy" in notices[0][2]


def test_a_lost_ndi_source_leaves_its_last_frame_and_comes_back(runner, notices):
    name = f"{NDI_NAME}-runner"
    with ndi_sender(name):
        skip_unless_announced(name)
        runner.select(SourceSpec(kind="ndi", address=name))
        waiting(lambda: status(runner) == "live")
    waiting(lambda: status(runner) == "stalled")
    number = runner.newest_frame()
    waiting(lambda: runner.newest_frame() > number)
    with ndi_sender(name):
        waiting(lambda: status(runner) == "live", timeout_s=30.0)
    texts = [text for _, _, text in notices]
    assert any("nothing for a second" in text or "vanished" in text for text in texts)
    assert any("is back" in text for text in texts)


def test_the_input_rate_is_that_of_the_source(runner, tmp_path):
    path = write_clip(tmp_path / "slow.mp4", range(0, 5000, 100))
    runner.select(SourceSpec(kind="file", address=str(path)))
    waiting(lambda: runner.state().delivered > 12)
    assert runner.input_fps() == pytest.approx(10.0, rel=0.2)
