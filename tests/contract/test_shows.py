"""Every show that ships loads without a remark and is in words that its model knows."""

from pathlib import Path

import pytest

from app.core.keys import PAD_KEYS
from engine.protocol.show_file import load_show
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES, MODIFIERS, SPEEDS

PRESETS = Path(__file__).parents[2] / "presets"
SHOWS = sorted(path.parent for path in PRESETS.glob("*/show.toml"))


def family_of(preset):
    (family,) = [word for word in preset.prompt.split() if word in FAMILIES]
    return family


@pytest.mark.parametrize("folder", SHOWS, ids=lambda path: path.name)
def test_a_show_that_ships_loads_without_a_remark_and_fills_the_pads(folder):
    show = load_show(folder)
    assert show.remarks == ()
    assert not show.read_only
    assert 8 <= len(show.presets) <= len(PAD_KEYS)
    unlisted = {path.stem for path in folder.glob("*.toml")} - {"show", *show.files.values()}
    assert unlisted == set()


@pytest.mark.parametrize("folder", SHOWS, ids=lambda path: path.name)
def test_its_prompts_are_words_that_the_house_model_knows_and_no_two_look_alike(folder):
    presets = load_show(folder).presets
    known = {*FAMILIES, *COLOURS, *SPEEDS, *MODIFIERS}
    for preset in presets:
        words = preset.prompt.split()
        assert set(words) <= known
        assert sum(word in COLOURS for word in words) <= 3
        assert sum(word in MODIFIERS for word in words) <= 3
    families = [family_of(preset) for preset in presets]
    assert len(set(families)) == len(families)
    assert len({preset.colour for preset in presets}) == len(presets)


@pytest.mark.parametrize("folder", SHOWS, ids=lambda path: path.name)
def test_every_preset_has_a_picture_for_its_pad(folder):
    for preset in load_show(folder).presets:
        assert preset.picture
        assert (folder / preset.picture).stat().st_size < 60_000
