"""The cue list on a real host: over the WebSocket, and as lines on stdin of a show."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from engine.protocol.messages import (
    Back,
    CommandRefused,
    CueLanded,
    Go,
    HardCut,
    LoadCues,
    StandBy,
)
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import save_show
from engine.protocol.values import Cut, Look
from tests.host_process import ROOT, attached, host_process, worker_pids

FIRST_LIGHT = ROOT / "presets" / "first-light"
SHOW = Show(
    name="S",
    presets=(
        Preset(name="Embers", prompt="fast red flames"),
        Preset(name="Tide", prompt="slow blue waves", cut=Cut.SOFT),
        Preset(name="Lotus", prompt="slow pink flowers", parameters={"saturation": 1.1}),
    ),
)
CUES = (
    Cue(name="doors", preset="Embers"),
    Cue(name="build", preset="Tide", cut=Cut.SOFT, chunks=2, follow_s=0.3),
    Cue(name="drop", preset="Lotus", fade_s=0.2),
)


@pytest.fixture(scope="module")
def host():
    with host_process("--show", str(FIRST_LIGHT)) as process:
        yield process


def specs():
    return tuple(cue.spec(SHOW.preset(cue.preset)) for cue in CUES)


def test_go_follow_on_and_back_reach_the_picture_and_every_step_is_told(host):
    async def play():
        async with attached(host) as client:
            await client.ask(LoadCues(cues=specs(), list_name="night"))
            state = await client.state()
            assert (state.cues.list_name, state.cues.names[0]) == ("night", "doors")
            await client.ask(StandBy(cue="build"))
            assert "build: soft cut" in (await client.ask(Go())).effect
            state = await client.state(lambda s: s.cues.on_air == "build")
            assert state.cues.standby == "drop"
            state = await client.state(lambda s: s.cues.on_air == "drop")  # nobody pressed
            assert SHOW.preset("Lotus").prompt in [part.text for part in state.prompt_now]
            assert state.look_name == "Lotus"
            await asyncio.sleep(0.3)
            await client.ask(Back())
            state = await client.state(lambda s: s.cues.on_air == "build")
            landed = [event.cue for event in client.events if isinstance(event, CueLanded)]
            assert landed == ["build", "drop", "build"]

    asyncio.run(play())


def test_a_cut_by_hand_takes_the_picture_from_the_cue_and_another_window_sees_it(host):
    async def play():
        async with attached(host) as client, attached(host) as other:
            twice = await client.ask(LoadCues(cues=specs() * 2))
            assert isinstance(twice, CommandRefused)
            assert "every name once" in twice.reason
            await client.ask(LoadCues(cues=specs()))
            await client.ask(StandBy(cue="doors"))
            await asyncio.sleep(0.3)
            await client.ask(Go())
            await other.state(lambda s: s.cues.on_air == "doors")
            await other.ask(HardCut(look=Look(prompt="by hand")))
            state = await client.state(lambda s: s.cues.on_air == "")
            assert state.cues.standby == "build"
            refusal = await client.ask(StandBy(cue="nowhere"))
            assert "the list has: doors, build, drop" in refusal.reason

    asyncio.run(play())


def test_a_cue_lands_although_its_generator_is_killed_between_go_and_the_boundary(host):
    async def play():
        async with attached(host) as client:
            await client.ask(LoadCues(cues=specs()))
            await client.ask(StandBy(cue="drop"))
            await client.state(lambda s: s.worker.status == "live")
            await asyncio.sleep(0.3)
            (worker,) = worker_pids(host.pid)
            await client.ask(Go())
            os.kill(worker, signal.SIGKILL)
            state = await client.state(lambda s: s.cues.on_air == "drop" and s.worker.restarts > 0)
            assert SHOW.preset("Lotus").prompt in [part.text for part in state.prompt_now]
            await client.state(lambda s: s.worker.status == "live")

    asyncio.run(play())


def test_a_show_in_the_terminal_plays_its_cues_and_obeys_lines(tmp_path):
    cues = (Cue(name="Tide", preset="Tide", follow_s=0.5), Cue(name="Lotus", preset="Lotus"))
    folder = save_show(replace(SHOW, cues=cues), tmp_path / "show").folder
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "play", str(folder), "--cues", "--fake", "--port", "0",
         "--output", "none", "--no-take", "--status-every", "0.5", "--output-size", "160x90"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=ROOT, env=os.environ | {"SEGUE_FAKE_WORKER": "--chunk-ms 80"},
    )  # fmt: skip
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "cue Lotus, at its end" in line and "fly\n" not in said:
                said.append("fly\n")
                process.stdin.write("fly\nback\nstop\n")
                process.stdin.flush()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    text = "".join(said)
    assert re.search(r"cue Tide.*Lotus in \d s is next", text)
    assert "order refused: got 'fly', expected one of: go" in text
    assert re.search(r"Tide: soft cut at chunk \d+", text)
