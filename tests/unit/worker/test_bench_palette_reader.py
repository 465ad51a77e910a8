"""The judge reads colours by painting every palette, and families by its network."""

import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from engine.bench.classifier import Agreement, PictureClassifier, Reading
from engine.bench.judge import Judge, Verdict
from engine.bench.palette_reader import (
    NUM_LIGHTS,
    NUM_SHADES,
    SPREAD_KEY,
    PaletteReader,
    load_palettes,
    palettes_of,
)
from engine.errors import WeightsError
from engine.visuals.canvas import Canvas
from engine.visuals.looks import paint, random_look
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES

CPU = torch.device("cpu")
NAMES = list(COLOURS)
PALETTES = load_palettes()


def drawn(colours, family="metaballs", seed=3):
    """A rendered chunk of a look, [12, 3, 64, 64] uint8."""
    look = replace(random_look(random.Random(seed)), family=family, colours=colours, modifiers=())
    clip = paint([look], 12, CPU, Canvas.of(64, 64)).rgb()[0]
    return (clip * 255).round().to(torch.uint8)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True), st.integers(0, 99))
def test_what_the_renderer_painted_is_mostly_read(colours, seed):
    found = PALETTES.see(drawn(colours, seed=seed)).agreement([NAMES.index(c) for c in colours])
    assert found >= 0.5


def test_fresh_looks_of_all_families_are_read_well():
    found = []
    for index, family in enumerate(FAMILIES):
        colours = random.Random(index).sample(NAMES, 2)
        seen = PALETTES.see(drawn(colours, family, index))
        found.append(seen.agreement([NAMES.index(c) for c in colours]))
    assert sum(found) / len(found) > 0.85


def test_noise_and_less_light_do_not_change_the_colours_read():
    clip = drawn(["red", "cyan"]).float()
    changed = (0.85 * clip + 6 * torch.randn_like(clip)).round().clamp(0, 255).to(torch.uint8)
    assert set(PALETTES.see(changed).colours(2)) == {NAMES.index("red"), NAMES.index("cyan")}


def test_palettes_name_each_colour_once_and_the_darkest_stop_first():
    assert [len(palettes_of(n)) for n in (1, 2, 3)] == [16, 240, 3360]
    assert all(len(set(palette)) == 3 for palette in palettes_of(3))
    seen = PALETTES.see(drawn(["blue", "gold"]))
    assert seen.colours(2) == (NAMES.index("blue"), NAMES.index("gold"))


def test_the_first_chunk_can_be_read_alone_or_left_out():
    clip = torch.cat([drawn(["red"]), drawn(["green"]), drawn(["green"], seed=4)])
    seen = PALETTES.see(clip)
    assert seen.first().colours(1) == (NAMES.index("red"),)
    assert seen.after_first().colours(1) == (NAMES.index("green"),)


def test_half_a_chunk_is_refused_with_its_number():
    with pytest.raises(ValueError, match="18 frames"):
        PALETTES.see(torch.zeros(18, 3, 32, 32, dtype=torch.uint8))


def test_a_verdict_takes_the_family_from_the_network_and_the_colours_from_the_palette():
    families = torch.zeros(1, len(FAMILIES))
    families[0, 7] = 1
    seen = PALETTES.see(drawn(["blue", "gold"]))
    verdict = Verdict(Reading(families, torch.zeros(1, len(COLOURS))), seen)
    blue, gold = NAMES.index("blue"), NAMES.index("gold")
    assert verdict.words(2) == (FAMILIES[7], "blue", "gold")
    assert verdict.agreement(7, [gold, blue]) == Agreement(family=1, colour=1)
    assert verdict.agreement(6, [blue, NAMES.index("red")]) == Agreement(family=0, colour=0.5)


def test_the_judge_reads_every_chunk_with_both_halves():
    torch.manual_seed(0)
    judge = Judge(PictureClassifier().eval(), PALETTES)
    verdict = judge.read(torch.cat([drawn(["red"]), drawn(["white"])]))
    assert verdict.reading.families.shape == (2, len(FAMILIES))
    assert verdict.after_first().painted.spread.shape == (1, 4096)
    torch.testing.assert_close(verdict.painted.spread.sum(1), torch.ones(2))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (None, "is missing"),
        ({"other": torch.zeros(2)}, "cannot be read"),
        ({SPREAD_KEY: torch.zeros(2, 3)}, r"counts \(2, 3\)"),
    ],
)
def test_a_wrong_file_is_refused_with_the_way_to_make_it(tmp_path, tensors, message):
    path = tmp_path / "shades.safetensors"
    if tensors is not None:
        save_file(tensors, path)
    with pytest.raises(WeightsError, match=message) as refused:
        load_palettes(path)
    assert "training.shades" in str(refused.value)


def test_a_reader_of_evenly_spread_shades_still_tells_red_from_green():
    even = PaletteReader(torch.full((NUM_SHADES, NUM_LIGHTS), 1 / (NUM_SHADES * NUM_LIGHTS)))
    assert even.see(drawn(["green"])).colours(1) == (NAMES.index("green"),)
