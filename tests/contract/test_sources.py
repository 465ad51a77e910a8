"""Every source against the contract of `sources/base.py`, with real files and real NDI."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import NDIlib
import numpy as np
import psutil
import pytest

from engine.errors import SourceError
from engine.host.sources.kinds import make_source, open_source
from engine.protocol.values import SourceSpec
from tests.clips import colour, turn_clockwise, write_clip

SENDER = Path(__file__).with_name("send_ndi.py")
NDI_NAME = f"segue-test-{os.getpid()}"


@contextmanager
def ndi_sender(name):
    command = [sys.executable, str(SENDER), name]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout.readline() == "sending\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def frames_of(source, count, timeout_s=10.0):
    """Advance until `count` frames were converted; returns [(frame, seconds since the first)]."""
    taken, give_up_s = [], time.monotonic() + timeout_s
    while len(taken) < count and time.monotonic() < give_up_s:
        if source.advance(0.2):
            taken.append((source.picture(), time.monotonic()))
    return [(frame, at_s - taken[0][1]) for frame, at_s in taken]


def address_of(sender):
    """Return host:port of a sender; 5960 only tells where the senders of this machine are."""
    listening = psutil.Process(sender.pid).net_connections("tcp")
    return f"127.0.0.1:{max(connection.laddr.port for connection in listening)}"


def skip_unless_announced(name, timeout_s=5.0):
    """Only one process with senders is announced on a machine; it may be a program of its own."""
    finder, give_up_s = NDIlib.find_create_v2(), time.monotonic() + timeout_s
    found = []
    while time.monotonic() < give_up_s and not any(name in other for other in found):
        NDIlib.find_wait_for_sources(finder, 100)
        found = [source.ndi_name for source in NDIlib.find_get_current_sources(finder)]
    NDIlib.find_destroy(finder)
    if not any(name in other for other in found):
        pytest.skip(f"another program's NDI is announced on this machine: {found}")


def opened_in_the_end(spec, timeout_s=20.0):
    """As the runner does it: a sender that just died may hide the new one for some seconds."""
    give_up_s = time.monotonic() + timeout_s
    while time.monotonic() < give_up_s:
        with suppress(SourceError):
            return open_source(spec)
    return open_source(spec)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", range(0, 2000, 40))


@pytest.fixture
def live_ndi():
    with ndi_sender(NDI_NAME) as sender:
        yield address_of(sender)


@pytest.fixture(params=["pattern", "visuals", "file", "camera", "ndi"])
def spec(request, clip):
    """Each kind, really delivering; OpenCV's camera reads a file where no camera is fitted."""
    address = {"file": str(clip), "camera": str(clip), "pattern": "", "visuals": "fast plasma"}
    if request.param == "ndi":
        address["ndi"] = request.getfixturevalue("live_ndi")
    return SourceSpec(kind=request.param, address=address[request.param])


@pytest.fixture(scope="module")
def visuals():
    """One for all tests: its process takes seconds to load torch."""
    source = open_source(SourceSpec(kind="visuals", address="fast plasma"))
    yield source
    source.close()


@pytest.fixture
def source(request, spec):
    if spec.kind == "visuals":
        yield request.getfixturevalue("visuals")
        return
    source = open_source(spec)
    yield source
    source.close()


def test_a_source_delivers_moving_rgb_pictures_with_rising_indices(source):
    taken = [frame for frame, _ in frames_of(source, 12)]
    assert [frame.pixels.dtype for frame in taken] == [np.uint8] * 12
    assert {frame.pixels.ndim for frame in taken} == {3}
    assert {frame.pixels.shape[2] for frame in taken} == {3}
    assert np.abs(taken[0].pixels.astype(int) - taken[-1].pixels).mean() > 1
    indices = [frame.media_index for frame in taken]
    assert indices == sorted(set(indices))
    stamps = [frame.captured_ns for frame in taken]
    assert stamps == sorted(stamps)


def test_a_picture_belongs_to_the_caller(source):
    (first, _), *_ = frames_of(source, 1)
    first.pixels[:] = 7
    assert frames_of(source, 3)[-1][0].pixels.mean() != 7
    assert np.all(first.pixels == 7)


def test_a_source_can_be_opened_again_after_close_and_closed_twice(source):
    source.close()
    source.close()
    source.open()
    assert len(frames_of(source, 2)) == 2


def test_an_interrupt_ends_a_wait(spec):
    source = make_source(spec)
    source.interrupt()
    began_s = time.monotonic()
    with suppress(SourceError):  # an interrupted open may say that nothing came
        source.open()
        source.advance(30.0)
    source.close()
    assert time.monotonic() - began_s < 10


def test_a_file_plays_at_the_pace_of_its_variable_timestamps(tmp_path):
    times_ms = [0, 40, 300, 340, 600]
    source = open_source(
        SourceSpec(kind="file", address=str(write_clip(tmp_path / "v.mp4", times_ms)))
    )
    shown_s = [at_s for _, at_s in frames_of(source, 5)]
    source.close()
    assert shown_s == pytest.approx([t / 1000 for t in times_ms], abs=0.03)


