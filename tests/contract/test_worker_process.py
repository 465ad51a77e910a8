"""The worker as the host sees it: a real process, a real pipe, real rings."""

import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.torch import save_file

from engine.protocol.frame_ring import FrameMeta, RingWriter
from engine.protocol.orders import (
    FramesReady,
    Heartbeat,
    LoadModel,
    PreparePrompt,
    PromptRead,
    Shutdown,
    WorkerFailed,
    WorkerReady,
)
from engine.protocol.values import CacheAction, Cut, ModelChoice
from engine.worker.models.house.house import build_house_modules
from tests.worker_process import (
    FRAMES_PER_CHUNK,
    SIZE_PX,
    SMALL_MODEL,
    plan,
    worker_process,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running():
    """One worker that several tests share, loaded and idle."""
    with worker_process() as worker:
        worker.load()
        worker.ready = worker.next_event()
        yield worker


def failure_of(worker) -> WorkerFailed:
    while not isinstance(event := worker.next_event(), WorkerFailed):
        assert event is not None, "the worker ended without a word"
    return event


def test_a_loaded_worker_says_what_it_runs_on(running):
    ready = running.ready
    assert isinstance(ready, WorkerReady)
    assert (ready.device, ready.native_fps, ready.frames_per_chunk) == ("cpu", 16.0, 12)
    assert ready.dtype in ("bfloat16", "float32")
    assert ready.backends["attention"]


def test_a_plan_brings_frames_and_then_a_report(running):
    running.events.clear()
    report = running.run(plan(0))
    ready = next(event for event in running.events if isinstance(event, FramesReady))
    assert (ready.chunk_index, ready.num_frames, report.num_frames) == (0, 12, 12)
    assert [len(frame) for frame in running.frames(0)] == [SIZE_PX * SIZE_PX * 4] * 12


def test_the_heart_beats_while_chunks_run(running):
    running.events.clear()
    index, until_s = 1, time.monotonic() + 20
    while not (beats := [e for e in running.events if isinstance(e, Heartbeat)]):
        assert time.monotonic() < until_s
        running.run(plan(index))
        index += 1
    assert beats[0].memory_bytes > 50 * 2**20


def test_a_prompt_is_read_ahead_of_its_cut(running):
    running.order(PreparePrompt(text="blue fire sdfgh"))
    read = running.next_event()
    assert isinstance(read, PromptRead)
    assert "sdfgh" in read.unknown
    assert len(read.understood) == 2


def test_the_same_plan_after_a_hard_cut_gives_the_same_bytes(running):
    cut = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "chunk_in_cut": 0, "seed": 5}
    first, again = running.run(plan(50, **cut)), running.run(plan(51, **cut))
    assert first.frames_crc32 == again.frames_crc32
    assert {reset.reason for reset in first.resets} == {"hard cut"}


