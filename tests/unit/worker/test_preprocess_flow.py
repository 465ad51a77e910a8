"""Motion as a control map and as colour."""

import numpy as np
import pytest

from engine.worker.preprocess.colour_wheel import colours
from engine.worker.preprocess.flow import Flow

SIZE = 128
GROUND = np.random.default_rng(0).integers(40, 90, (SIZE // 4, SIZE // 2, 3), np.uint8)
FIGURE = (
    np.random.default_rng(1).integers(120, 255, (12, 12, 3), np.uint8).repeat(4, 0).repeat(4, 1)
)


def scene(left, *, pan=0):
    """Return a frame: a mottled block before a mottled ground that may be shifted."""
    frame = np.ascontiguousarray(GROUND.repeat(4, 0).repeat(4, 1)[:, pan : pan + SIZE])
    frame[40:88, left : left + 48] = FIGURE
    return frame


def played(frames):
    flow = Flow()
    maps = [flow.push(frame) for frame in frames]
    return flow, maps


def test_what_moves_is_bright_and_the_rest_is_dark():
    _, maps = played(scene(10 + 3 * index) for index in range(9))
    assert maps[-1][6:10, 6:9].min() > 180
    assert maps[-1][:3].max() < 20
    assert maps[-1][13:].max() < 20


def test_a_still_picture_has_no_motion_and_is_white_as_colour():
    noise = np.random.default_rng(2)
    flow, maps = played(
        scene(40) + noise.integers(0, 3, (SIZE, SIZE, 3), np.uint8) for _ in range(9)
    )
    assert np.max(maps) < 10
    assert flow.picture().min() > 200


def test_a_moving_camera_moves_everything():
    _, maps = played(scene(40, pan=3 * index) for index in range(9))
    assert maps[-1][1:4, 2:-2].min() > 150


@pytest.mark.parametrize(
    ("step", "hue"), [(3, (True, False, False)), (-3, (False, True, True))], ids=["right", "left"]
)
def test_direction_is_the_hue_of_its_picture(step, hue):
    flow, _ = played(scene(40 + step * index) for index in range(9))
    picture = flow.picture()
    assert picture.shape == (SIZE, SIZE, flow.channels)
    left = 40 + step * 8
    middle = picture[56:72, left + 16 : left + 32].reshape(-1, 3).mean(0)
    assert tuple(middle > 128) == hue


def test_an_edit_inside_the_source_is_no_motion():
    frames = [scene(40) for _ in range(5)] + [255 - scene(40, pan=60).transpose(1, 0, 2)]
    _, maps = played(np.ascontiguousarray(frame) for frame in frames)
    assert maps[-1].max() < 10


@pytest.mark.parametrize(
    ("vector", "colour"),
    [
        ((1, 0), (255, 0, 0)),
        ((0, 1), (255, 232, 0)),
        ((-1, 0), (0, 209, 255)),
        ((0, -1), (88, 0, 255)),
        ((0.5, 0), (255, 128, 128)),
        ((4, 0), (255, 0, 0)),
        ((0, 0), (255, 255, 255)),
    ],
)
def test_the_colour_wheel_is_the_published_one(vector, colour):
    found = colours(np.full((1, 1, 2), vector, np.float32), full_speed=1.0)
    assert np.abs(found[0, 0].astype(int) - colour).max() <= 6
