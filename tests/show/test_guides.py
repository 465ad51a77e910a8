"""Still pictures from a performer's files to the chunks of a real worker with a VACE stack."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys

import cv2
import msgspec
import numpy as np
import pytest

from engine.errors import ConfigError
from engine.host import take as takes
from engine.host.replay import replay_file
from engine.host.take import read_take
from engine.protocol.guides import NO_GUIDES
from engine.protocol.messages import (
    CommandAccepted,
    CommandRefused,
    HardCut,
    NoticeRaised,
    PreparePrompts,
    SelectSource,
    SetGuides,
    SoftCut,
    StopEngine,
)
from engine.protocol.values import Guides, Look, Mask, SourceSpec
from tests.host_process import ROOT, attached, host_process, worker_pids

MODEL = ("--model", "untrained-vace", "--model-size", "64x64", "--device", "cpu", "--threads", "1")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Paths of four pictures that are not the model's size."""
    folder = tmp_path_factory.mktemp("pictures")
    draws = np.random.default_rng(1)
    for name in ("face", "start", "end"):
        small = draws.integers(0, 256, (9, 16, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(small, (320, 180)))
    stage = np.zeros((180, 320), np.uint8)
    stage[:, :160] = 255
    cv2.imwrite(str(folder / "stage.png"), stage)
    return {path.stem: str(path) for path in folder.iterdir()}


def notices_of(client):
    return [event.text for event in client.events if isinstance(event, NoticeRaised)]


@pytest.fixture(scope="module")
def night(tmp_path_factory, pictures):
    """A night with every guide, both cuts, a missing picture and a killed worker."""
    folder = tmp_path_factory.mktemp("takes")
    guides = Guides(
        references=(pictures["face"],), first_frame=pictures["start"],
        last_frame=pictures["end"], last_frame_chunk=2,
        mask=Mask(kind="image", image=pictures["stage"]),
    )  # fmt: skip
    look = Look(prompt="fire", name="Fire", guides=guides)
    missing = Guides(references=(pictures["face"], "/nowhere/hat.png"))
    seen = {}

    async def script(host):
        async with attached(host) as client:
            await client.ask(SelectSource(source=SourceSpec(kind="pattern")))
            await client.ask(PreparePrompts(texts=("fire",), guides=(guides, missing)))
            await client.state(lambda s: s.source.status == "live" and s.worker.takes_guides)
            seen["refused"] = await client.ask(HardCut(look=Look(prompt="ice", guides=missing)))
            seen["kept"] = await client.state()
            seen["cut"] = await client.ask(HardCut(look=look))
            await client.state(lambda s: "first frame" in s.worker.guides)
            await client.state(lambda s: "last frame" in s.worker.guides)
            os.kill(worker_pids(host.pid)[0], signal.SIGKILL)
            await client.state(lambda s: s.worker.restarts and s.worker.status == "live")
            lost = (await client.state()).chunk_index
            seen["back"] = await client.state(lambda s: s.chunk_index > lost + 2)
            bright = Guides(mask=Mask(kind="luminance", inverted=True))
            seen["set"] = await client.ask(SetGuides(guides=bright))
            await client.state(lambda s: s.worker.guides == ("mask",) and not s.guides_pending)
            await client.ask(SoftCut(num_chunks=2, look=Look(prompt="sea", guides=NO_GUIDES)))
            await client.state(lambda s: s.worker.guides == () and s.guides == NO_GUIDES)
            await client.ask(StopEngine())
            seen["notices"] = notices_of(client)

    with host_process(*MODEL, "--takes", str(folder), fake=False) as host:
        asyncio.run(script(host))
        assert host.process.wait(30) == 0
    return seen, next(folder.iterdir())


def test_a_missing_picture_refuses_the_cut_in_one_sentence_and_nothing_changes(night):
    seen, _ = night
    assert isinstance(seen["refused"], CommandRefused)
    assert seen["refused"].reason == (
        "reference image /nowhere/hat.png: no such file or directory, expected a picture "
        "(PNG, JPEG, WebP, BMP or TIFF); nothing was changed"
    )
    assert (seen["kept"].cut.pending, seen["kept"].guides) == ("none", NO_GUIDES)
    assert any("hat.png: no such file" in text for text in seen["notices"])  # when it was announced


def test_a_cut_brings_all_guides_and_each_chunk_gets_its_own(night):
    seen, take = night
    assert isinstance(seen["cut"], CommandAccepted)
    chunks = read_take(take).chunks
    landed = next(n for n, chunk in enumerate(chunks) if chunk.plan.cut == "hard")
    assert chunks[landed].report.guides == ("mask", "reference", "first frame")
    assert chunks[landed + 1].report.guides == ("mask", "reference", "last frame")
    assert all(not chunk.report.guides for chunk in chunks[:landed])


def test_a_killed_worker_comes_back_with_the_pictures(night):
    seen, _ = night
    assert seen["back"].worker.guides == ("mask", "reference")
    assert not any("left out" in text for text in seen["notices"])


def test_a_soft_cut_to_a_look_without_pictures_ends_them(night):
    chunks = read_take(night[1]).chunks
    assert chunks[-1].plan.guides == NO_GUIDES
    assert any(c.plan.guides.mask.kind == "luminance" for c in chunks if c.report.guides)


def test_the_night_is_played_again_bit_for_bit_without_any_picture(night):
    verdict = replay_file(night[1])
    assert verdict.is_same, str(verdict)
    assert verdict.chunks >= 6


def test_a_take_that_lost_what_a_chunk_saw_is_refused(night, tmp_path):
    lines = (night[1] / takes.FILE_NAME).read_text()
    (tmp_path / takes.FILE_NAME).write_text(lines)
    with pytest.raises(ConfigError, match=r"saw (the source|a mask|a reference), but 0000"):
        read_take(tmp_path)


def test_a_model_without_vace_refuses_guides_and_says_which_models_take_them(pictures):
    async def script(host):
        async with attached(host) as client:
            await client.state(lambda s: s.worker.status == "live")
            guides = Guides(references=(pictures["face"],))
            refused = await client.ask(SetGuides(guides=guides))
            cleared = await client.ask(SetGuides(guides=NO_GUIDES))
            cut = await client.ask(HardCut(look=Look(prompt="fire", guides=guides)))
            state = await client.state(lambda s: s.prompt_now[0].text == "fire")
            said = [text for text in notices_of(client) if "left out: reference" in text]
            assert len(said) == 1
            return refused, cleared, cut, state

    model = [*MODEL]
    model[1] = "untrained"
    with host_process(*model, "--no-take", fake=False) as host:
        refused, cleared, cut, state = asyncio.run(script(host))
    assert refused.reason == (
        "the model takes no masks, reference images or given frames; load one with VACE, whose "
        "name ends in -vace; nothing was changed"
    )
    assert isinstance(cleared, CommandAccepted)
    assert isinstance(cut, CommandAccepted)  # the rest of the look is played
    assert not state.worker.takes_guides


def write_show(folder, references):
    folder.mkdir()
    (folder / "show.toml").write_text(
        'schema_version = 1\nname = "Night"\npresets = ["one"]\n[model]\nname = "untrained-vace"\n'
        'width_px = 64\nheight_px = 64\ndevice = "cpu"\n[output]\nwidth_px = 160\nheight_px = 90\n'
        "ndi = false\n"
    )
    (folder / "one.toml").write_text(
        f'schema_version = 1\nname = "One"\nprompt = "fire"\n[guides]\nreferences = {references}\n'
    )
    return folder


def play(folder):
    options = "--seconds 2 --port 0 --no-take --json --status-every 0 --threads 1"
    command = [sys.executable, "-m", "engine.cli", "play", str(folder), *options.split()]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_a_show_without_a_window_plays_its_pictures(tmp_path, pictures):
    folder = write_show(tmp_path / "night", '["face.png"]')
    shutil.copy(pictures["face"], folder / "face.png")
    result = play(folder)
    assert result.returncode == 0, result.stderr
    report = msgspec.json.decode(result.stdout)
    assert report["state"]["worker"]["guides"] == ["reference"]


def test_a_show_without_a_window_does_not_begin_without_its_pictures(tmp_path):
    result = play(write_show(tmp_path / "night", '["gone.png"]'))
    assert result.returncode == 2
    assert result.stderr.strip().count("\n") == 0
    assert "night/gone.png: no such file or directory" in result.stderr
