"""Every output keeps the contract of engine/host/outputs/base.py."""

import time
import uuid

import pytest

from engine.errors import ConfigError
from engine.host.outputs.ndi import NdiOutput
from engine.host.outputs.preview import PreviewOutput
from engine.host.outputs.recording import RecordingOutput
from engine.protocol.values import OutputSpec
from tests.programs import CollectingOutput, program_frame, wait_until


def make_ndi(folder, notices):
    return NdiOutput(notices)


def make_recording(folder, notices):
    return RecordingOutput(folder / "film.mp4", notices)


def make_preview(folder, notices):
    return PreviewOutput(notices)


def make_collecting(folder, notices):
    return CollectingOutput()


@pytest.fixture
def spec():
    return OutputSpec(width_px=320, height_px=180, ndi_name=f"contract {uuid.uuid4().hex[:8]}")


@pytest.fixture
def notices():
    return []


@pytest.fixture(params=[make_ndi, make_recording, make_preview, make_collecting])
def output(request, tmp_path, notices):
    output = request.param(tmp_path, lambda *notice: notices.append(notice))
    yield output
    output.stop()
    if isinstance(output, PreviewOutput):
        output.remove()


def start(output, spec):
    output.start(spec)
    wait_until(lambda: output.state().status == "live")


def test_output_is_off_until_started_and_off_again_when_stopped(output, spec):
    assert output.state().status == "off"
    start(output, spec)
    output.stop()
    assert output.state().status == "off"
    output.stop()


def test_every_offered_frame_is_sent_or_counted_as_dropped(output, spec, notices):
    start(output, spec)
    for index in range(100):
        output.offer(program_frame(index))
    output.stop()
    state = output.state()
    assert state.sent + state.dropped == 100
    assert state.sent > 0
    assert notices == []


def test_offer_never_waits_even_when_far_more_comes_than_can_leave(output, spec):
    start(output, spec)
    frame = program_frame(0)
    begin_s = time.monotonic()
    for _ in range(2000):
        output.offer(frame)
    # Sending 2000 frames takes seconds in every output; not waiting takes milliseconds.
    assert time.monotonic() - begin_s < 1.0


def test_frames_offered_to_an_output_that_is_off_are_ignored(output, spec):
    output.offer(program_frame(0))
    start(output, spec)
    output.stop()
    output.offer(program_frame(1))
    assert (output.state().sent, output.state().dropped) == (0, 0)


def test_output_that_was_stopped_can_be_started_again(output, spec):
    start(output, spec)
    output.stop()
    start(output, spec)
    output.offer(program_frame(0))
    wait_until(lambda: output.state().sent == 1)


def test_size_and_rate_may_change_from_frame_to_frame(output, spec, notices):
    start(output, spec)
    output.offer(program_frame(0))
    wait_until(lambda: output.state().sent == 1)
    output.offer(program_frame(1, pixels=program_frame(1).pixels[:90, :160].copy(), rate=25))
    wait_until(lambda: output.state().sent == 2)
    assert output.state().status == "live"
    assert notices == []


@pytest.mark.parametrize("size", [(321, 180), (320, 181), (0, 180)])
def test_size_that_is_odd_or_empty_is_refused_and_nothing_starts(output, size):
    with pytest.raises(ConfigError, match="expected an even number"):
        output.start(OutputSpec(width_px=size[0], height_px=size[1]))
    assert output.state().status == "off"


def test_impossible_rate_is_refused(output):
    with pytest.raises(ConfigError, match="output rate: got 30/0"):
        output.start(OutputSpec(rate_numerator=30, rate_denominator=0))
