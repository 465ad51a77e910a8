"""An NDI receiver in another process, while the generator is killed and the window goes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from engine.protocol.messages import EngineState
from tests.host_process import ROOT, attached, host_process, wait_until, worker_pids

NAME = "Segue show test"


@pytest.fixture(scope="module")
def night():
    """What a receiver got in 8 s, in which two workers were killed and a client vanished."""
    with host_process("--ndi-name", NAME, ndi=True) as host:
        asyncio.run(until_live(host))
        receiver = subprocess.Popen(
            [sys.executable, "tests/ndi_receiver.py", "--name", NAME, "--seconds", "8"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        try:
            assert json.loads(receiver.stdout.readline())["event"] == "connected"
            for _ in range(2):
                killed = worker_pids(host.pid)[0]
                os.kill(killed, signal.SIGKILL)
                assert wait_until(lambda gone=killed: new_worker(host.pid, gone))
                asyncio.run(until_live(host))
            lines = receiver.communicate(timeout=60)[0].splitlines()
            state = asyncio.run(until_live(host))
        finally:
            receiver.kill()
            receiver.communicate()
    return json.loads(lines[-1]), state


async def until_live(host) -> EngineState:
    async with attached(host) as client:
        return await client.state(
            lambda s: s.worker.status == "live" and s.playout.mode == "live"
        )  # and then the client vanishes


def new_worker(host_pid, old):
    return any(pid != old for pid in worker_pids(host_pid))


def test_the_receiver_got_the_declared_rate_throughout(night):
    report, state = night
    assert report["declared_fps"] == 30
    assert report["fps"] == pytest.approx(30, rel=0.05)
    assert state.worker.restarts == 2


def test_the_picture_was_never_black_and_kept_moving(night):
    report, _ = night
    assert report["mean_min"] > 20
    assert report["motion"] > 0.5


def test_time_went_on_without_a_hole_that_a_dead_worker_would_leave(night):
    report, _ = night
    assert report["timecodes_rise"]
    assert report["interval_max_ms"] < 1000  # loose: the machine may be busy
