"""The shows that ship: six, whole, and different from one another; see contract/test_shows.py."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from engine.protocol.show_file import load_show
from engine.worker.models.house.text import parse_prompt

PRESETS = Path(__file__).resolve().parents[2] / "presets"
SHOWS = sorted(folder for folder in PRESETS.iterdir() if (folder / "show.toml").is_file())


def test_there_are_six() -> None:
    assert len(SHOWS) == 6


@pytest.mark.parametrize("folder", SHOWS, ids=lambda folder: folder.name)
def test_a_show_is_whole(folder: Path) -> None:
    show = load_show(folder)
    assert 8 <= len(show.presets) <= 12
    names = [preset.name for preset in show.presets]
    assert len(set(names)) == len(names)
    listed = {f"{preset.picture.removesuffix('.jpg')}.toml" for preset in show.presets}
    assert {file.name for file in folder.glob("*.toml")} == listed | {"show.toml"}
    for preset in show.presets:
        picture = cv2.imread(str(folder / preset.picture))
        assert picture is not None, preset.name
        assert picture.shape == (180, 320, 3)


def test_no_two_presets_of_different_shows_are_the_same_but_for_the_classics() -> None:
    seen: dict[tuple[int, ...], str] = {}
    shared = []
    for folder in SHOWS:
        for preset in load_show(folder).presets:
            ids = parse_prompt(preset.prompt).ids
            if ids in seen and seen[ids] != folder.name:
                shared.append(preset.name)
            seen[ids] = folder.name
    assert set(shared) <= {"Outrun", "Wet Street", "Polar Night", "Northern Lights", "Downpour"}