def test_frames_of_the_input_ring_condition_a_chunk(running):
    ring = RingWriter(running.input_ring)
    pixels = bytes(range(256)) * (SIZE_PX * SIZE_PX * 3 // 256)
    frame = np.frombuffer(pixels, np.uint8).reshape(SIZE_PX, SIZE_PX, 3)
    parameters = {"steps": 1.0, "input_amount": 0.5}
    for number in range(FRAMES_PER_CHUNK):
        ring.write(frame, FrameMeta(media_index=number))
    report = running.run(plan(60, parameters=parameters, input_until=FRAMES_PER_CHUNK - 1))
    assert (report.input_first, report.input_last) == (0, FRAMES_PER_CHUNK - 1)
    assert report.condition


def test_shutdown_ends_the_process_with_success():
    with worker_process() as worker:
        worker.load()
        worker.next_event()
        worker.order(Shutdown())
        assert worker.process.wait(30) == 0


def test_an_order_that_cannot_be_read_is_one_sentence_and_exit_code_1():
    with worker_process() as worker:
        worker.process.stdin.write(struct.pack("<I", 5) + b"hello")
        worker.process.stdin.flush()
        assert "message of 5 bytes refused" in failure_of(worker).reason
        assert worker.process.wait(30) == 1


def test_a_plan_before_a_model_is_one_sentence():
    with worker_process() as worker:
        worker.order(plan(0))
        assert failure_of(worker).reason == (
            "got ChunkPlan before a model, expected LoadModel first"
        )


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (ModelChoice(name="nobody"), "model 'nobody' does not exist"),
        (ModelChoice(name="untrained", width_px=250), "needs a width divisible by 16"),
        (ModelChoice(name="untrained", device="tpu"), "device 'tpu' is unknown"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(model, sentence):
    with worker_process() as worker:
        worker.load(model)
        failure = failure_of(worker)
        assert sentence in failure.reason
        assert "\n" not in failure.reason
        assert worker.process.wait(30) == 1


def test_truncated_weights_are_one_sentence(tmp_path):
    for name, module in build_house_modules(0).items():
        tensors = {key: value.contiguous() for key, value in module.state_dict().items()}
        save_file(tensors, tmp_path / f"{name}.safetensors")
    whole = (tmp_path / "codec.safetensors").read_bytes()
    (tmp_path / "codec.safetensors").write_bytes(whole[: len(whole) // 2])
    with worker_process() as worker:
        worker.load(ModelChoice(name=str(tmp_path), width_px=SIZE_PX, height_px=SIZE_PX))
        failure = failure_of(worker)
    assert "codec.safetensors cannot be read" in failure.reason
    assert not failure.out_of_memory


def test_a_missing_ring_is_one_sentence():
    with worker_process() as worker:
        worker.order(
            LoadModel(model=SMALL_MODEL, frame_ring="/nowhere/x.ring", input_ring=worker.input_ring)
        )
        assert "frame ring /nowhere/x.ring" in failure_of(worker).reason


def test_a_stray_print_does_not_reach_the_pipe():
    code = (
        "import engine.worker.__main__ as w, os\n"
        "link = w.HostLink.claim_standard_streams()\n"
        "print('stray'); os.write(1, b'stray'); os.system('echo stray')\n"
        "w.Worker(link).fail(ValueError('said'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=REPOSITORY, timeout=60, check=True
    )
    assert b"stray" not in done.stdout
    assert b"said" in done.stdout
    assert done.stderr.count(b"stray") == 3


def test_a_killed_worker_leaves_the_rings_to_its_host():
    with worker_process() as worker:
        worker.load()
        worker.next_event()
        worker.order(plan(0))
        worker.process.kill()
        assert worker.process.wait(10) == -signal.SIGKILL
        assert Path(worker.frame_ring).exists()


def test_a_closed_pipe_ends_the_worker_and_leaves_the_rings_to_a_host_that_lives():
    with worker_process() as worker:
        worker.load()
        worker.next_event()
        worker.order(plan(0))
        worker.process.stdin.close()
        assert worker.process.wait(10) == 0
        assert Path(worker.frame_ring).exists()


_HOST = """
import sys
from tests.worker_process import *
with worker_process() as worker:
    worker.load()
    worker.next_event()
    print(worker.frame_ring, worker.input_ring, worker.process.pid, flush=True)
    index = 0
    while True:
        worker.run(plan(index))
        index += 1
"""


def test_a_killed_host_leaves_neither_a_worker_nor_a_ring():
    host = subprocess.Popen(
        [sys.executable, "-c", _HOST], stdout=subprocess.PIPE, cwd=REPOSITORY, text=True
    )
    assert host.stdout is not None
    frames, inputs, pid = host.stdout.readline().split()
    host.kill()
    host.wait()
    host.stdout.close()
    stop, until_s = threading.Event(), time.monotonic() + 10
    while time.monotonic() < until_s and is_running(int(pid)):
        stop.wait(0.02)
    assert not is_running(int(pid))
    assert not Path(frames).exists()
    assert not Path(inputs).exists()


def is_running(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
