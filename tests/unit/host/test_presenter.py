"""The playout thread: whole frames at every deadline, whatever is fed to it."""

import time
from itertools import pairwise

import numpy as np
import pytest

from engine.errors import ConfigError, LocalProtocolError
from engine.host.modulation import Modulation
from engine.host.playout.aim import Due
from engine.host.playout.presenter import Presenter
from engine.protocol.modulators import Modulator
from engine.protocol.values import OutputSpec
from tests.programs import CollectingOutput, chunk, drifting, solid, wait_until

SPEC = OutputSpec(width_px=160, height_px=90, rate_numerator=50)
FPS = 48.0  # of the content: quick, so that the tests are
ORANGE = (20, 120, 220)


@pytest.fixture
def output():
    return CollectingOutput(capacity=500)


@pytest.fixture
def notices():
    return []


@pytest.fixture
def presenter(output, notices):
    presenter = Presenter(SPEC, [output], lambda *notice: notices.append(notice))
    presenter.start()
    wait_until(lambda: output.frames)
    yield presenter
    presenter.stop()


def show(presenter, bgr, num_frames=32):
    presenter.feed(chunk([solid(bgr)] * num_frames), FPS)
    wait_until(lambda: presenter.state().shown > 20)  # the fade-in is over


def colour_of(frame):
    return frame.pixels[..., :3].reshape(-1, 3).mean(axis=0)


def next_frame(output):
    count = len(output.frames) + 2  # one may have been in the making
    wait_until(lambda: len(output.frames) > count)
    return output.frames[-1]


def test_a_chunk_that_is_due_on_a_beat_is_seen_on_it_and_what_is_held_back_is_counted(presenter):
    presenter.feed(chunk([solid(ORANGE)] * 40, index=0), FPS)
    wait_until(lambda: presenter.state().shown > 4)
    usual_s = (40 - presenter.state().shown) / FPS
    due_s = time.monotonic() + usual_s * 1.3
    presenter.set_due(Due(1, due_s))  # it is not there yet
    presenter.feed(chunk([solid((0, 0, 0))] * 40, first=40, index=1), FPS)
    wait_until(lambda: presenter.state().chunk_shown == 1)
    state = presenter.state()
    assert state.chunk_shown_s >= due_s - 1 / 50
    assert state.held_back_s > 0
    assert 0 < state.speed <= 1
    presenter.set_due(Due(0, due_s + 60.0))  # of a chunk that is over: nothing waits
    count = state.shown
    wait_until(lambda: presenter.state().shown > count + 10)
    assert presenter.state().held_back_s == pytest.approx(state.held_back_s, abs=1 / 50)


def test_a_chunk_that_is_held_for_its_beat_waits_also_when_the_next_one_comes(presenter):
    presenter.feed(chunk([solid(ORANGE)] * 24, index=0), FPS)
    wait_until(lambda: presenter.state().shown > 4)
    due_s = time.monotonic() + 1.2
    presenter.set_due(Due(1, due_s, may_hold=True))
    presenter.feed(chunk([solid((0, 0, 0))] * 12, first=24, index=1), FPS)
    wait_until(lambda: presenter.state().mode == "hold")
    presenter.feed(chunk([solid((0, 0, 0))] * 12, first=36, index=2), FPS)
    wait_until(lambda: presenter.state().chunk_shown == 1)
    assert presenter.state().chunk_shown_s >= due_s - 1 / 50
    assert presenter.state().underruns == 0


def test_before_the_first_chunk_whole_black_frames_leave(presenter, output):
    assert presenter.state().mode == "waiting"
    for frame in output.frames:
        assert frame.pixels.shape == (90, 160, 4)
        assert frame.pixels[..., :3].max() == 0
        assert frame.pixels[..., 3].min() == 255


def test_fed_frames_leave_at_the_output_size(presenter, output):
    show(presenter, ORANGE)
    frame = next_frame(output)
    assert frame.pixels.shape == (90, 160, 4)
    assert colour_of(frame) == pytest.approx(ORANGE, abs=1)
    assert presenter.state().delay_ms > 0


def test_indices_and_timecodes_of_all_frames_rise(presenter, output):
    presenter.feed(chunk([drifting(i) for i in range(24)]), FPS)
    wait_until(lambda: len(output.frames) > 60)
    assert all(b.index > a.index for a, b in pairwise(output.frames))
    for a, b in pairwise(output.frames):
        assert b.timecode_100ns - a.timecode_100ns == (b.index - a.index) * 200_000


