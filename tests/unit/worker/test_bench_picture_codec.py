"""The codec part of the proof: what it calls exact, sharp, and a step at a latent edge."""

import math
import random

import pytest
import torch

from engine.bench.picture_codec_part import coded, psnr_db
from engine.bench.picture_prompts import caption_of
from engine.visuals.canvas import Canvas
from engine.visuals.looks import paint
from engine.worker.models.house.house import load_house

CPU = torch.device("cpu")


class Memoryless:
    """Loses nothing, except what is taken from the first frame of each latent."""

    dtype = torch.float32

    def __init__(self, darker=0.0, forgets=False):
        self.darker, self.forgets = darker, forgets

    def encode(self, frames, state=None):
        return frames, ()

    def decode(self, latents, state=None):
        shown = latents.clone()
        shown[:, ::4] -= self.darker
        if self.forgets and state is None:
            shown = shown * 0.9
        return shown, ()


@pytest.fixture(scope="module")
def clip():
    generator = torch.Generator().manual_seed(1)
    start = torch.rand(1, 3, 32, 32, generator=generator) * 200
    steps = torch.rand(24, 3, 32, 32, generator=generator).cumsum(0)
    return (start + steps).clamp(0, 255).to(torch.uint8)


def test_a_codec_that_loses_nothing_is_exact(clip):
    found, shown = coded(Memoryless(), clip)
    assert torch.equal(shown, clip)
    assert (found.psnr_db, found.apart) == (math.inf, 0.0)
    assert found.after.seams() == found.before.seams()


def test_noise_of_one_percent_of_white_is_forty_decibels():
    one = torch.full((4, 3, 8, 8), 100, dtype=torch.uint8)
    other = one + torch.where(torch.rand(one.shape) < 0.5, -1, 1).to(torch.uint8)
    assert psnr_db(one, other) == pytest.approx(20 * math.log10(255), abs=1e-6)


def test_what_flickers_at_latent_edges_shows_in_their_ratio(clip):
    steady, _ = coded(Memoryless(), clip)
    flickering, _ = coded(Memoryless(darker=0.1), clip)
    assert flickering.after.seams().latent_to_inside > 2 * steady.after.seams().latent_to_inside


def test_a_codec_whose_stream_differs_from_the_whole_is_found_out(clip):
    # Streaming, the second chunk has a past; at once, all frames are the start.
    found, _ = coded(Memoryless(forgets=True), clip)
    assert found.apart > 0.05


def test_the_codec_of_the_house_model_streams_exactly_in_float32():
    house = load_house(CPU, torch.float32)
    look = caption_of("slow blue white clouds").look(random.Random(3))
    frames = paint([look], 24, CPU, Canvas.of(128, 128)).rgb()[0]
    found, _ = coded(house.codec, (frames * 255).round().to(torch.uint8))
    assert found.apart < 1e-5
    assert found.psnr_db > 25
