"""Still pictures of any kind become pictures of the model's size."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.host.stills import MAX_FILE_BYTES, read_still
from engine.protocol.guides import Role

SIZE = (64, 32)


def write(path, picture):
    assert cv2.imwrite(str(path), picture)
    return str(path)


def pixels(still):
    return np.frombuffer(still.pixels, np.uint8).reshape(still.height_px, still.width_px, 3)


def block(height, width, bgra):
    return np.broadcast_to(np.array(bgra, np.uint8), (height, width, len(bgra))).copy()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tiff"])
def test_every_format_is_read_in_its_colours(tmp_path, role, suffix):
    path = write(tmp_path / f"a.{suffix}", block(64, 128, (20, 90, 200)))
    found = pixels(read_still(role, path, SIZE))
    assert np.abs(found.astype(int) - (200, 90, 20)).max() <= 4


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(list(Role)))
def test_any_size_becomes_the_models_size(tmp_path_factory, width, height, role):
    path = tmp_path_factory.getbasetemp() / "any.png"
    still = read_still(role, write(path, block(height, width, (10, 200, 30))), SIZE)
    assert pixels(still).shape == (32, 64, 3)
    assert (pixels(still) == (30, 200, 10)).all(-1).any()


def test_a_reference_is_whole_on_white_and_a_frame_is_cropped(tmp_path):
    path = write(tmp_path / "square.png", block(40, 40, (0, 0, 0)))
    reference, frame = (pixels(read_still(r, path, SIZE)) for r in (Role.REFERENCE, Role.FRAME))
    assert (reference[:, :16] == 255).all()
    assert (reference[:, 17:47] == 0).all()
    assert (reference[:, 48:] == 255).all()
    assert (frame == 0).all()


def test_what_is_transparent_is_white_around_a_subject_and_black_in_a_mask(tmp_path):
    path = write(tmp_path / "clear.png", block(32, 64, (255, 255, 255, 0)))
    assert (pixels(read_still(Role.REFERENCE, path, SIZE)) == 255).all()
    assert (pixels(read_still(Role.MASK, path, SIZE)) == 0).all()


def test_grey_and_sixteen_bit_pictures_are_read(tmp_path):
    grey = write(tmp_path / "grey.png", np.full((32, 64), 77, np.uint8))
    deep = write(tmp_path / "deep.png", np.full((32, 64, 3), 77 * 257, np.uint16))
    assert (pixels(read_still(Role.FRAME, grey, SIZE)) == 77).all()
    assert (pixels(read_still(Role.FRAME, deep, SIZE)) == 77).all()


def test_the_key_tells_role_and_pixels_and_not_the_file(tmp_path):
    one, other = (write(tmp_path / f"{n}.png", block(32, 64, (1, 2, 3))) for n in "ab")
    keys = [read_still(Role.FRAME, path, SIZE).key for path in (one, other)]
    assert keys[0] == keys[1] != read_still(Role.MASK, one, SIZE).key
    changed = write(tmp_path / "a.png", block(32, 64, (1, 2, 4)))
    assert read_still(Role.FRAME, changed, SIZE).key != keys[0]


def broken(folder, name, content):
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file or directory"),
        (b"", "the file is empty"),
        (b"<!doctype html><title>404</title>", "it is no picture that can be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "it is no picture that can be read"),
        (bytes(MAX_FILE_BYTES + 1), "it has more than 64 MiB"),
    ],
    ids=["missing", "empty", "a web page", "cut off", "huge"],
)
def test_what_is_no_picture_is_one_sentence(tmp_path, content, words):
    path = broken(tmp_path, "a.png", content)
    with pytest.raises(ConfigError) as refused:
        read_still(Role.REFERENCE, path, SIZE)
    said = str(refused.value)
    assert said.startswith(f"reference image {path}: {words}, expected a picture")
    assert said.endswith("nothing was changed")


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(ConfigError, match="is a directory"):
        read_still(Role.MASK, str(tmp_path), SIZE)
