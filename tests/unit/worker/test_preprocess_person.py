"""People as a control map: the file of the network, and what is made of its answer."""

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.worker.preprocess import person as person_module
from engine.worker.preprocess.person import Person, load_person_preprocessor, weights_path
from tests.reference.tflite import pixelwise

REDDISH = [(12.0, -6.0, -6.0)]  # a network that takes what is red for people
SIZE = 64


@pytest.fixture
def red(tmp_path):
    path = tmp_path / "selfie_segmentation.tflite"
    path.write_bytes(pixelwise(256, REDDISH, bias=-4.0))
    return path


def scene(left, colour=(255, 20, 20)):
    frame = np.full((SIZE, 2 * SIZE, 3), 90, np.uint8)
    frame[16:48, left : left + 32] = colour
    return frame


def test_people_are_bright_and_everything_else_is_dark(red):
    person = Person(red)
    control_map = person.push(scene(32))
    assert control_map.shape == (SIZE // 8, 2 * SIZE // 8)
    assert control_map[3:5, 5:7].min() > 240
    assert control_map[:, 10:].max() < 10
    assert person.picture().shape == (SIZE, 2 * SIZE, 1)


def test_the_network_sees_red_as_red(red):
    assert Person(red).push(scene(32, colour=(20, 20, 255))).max() < 10


def test_a_person_that_left_fades_over_frames_and_is_gone_after_a_reset(red):
    person = Person(red)
    person.push(scene(32))
    fading = [int(person.push(scene(96))[3, 6]) for _ in range(6)]
    assert fading == sorted(fading, reverse=True)
    assert 50 < fading[0] < 200
    assert fading[-1] < 10
    person.push(scene(32))
    person.reset()
    assert person.push(scene(96))[3, 6] < 5


def test_without_its_file_the_sentence_says_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.setattr(person_module, "find_spec", lambda _: None)
    with pytest.raises(WeightsError, match=f"{tmp_path}/models/person/selfie_seg.* is missing"):
        load_person_preprocessor()


def test_its_own_file_goes_before_one_that_a_package_carries(tmp_path, monkeypatch, red):
    package = tmp_path / "packages" / "mediapipe"
    carried = package / "modules" / "selfie_segmentation" / red.name
    carried.parent.mkdir(parents=True)
    carried.write_bytes(red.read_bytes())
    (package / "__init__.py").write_text("raise AssertionError('nobody imports it')")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    assert weights_path() == carried
    own = tmp_path / "models" / "person" / red.name
    own.parent.mkdir(parents=True)
    own.write_bytes(red.read_bytes())
    assert weights_path() == own


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no network at all", "cannot be read"), (pixelwise(256, REDDISH * 2, 0.0), "answers with")],
    ids=["garbage", "another network"],
)
def test_a_file_that_is_no_such_network_is_refused(tmp_path, content, said):
    path = tmp_path / "selfie_segmentation.tflite"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        Person(path)
