"""The preview ring: small, newest first, gone when it should be."""

from pathlib import Path

import pytest

from engine.host.outputs.preview import PreviewOutput, preview_size
from engine.protocol.frame_ring import RingReader
from engine.protocol.values import OutputSpec
from tests.programs import program_frame, solid, wait_until

RED = (10, 20, 200)


@pytest.fixture
def preview():
    preview = PreviewOutput()
    yield preview
    preview.stop()
    preview.remove()


def test_program_arrives_in_the_ring_scaled_down(preview):
    preview.start(OutputSpec())
    wait_until(lambda: preview.state().status == "live")
    preview.offer(program_frame(7, pixels=solid(RED, 1920, 1080)))
    wait_until(lambda: preview.state().sent == 1)
    frame = RingReader(preview.ring_path).latest()
    assert frame.pixels.shape == (540, 960, 4)
    assert frame.pixels[270, 480, :3] == pytest.approx(RED, abs=1)
    assert frame.meta.media_index == 7


def test_ring_is_there_before_the_start_and_gone_after_remove(preview):
    assert Path(preview.ring_path).exists()
    preview.remove()
    assert not Path(preview.ring_path).exists()


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ((1920, 1080), (960, 540)),
        ((1280, 720), (960, 540)),
        ((640, 480), (640, 480)),
        ((1080, 1920), (302, 540)),
        ((4096, 64), (960, 14)),
    ],
)
def test_preview_size_is_even_fits_and_is_never_larger(program, expected):
    assert preview_size(*program) == expected
