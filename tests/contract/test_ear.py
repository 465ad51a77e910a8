"""The ear's process for real: a drum on a JACK server without hardware, heard through PortAudio."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

import pytest

from engine.host.ear import EarProcess
from engine.protocol.values import Severity
from tests import jack
from tests.fakes import Notices
from tests.host_process import ROOT, SOON_S, running, worker_pids

pytestmark = pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT)


@pytest.fixture(scope="module")
def server():
    with jack.jack_server("sound") as (environment, _):
        yield environment


@pytest.fixture
def on_server(server, monkeypatch):
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return server


@contextmanager
def drum(environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sound_source", "240"], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "plays\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def listening(device):
    notices = Notices()
    ear = EarProcess(notices)
    ear.listen(device)
    try:
        yield ear, notices
    finally:
        ear.close()
        await asyncio.sleep(0.1)


async def until(condition):
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_drum_is_heard_in_the_bass_with_its_onsets(on_server):
    async def run():
        async with listening("PortAudio") as (ear, notices):
            await until(lambda: ear.levels.get("bass", 0.0) > 0.9)
            await until(lambda: ear.levels.get("onset", 0.0) > 0.9)
            await until(lambda: ear.levels.get("onset", 1.0) < 0.4)
            return ear.status, notices.all

    with drum(on_server):
        status, told = asyncio.run(run())
    assert status == "PortAudio"
    assert told == [(Severity.INFO, "sound", "listening to PortAudio")]


def test_an_input_that_is_not_there_is_told_once_with_those_that_are(on_server):
    async def run():
        async with listening("theremin") as (ear, notices):
            await until(lambda: notices.all)
            return ear.levels, ear.status, notices.texts

    levels, status, texts = asyncio.run(run())
    said = "there is no sound input 'theremin'; there are: system; "
    assert texts == [f"{said}the show goes on without sound, it is looked for"]
    assert (levels, status) == ({}, texts[0])


def test_without_any_input_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "segue-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")

    async def run():
        async with listening("default") as (_, notices):
            await until(lambda: notices.all)
            return notices.texts

    assert asyncio.run(run())[0].startswith(("there is no sound input; plug one in", "listening"))


def test_an_ear_that_dies_is_told_and_silent(on_server):
    async def run():
        async with listening("default") as (ear, notices):
            await until(lambda: ear.levels)
            (child,) = running("engine.audio.listen", worker_pids(os.getpid()))
            os.kill(child, signal.SIGKILL)
            await until(lambda: not ear.levels)
            await until(lambda: len(notices.all) > 1)
            return notices.texts

    first, second = asyncio.run(run())
    assert first == "listening to system"
    assert second.startswith("the sound input was lost (exit code -9); the show goes on without")