def test_a_file_loops_without_a_gap(tmp_path):
    path = write_clip(tmp_path / "loop.mp4", range(0, 240, 40))
    source = open_source(SourceSpec(kind="file", address=str(path)))
    taken = frames_of(source, 18)
    source.close()
    gaps_s = np.diff([at_s for _, at_s in taken])
    assert gaps_s.max() < 0.08
    means = [frame.pixels.mean(axis=(0, 1)) for frame, _ in taken]
    expected = [colour(i % 6, 6) for i in range(18)]
    assert np.abs(np.array(means) - expected).max() < 12


@pytest.mark.parametrize("size", [(97, 65), (640, 360), (2, 2)])
def test_a_file_keeps_its_size_and_colours(tmp_path, size):
    path = write_clip(tmp_path / "size.mp4", [0, 40, 80], size)
    source = open_source(SourceSpec(kind="file", address=str(path)))
    (frame, _), *_ = frames_of(source, 1)
    source.close()
    assert frame.pixels.shape == (size[1], size[0], 3)
    assert np.abs(frame.pixels.mean(axis=(0, 1)) - colour(0, 3)).max() < 12


def test_a_turned_file_comes_out_upright(tmp_path):
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :48] = 255  # left half; after a quarter turn clockwise it is the upper half
    path = turn_clockwise(write_clip(tmp_path / "t.mp4", [0, 40], pictures=[picture, picture]))
    source = open_source(SourceSpec(kind="file", address=str(path)))
    (frame, _), *_ = frames_of(source, 1)
    source.close()
    assert frame.pixels.shape == (96, 64, 3)
    assert frame.pixels[:40].mean() > 230
    assert frame.pixels[56:].mean() < 25


def test_a_truncated_file_plays_what_is_left_of_it(tmp_path):
    path = write_clip(tmp_path / "cut.mkv", range(0, 2000, 40), (160, 96))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(SourceSpec(kind="file", address=str(path)))
    assert len(frames_of(source, 5)) == 5
    source.close()


def test_broken_files_are_refused_with_one_sentence(tmp_path, clip):
    folder, noise, sound = tmp_path / "folder", tmp_path / "noise.mp4", tmp_path / "headless.mp4"
    folder.mkdir()
    noise.write_bytes(b"not a video at all" * 100)
    sound.write_bytes(clip.read_bytes()[:200])
    for path in (tmp_path / "missing.mp4", folder, noise, sound):
        with pytest.raises(SourceError) as caught:
            open_source(SourceSpec(kind="file", address=str(path)))
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_without_pictures_is_refused(tmp_path):
    import wave

    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(SourceError, match="no video stream"):
        open_source(SourceSpec(kind="file", address=str(tmp_path / "sound.wav")))


def test_a_missing_camera_is_refused_with_one_sentence():
    with pytest.raises(SourceError, match="camera 97 is not there"):
        open_source(SourceSpec(kind="camera", address="97"))


def test_a_camera_that_stops_delivering_raises_and_opens_again(clip):
    source = open_source(SourceSpec(kind="camera", address=str(clip)))
    with pytest.raises(SourceError, match="stopped delivering"):
        frames_of(source, 1000)
    source.open()
    assert len(frames_of(source, 1)) == 1
    source.close()


def test_an_ndi_source_is_found_by_its_name(live_ndi):
    skip_unless_announced(NDI_NAME)
    source = open_source(SourceSpec(kind="ndi", address=NDI_NAME))
    assert len(frames_of(source, 3)) == 3
    source.close()


def test_an_ndi_name_that_nobody_sends_is_refused_with_what_was_found(live_ndi):
    skip_unless_announced(NDI_NAME)
    with pytest.raises(SourceError, match=f"found are .*{NDI_NAME}"):
        open_source(SourceSpec(kind="ndi", address="nobody sends this"))


def test_an_ndi_source_whose_sender_is_killed_raises():
    with ndi_sender(f"{NDI_NAME}-mortal") as sender:
        source = open_source(SourceSpec(kind="ndi", address=address_of(sender)))
        assert len(frames_of(source, 5)) == 5
    with pytest.raises(SourceError, match="vanished"):
        frames_of(source, 1000, timeout_s=20)
    source.close()


def test_an_ndi_sender_that_comes_back_is_found_again():
    name = f"{NDI_NAME}-again"
    for _ in range(2):
        with ndi_sender(name):
            skip_unless_announced(name)
            source = opened_in_the_end(SourceSpec(kind="ndi", address=name))
            assert len(frames_of(source, 5)) == 5
            source.close()


def test_waiting_sources_do_not_hold_the_interpreter(source):
    counted = [0]
    done = threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    frames_of(source, 5)
    done.set()
    counter.join()
    assert counted[0] > 1000
