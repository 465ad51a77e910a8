"""The MP4 recording: what is in the file, and what happens when the disk says no."""

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.host.outputs.recording import RecordingOutput
from engine.protocol.values import OutputSpec, Severity
from tests.programs import bars, program_frame, wait_until

SPEC = OutputSpec(width_px=320, height_px=180, rate_numerator=30000, rate_denominator=1001)
REPOSITORY = Path(__file__).parents[2]


def frame(index, pixels=None):
    made = program_frame(index, pixels)
    return type(made)(
        pixels=made.pixels, index=index, timecode_100ns=made.timecode_100ns, due_ns=made.due_ns,
        rate_numerator=30000, rate_denominator=1001,
    )  # fmt: skip


def record(output, frames):
    output.start(SPEC)
    wait_until(lambda: output.state().status == "live")
    for index, offered in enumerate(frames):
        output.offer(offered)
        wait_until(lambda index=index: output.state().sent == index + 1)


def read(path):
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        pictures = [(f.pts * f.time_base, f.to_ndarray(format="bgra")) for f in film.decode(stream)]
        return stream, pictures


def test_film_has_every_frame_at_the_true_rate(tmp_path):
    output = RecordingOutput(tmp_path / "film.mp4")
    record(output, [frame(100 + i) for i in range(45)])
    output.stop()
    stream, pictures = read(tmp_path / "film.mp4")
    assert (stream.width, stream.height, stream.codec_context.pix_fmt) == (320, 180, "yuv420p")
    assert stream.average_rate == Fraction(30000, 1001)
    assert [at for at, _ in pictures] == [Fraction(i * 1001, 30000) for i in range(45)]


def test_film_shows_the_right_colours(tmp_path):
    output, picture = RecordingOutput(tmp_path / "film.mp4"), bars(320, 180)
    record(output, [frame(i, picture) for i in range(3)])
    output.stop()
    decoded = read(tmp_path / "film.mp4")[1][-1][1]
    centres = [320 * (2 * i + 1) // 12 for i in range(6)]
    assert decoded[90, centres, :3] == pytest.approx(picture[90, centres, :3].astype(int), abs=6)


def test_missed_ticks_leave_the_film_as_long_as_the_show(tmp_path):
    output = RecordingOutput(tmp_path / "film.mp4")
    record(output, [frame(i) for i in (0, 1, 2, 12, 13)])
    output.stop()
    times = [at for at, _ in read(tmp_path / "film.mp4")[1]]
    assert times == [Fraction(i * 1001, 30000) for i in (0, 1, 2, 12, 13)]


def test_new_size_goes_on_in_a_second_film(tmp_path):
    output = RecordingOutput(tmp_path / "film.mp4")
    smaller = np.ascontiguousarray(frame(3).pixels[:90, :160])
    record(output, [frame(0), frame(1), frame(2, smaller)])
    assert output.state().detail == str(tmp_path / "film-2.mp4")
    output.stop()
    assert len(read(tmp_path / "film.mp4")[1]) == 2
    assert read(tmp_path / "film-2.mp4")[0].width == 160


@pytest.mark.parametrize("place", ["missing/film.mp4", "file/film.mp4", ""])
def test_path_that_cannot_be_written_is_one_notice_and_a_failed_recording(tmp_path, place):
    (tmp_path / "file").write_text("not a folder")
    notices = []
    output = RecordingOutput(tmp_path / place, lambda *notice: notices.append(notice))
    output.start(SPEC)
    wait_until(lambda: output.state().status == "failed")
    output.offer(frame(0))
    output.stop()
    assert [notice[0] for notice in notices] == [Severity.FAULT]
    assert str(tmp_path / place) in output.state().message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_ends_the_recording_with_one_notice():
    notices = []
    output = RecordingOutput("/dev/full", lambda *notice: notices.append(notice), min_free_bytes=0)
    output.start(SPEC)
    wait_until(lambda: output.state().status != "off")
    for index in range(200):
        output.offer(frame(index))
    wait_until(lambda: output.state().status == "failed")
    output.stop()
    assert len(notices) == 1
    assert "No space left on device" in notices[0][2]


def test_disk_that_is_nearly_full_ends_the_recording_and_what_was_recorded_plays(tmp_path):
    output = RecordingOutput(tmp_path / "film.mp4")
    record(output, [frame(i) for i in range(5)])
    output._min_free_bytes = 2**62  # as if somebody else had filled the disk
    wait_until(lambda: output.state().status == "failed")
    assert "what was recorded is safe" in output.state().message
    assert len(read(tmp_path / "film.mp4")[1]) == 5


_RECORD_UNTIL_KILLED = """
import sys
from engine.host.outputs.recording import RecordingOutput
from tests.contract.test_recording import SPEC, frame, wait_until
output = RecordingOutput(sys.argv[1])
output.start(SPEC)
wait_until(lambda: output.state().status == "live")
for index in range(120):
    output.offer(frame(index))
    wait_until(lambda: output.state().sent == index + 1)
sys.stdout.write("recorded\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def test_film_of_a_killed_host_plays_up_to_its_last_second(tmp_path):
    command = [sys.executable, "-c", _RECORD_UNTIL_KILLED, str(tmp_path / "film.mp4")]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as recorder:
        assert recorder.stdout.readline() == "recorded\n"
        os.kill(recorder.pid, signal.SIGKILL)
    assert len(read(tmp_path / "film.mp4")[1]) >= 85
