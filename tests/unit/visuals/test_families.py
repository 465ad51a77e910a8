"""The 36 families: alive, lit, told apart, repeatable, and the same at every size and hour."""

import random

import pytest
import torch

from engine.visuals.canvas import Canvas
from engine.visuals.families import FAMILY_PAINTERS
from engine.visuals.looks import NUM_PARAMETERS, Look, Painting, paint
from engine.worker.models.house.vocabulary import FAMILIES, WORD_IDS, WORDS

CPU = torch.device("cpu")
SMALL = Canvas.of(48, 48)

FLASH_WINDOW_FRAMES = 160


def looks_of(family: str, count: int = 3, speed: str = "medium", start_s: float = 0.0):
    rng = random.Random(4)
    return [
        Look(
            family=family,
            colours=("red", "green", "blue"),
            speed=speed,
            modifiers=(),
            parameters=tuple(rng.random() for _ in range(NUM_PARAMETERS)),
            start_s=start_s + 40 * rng.random(),
        )
        for _ in range(count)
    ]


def drawn(family: str, canvas: Canvas = SMALL, num_frames: int = 4, **changes) -> Painting:
    return paint(looks_of(family, **changes), num_frames, CPU, canvas)


def test_the_painters_are_the_families_of_the_vocabulary():
    assert tuple(FAMILY_PAINTERS) == FAMILIES
    assert len(FAMILIES) == 36


def test_words_of_the_first_vocabulary_keep_their_ids():
    ids = [WORD_IDS[word] for word in ("flames", "beams", "red", "slow", "kaleidoscope", "glitch")]
    assert ids == [1, 24, 25, 41, 44, 57]
    assert WORDS[58:] == FAMILIES[24:]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_moves_and_is_lit(family):
    painting = drawn(family)
    assert 0.005 < painting.rgb().diff(dim=1).abs().mean() < 0.12
    assert painting.light.mean() > 0.15
    assert painting.light.std((-2, -1)).mean() > 0.08


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_uses_more_than_one_colour(family):
    assert drawn(family).shade.flatten().quantile(0.9) - drawn(family).shade.min() > 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_look_draws_the_same_picture(family):
    assert torch.equal(drawn(family).rgb(), drawn(family).rgb())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_of_twice_the_size_averages_to_the_same(family):
    small = drawn(family, Canvas.of(96, 96), 1).rgb()
    large = drawn(family, Canvas.of(192, 192), 1).rgb()
    averaged = large.unflatten(-1, (-1, 2)).mean(-1).unflatten(-2, (-1, 2)).mean(-2)
    assert (averaged - small).abs().mean() < 0.03


@pytest.mark.parametrize("family", FAMILIES)
def test_after_three_hours_a_family_still_runs_smoothly(family):
    early, late = (drawn(family, num_frames=8, start_s=s).rgb() for s in (0.0, 1e4))
    assert late.isfinite().all()
    motion = [picture.diff(dim=1).abs().mean().item() for picture in (early, late)]
    assert 0.4 * motion[0] < motion[1] < 2.5 * motion[0]


def features(family: str, seed_offset: float) -> torch.Tensor:
    light = drawn(family, num_frames=2, start_s=seed_offset, count=6).light
    down, across = light.diff(dim=-2).abs().mean(), light.diff(dim=-1).abs().mean()
    rows, columns = light.mean((0, 1, 3)), light.mean((0, 1, 2))
    spectrum = torch.fft.rfft2(light - light.mean((-2, -1), keepdim=True)).abs().mean((0, 1))
    rings = [spectrum[k : 2 * k, k // 2 : 2 * k].mean() / 20 for k in (1, 2, 4, 8)]
    return torch.stack([4 * down, 4 * across, rows.std(), columns.std(), light.mean(), *rings])


def test_no_two_families_look_alike():
    rows = torch.stack([features(family, 0.0) for family in FAMILIES])
    distance = torch.cdist(rows, rows) + 9 * torch.eye(len(FAMILIES))
    assert distance.min() > 0.02


def test_lightning_flashes_less_than_three_times_a_second_at_full_speed():
    painting = drawn("lightning", Canvas.of(24, 24), FLASH_WINDOW_FRAMES, speed="fast")
    level = painting.light.mean((-2, -1))
    rises = (level.diff(dim=1) > 0.05).float().diff(dim=1) > 0
    assert rises.sum(1).max() <= 3 * FLASH_WINDOW_FRAMES / 16
