"""The supervisor with real processes: the fake worker, and things that are no worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from engine.errors import DeviceError
from engine.host.supervisor import Supervisor
from engine.host.watch import Limits
from engine.host.worker_pipe import WorkerPipe
from engine.protocol import frame_ring
from engine.protocol.orders import LoadModel, PreparePrompt
from engine.protocol.values import ModelChoice
from tests.fakes import WorkerDiary, chunk_plan
from tests.host_process import is_running

FAKE = (sys.executable, "-m", "engine.host.fake_worker", "--chunk-ms", "20")
LIMITS = Limits(heartbeat_s=1.5, backoff_s=(0.0, 0.05))
MODEL = ModelChoice(width_px=64, height_px=64)
SOON_S = 30


@pytest.fixture
def load():
    rings = [frame_ring.create("frames", 24, 64 * 64 * 4), frame_ring.create("input", 2, 10)]
    yield LoadModel(model=MODEL, frame_ring=rings[0], input_ring=rings[1])
    for ring in rings:
        frame_ring.remove(ring)


@asynccontextmanager
async def supervised(load, command=FAKE, limits=LIMITS):
    diary = WorkerDiary()
    supervisor = Supervisor(command, load, diary, limits)
    supervisor.start()
    try:
        yield supervisor, diary
    finally:
        await supervisor.stop()


async def until(condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def python(code):
    return (sys.executable, "-c", code)


def test_a_plan_is_answered_with_frames_and_a_report(load):
    async def run():
        async with supervised(load) as (supervisor, diary):
            await until(lambda: supervisor.status == "live")
            supervisor.send_plan(chunk_plan(0))
            await until(lambda: diary.said("report"))
            return [what for what, _ in diary.lines]

    assert asyncio.run(run()) == ["ready", "frames", "report"]


def test_a_prompt_is_read_ahead(load):
    async def run():
        async with supervised(load) as (supervisor, diary):
            await until(lambda: supervisor.status == "live")
            supervisor.prepare("red fire")
            await until(lambda: diary.said("prompt"))
            return diary.said("prompt")[0]

    assert asyncio.run(run()).understood == ("red", "fire")


def test_a_stopped_process_is_killed_and_replaced(load):
    async def run():
        async with supervised(load) as (supervisor, diary):
            await until(lambda: supervisor.status == "live")
            frozen = supervisor.worker_pid
            os.kill(frozen, signal.SIGSTOP)
            await until(lambda: len(diary.said("ready")) == 2)
            return diary.said("lost"), is_running(frozen), supervisor.restarts

    assert asyncio.run(run()) == (["no heartbeat for 1.5 s"], False, 1)


def test_what_never_loads_is_given_up_after_three_tries(load):
    async def run():
        command = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        async with supervised(load, command) as (supervisor, diary):
            await until(lambda: supervisor.status == "stopped")
            return diary.said("lost"), diary.said("given up")

    lost, given_up = asyncio.run(run())
    assert (lost, given_up) == (["killed by signal 9"] * 2, ["killed by signal 9"])


def test_a_restart_by_hand_tries_again_what_was_given_up(load):
    async def run():
        async with supervised(load, python("raise SystemExit(7)")) as (supervisor, diary):
            await until(lambda: supervisor.status == "stopped")
            supervisor.restart("by hand")
            await until(lambda: len(diary.said("given up")) == 2)
            return diary.said("given up")

    assert asyncio.run(run()) == ["left with exit code 7"] * 2


def test_a_load_that_takes_too_long_is_ended(load):
    async def run():
        limits = Limits(load_s=0.3, backoff_s=(0.0,), max_failed_loads=1)
        command = python("import signal; signal.pause()")
        async with supervised(load, command, limits) as (supervisor, diary):
            await until(lambda: supervisor.status == "stopped")
            return diary.said("given up")

    assert asyncio.run(run()) == ["not loaded within 0.3 s"]


def test_a_command_that_does_not_exist_is_one_sentence(load):
    async def run():
        async with supervised(load, ("/no/such/program",)):
            pass

    with pytest.raises(DeviceError, match="the generator cannot be started"):
        asyncio.run(run())


def test_stopping_ends_a_worker_that_does_not_listen(load):
    async def run():
        command = python("import signal; signal.signal(15, signal.SIG_IGN); signal.pause()")
        async with supervised(load, command) as (supervisor, _):
            pid = supervisor.worker_pid
        return is_running(pid)

    assert asyncio.run(run()) is False


def test_a_pipe_that_nobody_reads_refuses_orders_and_never_waits():
    ended = []
    pipe = WorkerPipe(python("import signal; signal.pause()"), lambda event: None, ended.append)
    pipe.start()
    order = PreparePrompt(text="x" * 4000)
    assert not all(pipe.try_send(order) for _ in range(1000))
    pipe.kill()
    assert pipe.join(SOON_S)
    assert [str(end) for end in ended] == ["killed by signal 9"]


def test_the_last_words_of_a_worker_are_kept():
    ended = []
    code = "import sys; [print(n, file=sys.stderr) for n in range(9)]; sys.exit(3)"
    pipe = WorkerPipe(python(code), lambda event: None, ended.append)
    pipe.start()
    assert pipe.join(SOON_S)
    assert ended[0].exit_code == 3
    assert ended[0].last_lines == ("4", "5", "6", "7", "8")


def low_of(load):
    return structs.replace(load, model=ModelChoice(width_px=64, height_px=32))


def test_the_next_model_loads_beside_and_plays_after_it_took_over(load):
    async def run():
        async with supervised(load) as (supervisor, diary):
            await until(lambda: supervisor.status == "live")
            before = supervisor.worker_pid
            supervisor.load_beside(low_of(load))
            assert not supervisor.is_next_ready
            await until(lambda: diary.said("next ready"))
            assert (supervisor.worker_pid, supervisor.status) == (before, "live")
            assert supervisor.take_over().model.height_px == 32
            await until(lambda: not is_running(before))
            supervisor.send_plan(chunk_plan(0))
            await until(lambda: diary.said("report"))
            os.kill(supervisor.worker_pid, signal.SIGKILL)  # the model stays the new one
            await until(lambda: len(diary.said("ready")) == 2)
            return diary.said("ready")[1].model.height_px, supervisor.restarts

    assert asyncio.run(run()) == (32, 1)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit('no such file')", "left with exit code 1 (no such file)"),
        (
            "from engine.protocol.codec import *; from engine.protocol.orders import *; import sys;"
            "w = lambda e: write_framed(sys.stdout.buffer, e);"
            "w(WorkerFailed(reason='needs 57 GiB, 12 are free', out_of_memory=True))",
            "out of memory: needs 57 GiB, 12 are free",
        ),
        ("import time; time.sleep(60)", "not loaded within 2 s"),
    ],
)
def test_a_next_model_that_does_not_come_is_told_and_what_plays_plays_on(load, code, reason):
    async def run():
        async with supervised(load, limits=Limits(load_s=2.0)) as (supervisor, diary):
            await until(lambda: supervisor.status == "live")
            before, supervisor._command = supervisor.worker_pid, python(code)
            supervisor.load_beside(low_of(load))
            await until(lambda: diary.said("next failed"))
            supervisor.send_plan(chunk_plan(0))
            await until(lambda: diary.said("report"))
            return diary.said("next failed"), supervisor.worker_pid == before

    assert asyncio.run(run()) == ([(reason, reason.startswith("out of memory"))], True)
