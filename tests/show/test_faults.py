"""Scripted shows against the real host: what goes wrong in a night, done on purpose."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from engine.protocol.messages import HardCut, NoticeRaised, RestartWorker
from engine.protocol.values import Look
from tests.host_process import (
    ROOT,
    attached,
    host_process,
    is_live,
    is_running,
    played,
    wait_until,
    worker_pids,
)


async def faults(client):
    """Return the next notice of the worker."""
    return await client.wait_for(lambda e: isinstance(e, NoticeRaised) and e.severity == "fault")


def num_sent(state):
    return state.playout.shown + state.playout.repeated


def test_a_killed_worker_comes_back_with_the_same_look_and_the_output_goes_on():
    async def script(host, client):
        await client.ask(HardCut(look=Look(prompt="fire", seed=77, name="Fire")))
        before = await client.state(lambda s: s.prompt_now[0].text == "fire")
        os.kill(worker_pids(host.pid)[0], signal.SIGKILL)
        notice = await faults(client)
        after = await client.state(
            lambda s: s.worker.restarts == 1 and is_live(s) and s.chunk_index > before.chunk_index
        )
        return before, notice, after

    before, notice, after = played(script)
    assert "killed by signal 9" in notice.text
    assert (after.prompt_now, after.seed, after.look_name) == (before.prompt_now, 77, "Fire")
    assert num_sent(after) > num_sent(before)  # how evenly is for test_output_never_stops to say


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("--die-at 2", "killed by signal 9"),
        ("--hang-at 2", "no heartbeat for 1 s"),
        ("--stall-at 2", "a chunk took longer than 2.0 s"),
        ("--garble-at 2", "it sent what cannot be read"),
    ],
)
def test_whatever_happens_to_the_worker_is_named_and_mended(fault, reason):
    async def script(host, client):
        notice = await faults(client)
        after = await client.state(lambda s: is_live(s) and s.chunk_index > 3)
        return notice, after

    limits = ("--heartbeat-s", "1", "--chunk-s", "2")
    notice, after = played(script, *limits, worker=f"--chunk-ms 80 {fault}")
    assert reason in notice.text
    assert after.worker.restarts == 1


def test_a_broken_chunk_is_not_shown_and_the_cache_is_reset_with_the_reason():
    async def script(host, client):
        notice = await faults(client)
        after = await client.state(lambda s: s.chunk_index > 3)
        return notice, after

    notice, after = played(script, worker="--chunk-ms 80 --discard-at 2")
    assert "chunk 2 was not shown: the picture was not finite" in notice.text
    assert (after.worker.restarts, after.worker.resets) == (0, 2)


def test_a_worker_that_refuses_to_load_ends_the_start_with_its_sentence():
    with host_process(worker="--fail-load 'weights file is truncated'") as host:
        code = host.process.wait(30)
        assert (code, host.rings()) == (1, [])
        assert "weights file is truncated" in host.process.stderr.read()


def test_a_restart_by_hand_brings_the_worker_back():
    async def script(host, client):
        await client.ask(RestartWorker())
        notice = await faults(client)
        await client.state(lambda s: s.worker.restarts == 1 and is_live(s))
        return notice

    assert "restarted by hand" in played(script).text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_host_that_is_told_to_stop_leaves_nothing_behind(number, code):
    with host_process() as host:
        workers = worker_pids(host.pid)
        assert host.rings()
        assert host.end(number) == code
        assert host.rings() == []
        assert not any(is_running(pid) for pid in workers)


def test_a_killed_host_leaves_neither_rings_nor_a_worker():
    with host_process() as host:
        assert wait_until(lambda: worker_pids(host.pid))
        workers = worker_pids(host.pid)
        host.end(signal.SIGKILL)
        assert wait_until(lambda: host.rings() == [], 10)
        assert wait_until(lambda: not any(is_running(pid) for pid in workers), 10)


def test_a_machine_that_shall_not_send_ndi_is_silent_whatever_the_show_says():
    async def play(host):
        async with attached(host) as client:
            return await client.state()

    with host_process("--show", str(ROOT / "presets" / "first-light"), ndi=False) as host:
        state = asyncio.run(play(host))
    assert (state.look_name, state.output.ndi) == ("Embers", False)
    assert all(output.name != "ndi" or output.status == "off" for output in state.outputs)


def test_a_port_in_use_is_one_sentence_and_leaves_nothing():
    with host_process() as first, host_process("--port", str(first.port)) as second:
        code = second.process.wait(30)
        words = second.process.stderr.read()
        assert (code, second.rings()) == (3, [])
        assert words.count("\n") == 1
        assert f"port {first.port} on 127.0.0.1 is in use" in words


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--size", "161x90"), "divisible by 2"),
        (("--prompt", "x" * 2001), "at most 2000 are read"),
        (("--takes", "/dev/null/takes", "--seconds", "1"), ""),
        (("--record", "/dev/null/films/a.mp4", "--seconds", "1"), ""),
    ],
)
def test_what_cannot_be_started_leaves_nothing_and_what_can_goes_on(arguments, word):
    with host_process(*arguments) as host:
        code = host.process.wait(30)
        assert (code, host.rings()) == (2 if word else 0, [])
        assert word in host.process.stderr.read()
