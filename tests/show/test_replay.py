"""A take that the host wrote is played again, bit for bit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import av
import pytest

from engine.host import take as takes
from engine.protocol.messages import HardCut, SoftCut, StopEngine
from engine.protocol.values import Look
from tests.host_process import ROOT, attached, host_process, worker_pids


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    """The take of a show with a hard cut, a soft cut and a killed worker."""
    folder = tmp_path_factory.mktemp("takes")

    async def script(host):
        async with attached(host) as client:
            await client.state(lambda s: s.chunk_index >= 1)
            await client.ask(HardCut(look=Look(prompt="fire")))
            os.kill(worker_pids(host.pid)[0], signal.SIGKILL)
            await client.state(lambda s: s.worker.restarts and s.worker.status == "live")
            fire = await client.state(lambda s: s.prompt_now[0].text == "fire")
            await client.state(lambda s: s.chunk_index > fire.chunk_index + 1)  # seen, not just set
            await client.ask(SoftCut(num_chunks=2, look=Look(prompt="sea")))
            await client.state(lambda s: s.prompt_now[0].text == "sea" and not s.cut.soft_chunks)
            last = (await client.state()).chunk_index
            await client.state(lambda s: s.chunk_index > last)
            await client.ask(StopEngine())

    with host_process("--takes", str(folder)) as host:
        asyncio.run(script(host))
        assert host.process.wait(30) == 0
    return next(folder.iterdir())


def replayed(*arguments):
    command = [sys.executable, "-m", "engine.host.replay", *map(str, arguments)]
    environment = os.environ | {"SEGUE_FAKE_WORKER": "--chunk-ms 0"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


def test_a_take_with_cuts_and_a_lost_worker_comes_out_bit_for_bit(take):
    result = replayed(take)
    assert result.returncode == 0, result.stderr
    assert "chunks are the same bit for bit" in result.stdout


def test_a_chunk_that_differs_is_named(take, tmp_path):
    lines = (take / takes.FILE_NAME).read_text().splitlines()
    altered = [line.replace('"text":"fire"', '"text":"snow"') for line in lines]
    (tmp_path / takes.FILE_NAME).write_text("\n".join(altered) + "\n")
    result = replayed(tmp_path, "--json")
    verdict = json.loads(result.stdout)
    fire = [n for n, line in enumerate(lines) if '"ChunkPlan"' in line and '"fire"' in line]
    assert (result.returncode, verdict["same"]) == (1, False)
    assert 1 <= len(verdict["differing"]) <= len(fire)


def test_a_replay_can_be_recorded_frame_for_frame(take, tmp_path):
    film = tmp_path / "again.mp4"
    assert replayed(take, "--record", film).returncode == 0
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        count = sum(1 for _ in container.decode(stream))
        assert stream.average_rate == 16
    assert count == 12 * len(takes.read_take(take).chunks)


def test_a_broken_take_is_one_sentence(tmp_path):
    (tmp_path / takes.FILE_NAME).write_text("no take\n")
    result = replayed(tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "take.jsonl:1" in result.stderr
