"""The script that makes the pictures of the manual, on the generator without torch."""

import os
import re
import subprocess
import sys

import pytest
from PySide6.QtGui import QImage

from tests.host_process import ROOT
from tests.screenshots import SCENES

MANUAL = ROOT / "docs" / "manual"
MAX_BYTES = 250_000


def test_the_script_makes_a_picture_of_every_scene(tmp_path):
    command = [sys.executable, "-m", "tests.screenshots", "--fake", str(tmp_path)]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    pictures = {path.stem: QImage(str(path)) for path in tmp_path.glob("*.jpg")}
    assert set(pictures) == set(SCENES)
    for name in ("window", "cues", "preview", "keys"):
        assert (pictures[name].width(), pictures[name].height()) == (1280, 800), name
    assert len({picture.cacheKey() for picture in pictures.values()}) == len(SCENES)


def test_the_manual_shows_every_scene_and_its_pictures_are_small():
    shown = set()
    for page in MANUAL.glob("*.md"):
        shown |= set(re.findall(r"\]\(images/([\w-]+)\.jpg", page.read_text(encoding="utf-8")))
    assert shown == set(SCENES)
    for name in shown:
        assert 0 < (MANUAL / "images" / f"{name}.jpg").stat().st_size < MAX_BYTES, name


@pytest.mark.parametrize("page", sorted(MANUAL.glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_the_manual_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
