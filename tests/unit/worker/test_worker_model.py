"""What is chosen at load: device, number type, model; and prompts that are encoded once."""

import pytest
import torch

from engine.errors import ConfigError, DeviceError
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.device import choose_compute
from engine.worker.model import load_model
from engine.worker.models.house.text import parse_prompt
from engine.worker.prompts import Prompts
from tests.tiny_worker import CPU


class CountingEncoder:
    """Encodes a prompt as the number of its letters, and counts how often."""

    def __init__(self):
        self.asked = []

    def encode(self, prompt):
        self.asked.append(prompt)
        return torch.full((2, 3), float(len(prompt))), parse_prompt(prompt)


def weighted(**weights: float) -> tuple[WeightedPrompt, ...]:
    return tuple(WeightedPrompt(text=text, weight=weight) for text, weight in weights.items())


def test_a_prompt_is_encoded_once_however_often_it_is_mixed():
    encoder = CountingEncoder()
    prompts = Prompts(encoder)
    prompts.prepare("fire")
    for blend in (0.25, 0.5, 1.0):
        prompts.try_mixed(weighted(fire=1 - blend, waves=blend))
    assert encoder.asked == ["fire", "waves"]


def test_a_mix_is_linear_in_its_weights():
    rows, _ = Prompts(CountingEncoder()).try_mixed(weighted(abcd=0.25, ab=0.75))
    assert torch.equal(rows, torch.full((1, 2, 3), 4 * 0.25 + 2 * 0.75))


def test_an_empty_mix_is_refused():
    with pytest.raises(ConfigError, match="without a prompt"):
        Prompts(CountingEncoder()).try_mixed(())


def test_a_reading_says_what_was_understood_as_what_and_what_was_not():
    read = Prompts(CountingEncoder()).prepare("crimson flames of qwertz")
    assert "flames" in read.understood
    assert any(part.startswith("crimson → ") for part in read.understood)
    assert read.unknown == ("qwertz",)


def test_a_reading_tells_a_word_without_room_from_one_without_meaning():
    read = Prompts(CountingEncoder()).prepare("flames of qwertz, smoke")
    assert read.unknown == ("qwertz", "smoke")
    assert read.left_out == ("smoke",)


def test_the_cpu_gets_a_number_type_and_says_so_when_it_falls_back():
    compute = choose_compute("cpu")
    assert compute.dtype_name in ("bfloat16", "float32")
    assert bool(compute.notices) == (compute.dtype is torch.float32)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:9", ""])
def test_an_unknown_device_is_refused_with_the_choices(wanted):
    with pytest.raises(DeviceError, match="choose auto, cpu or cuda"):
        choose_compute(wanted)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without an NVIDIA GPU")
def test_a_gpu_that_is_not_there_is_one_sentence():
    with pytest.raises(DeviceError, match="no NVIDIA GPU here"):
        choose_compute("cuda")


@pytest.mark.parametrize("size", [(100, 64), (64, 100)])
def test_a_picture_size_that_does_not_divide_is_refused(size):
    with pytest.raises(ConfigError, match="divisible by 16"):
        load_model(ModelChoice(name="untrained", width_px=size[0], height_px=size[1]), CPU)