def test_black_and_dimmer_work_on_what_is_on_air(presenter, output):
    show(presenter, ORANGE)
    presenter.set_frame_parameters({"dimmer": 0.5})
    assert colour_of(next_frame(output)) == pytest.approx(np.array(ORANGE) / 2, abs=1)
    presenter.set_frame_parameters({"black": 1.0})
    assert colour_of(next_frame(output)).max() == 0
    assert presenter.state().mode == "black"
    presenter.set_frame_parameters({"black": 0.0, "dimmer": 1.0})
    assert colour_of(next_frame(output)) == pytest.approx(ORANGE, abs=1)


def test_a_modulator_moves_every_output_frame_and_leaves_the_hands_value(presenter, output):
    show(presenter, ORANGE)
    blink = Modulator(parameter="dimmer", shape="square", beats=0.0, hz=5.0, depth=-1.0)
    presenter.set_modulation(Modulation(modulators=(blink,)))
    begin = len(output.frames) + 2
    wait_until(lambda: len(output.frames) > begin + 20)
    levels = {round(float(colour_of(frame).max())) for frame in output.frames[begin:]}
    assert {0, 220} <= levels
    presenter.set_modulation(Modulation())
    assert colour_of(next_frame(output)) == pytest.approx(ORANGE, abs=1)


def test_no_saturation_leaves_the_luma_of_the_picture(presenter, output):
    show(presenter, ORANGE)
    presenter.set_frame_parameters({"saturation": 0.0})
    luma = 0.0722 * ORANGE[0] + 0.7152 * ORANGE[1] + 0.2126 * ORANGE[2]
    assert colour_of(next_frame(output)) == pytest.approx([luma] * 3, abs=1)


def test_freeze_holds_the_picture_while_content_goes_on(presenter, output):
    presenter.feed(chunk([drifting(i) for i in range(36)]), FPS)
    wait_until(lambda: presenter.state().shown > 10)
    presenter.set_frame_parameters({"freeze": 1.0})
    frozen, shown = next_frame(output), presenter.state().shown
    wait_until(lambda: presenter.state().shown > shown + 5)
    assert np.array_equal(output.frames[-1].pixels, frozen.pixels)
    assert presenter.state().mode == "freeze"


def test_new_size_and_rate_go_on_air_without_a_break_in_timecode(presenter, output):
    show(presenter, ORANGE)
    presenter.set_output(
        OutputSpec(width_px=64, height_px=64, rate_numerator=24000, rate_denominator=1001)
    )
    wait_until(lambda: output.frames[-1].pixels.shape == (64, 64, 4))
    frame = next_frame(output)
    assert (frame.rate_numerator, frame.rate_denominator) == (24000, 1001)
    assert presenter.rates()[1] == pytest.approx(23.976, abs=0.001)
    assert all(b.timecode_100ns > a.timecode_100ns for a, b in pairwise(output.frames))


def test_model_that_changes_size_on_air_is_shown_without_a_fault(presenter, output, notices):
    show(presenter, ORANGE)
    presenter.feed(chunk([solid(ORANGE, 96, 48)] * 16, first=32), FPS)
    wait_until(lambda: presenter.state().shown > 44)
    assert colour_of(next_frame(output)) == pytest.approx(ORANGE, abs=1)
    assert notices == []


def test_frames_that_somebody_holds_are_never_changed(presenter, output):
    presenter.feed(chunk([drifting(i) for i in range(36)]), FPS)
    wait_until(lambda: presenter.state().shown > 3)
    kept = output.frames[-5:]
    copies = [frame.pixels.copy() for frame in kept]
    output.frames.clear()
    wait_until(lambda: presenter.state().shown > 20)
    assert all(np.array_equal(f.pixels, c) for f, c in zip(kept, copies, strict=True))
    assert not kept[0].pixels.flags.writeable


def test_room_is_refused_as_soon_as_enough_was_fed(presenter):
    assert presenter.has_room(12)
    presenter.feed(chunk([solid(ORANGE)] * 48), FPS)
    assert not presenter.has_room(12)
    wait_until(lambda: presenter.has_room(12))


def test_rgb_frames_are_refused_and_nothing_breaks(presenter, output):
    with pytest.raises(LocalProtocolError, match="expected BGRX"):
        presenter.feed(chunk([np.zeros((64, 64, 3), np.uint8)]), FPS)
    assert next_frame(output).pixels.shape == (90, 160, 4)


def test_odd_size_is_refused_and_the_old_one_stays(presenter, output):
    with pytest.raises(ConfigError, match="width: got 161"):
        presenter.set_output(OutputSpec(width_px=161, height_px=90))
    assert next_frame(output).pixels.shape == (90, 160, 4)


def test_output_can_join_and_leave_during_the_show(presenter):
    late = CollectingOutput()
    presenter.add_output(late)
    wait_until(lambda: late.frames)
    presenter.remove_output(late)
    count = len(late.frames)
    assert late.state().status == "off"
    wait_until(lambda: presenter.rates()[0] > 0)
    assert len(late.frames) == count
