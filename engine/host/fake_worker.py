"""A worker without torch: coloured moving frames with chunk and prompt burnt in.

Speaks the same pipe and ring as engine/worker and honours every plan, so the whole host runs as
it is. Frames depend on the plans alone: a take made with it can be replayed.

    python -m engine.host.fake_worker [--chunk-ms 400] [--die-at N] [--hang-at N] [--stall-at N]
                                      [--discard-at N] [--garble-at N] [--late-at N]
                                      [--fail-load SENTENCE] [--fail-width N] [--fills-memory]
                                      [--load-ms N] [--slow-height N]

The faults happen at chunk N of the show, so a restarted worker does not repeat them. The variable
`SEGUE_FAKE_WORKER` may hold the same arguments.

Thread: main makes frames; `orders` reads stdin; `heartbeat` tells twice a second that we live.
"""

from __future__ import annotations

import argparse
import colorsys
import os
import shlex
import signal
import sys
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
import psutil

from engine.errors import EngineError, ExitCode
from engine.host.mailbox import Inbox
from engine.protocol.codec import ORDERS, read_framed, write_framed
from engine.protocol.frame_ring import Frame, FrameMeta, RingWriter
from engine.protocol.guides import names_of, pictures_of
from engine.protocol.host_life import clean_up_after_host, host_pid
from engine.protocol.orders import (
    KV_CACHE,
    ChunkPlan,
    ChunkReport,
    DropStill,
    FramesReady,
    Heartbeat,
    HostOrder,
    KeepMasksReady,
    LoadModel,
    PreparePrompt,
    PromptRead,
    Shutdown,
    StoreStill,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)
from engine.protocol.values import CacheAction, Guides, LatePrompt, PictureStatistics, Reset
from engine.urgency import give_way

FRAMES_PER_CHUNK = 12
NATIVE_FPS = 16.0
_HEARTBEAT_S = 0.5
_FOR_EVER_S = 1e6
_NEVER = -1
_BACKENDS = {"attention": "none", "picture": "numpy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How fast it is and at which chunk it does what it should not."""

    chunk_ms: float = 400.0  # below the 750 ms that a chunk lasts
    die_at: int = _NEVER
    hang_at: int = _NEVER
    stall_at: int = _NEVER
    discard_at: int = _NEVER
    garble_at: int = _NEVER
    late_at: int = _NEVER  # the text of this chunk and of the next is said to be late
    fail_load: str = ""
    fail_width: int = _NEVER  # a model of this width cannot be loaded
    fills_memory: bool = False  # it loads only where no other worker of its host is
    load_ms: float = 0.0
    slow_height: int = _NEVER  # where given, only a model of this height takes `load_ms`


class Pipe:
    """Both directions of the pipe; writing is shared by two threads."""

    def __init__(self) -> None:
        self._read: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._write: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # a stray print must not corrupt the pipe
        self._turn = threading.Lock()

    def send(self, event: WorkerEvent) -> None:
        """Write one event; that nobody reads any more is noticed by the orders thread."""
        with self._turn, suppress(BrokenPipeError):
            write_framed(self._write, event)

    def send_garbage(self) -> None:
        """Write what is no message."""
        with self._turn:
            self._write.write(b"\xff" * 16)
            self._write.flush()

    def receive(self) -> HostOrder | None:
        """Read one order; None when the host is gone."""
        return read_framed(self._read, ORDERS)


class FakeWorker:
    """The chunk loop, without a model."""

    def __init__(self, pipe: Pipe, behaviour: Behaviour) -> None:
        self._pipe = pipe
        self._behaviour = behaviour
        self._orders: Inbox[HostOrder] = Inbox(256)
        self._load: LoadModel | None = None
        self._host_pid = host_pid()
        self._ring: RingWriter | None = None
        self._frame_index = 0  # since the last reset
        self._media_index = 0
        self._stage = "idle"
        self._chunk_index = -1
        self._quiet = threading.Event()

    def run(self) -> int:
        """Work until told to leave; returns the exit code."""
        threading.Thread(target=self._orders_thread, name="orders", daemon=True).start()
        threading.Thread(target=self._heartbeat_thread, name="heartbeat", daemon=True).start()
        while True:
            order = self._orders.take(_HEARTBEAT_S)
            match order:
                case LoadModel():
                    if not self._load_model(order):
                        return 1
                case PreparePrompt():
                    self._pipe.send(PromptRead(text=order.text, understood=(*order.text.split(),)))
                case StoreStill() | DropStill() | KeepMasksReady():
                    pass  # what plans name of them is burnt in
                case ChunkPlan():
                    self._run_chunk(order)
                case Shutdown():
                    return 0
                case None:
                    pass

    def _orders_thread(self) -> None:
        while (order := self._pipe.receive()) is not None:
            if isinstance(order, LoadModel):
                self._load = order
            self._orders.put(order)
        clean_up_after_host(self._host_pid)
        os._exit(0)

    def _heartbeat_thread(self) -> None:
        while not self._quiet.wait(_HEARTBEAT_S):
            self._pipe.send(
                Heartbeat(stage=self._stage, chunk_index=self._chunk_index, memory_bytes=0)
            )

    def _load_model(self, load: LoadModel) -> bool:
        behaviour = self._behaviour
        if behaviour.slow_height in (_NEVER, load.model.height_px):
            self._quiet.wait(behaviour.load_ms / 1000)
        is_full = behaviour.fills_memory and _has_neighbour(self._host_pid)
        is_misfit = load.model.width_px == behaviour.fail_width
        if reason := behaviour.fail_load or ("it does not fit" if is_misfit or is_full else ""):
            self._pipe.send(WorkerFailed(reason=reason, out_of_memory=is_full))
            return False
        self._ring = RingWriter(load.frame_ring)
        self._pipe.send(
            WorkerReady(
                model=load.model, device="cpu", dtype="uint8", backends=_BACKENDS,
                native_fps=NATIVE_FPS, frames_per_chunk=FRAMES_PER_CHUNK, load_s=0.0,
                takes_guides=True,
            )
        )  # fmt: skip
        return True

    def _run_chunk(self, plan: ChunkPlan) -> None:
        self._stage, self._chunk_index = "denoise", plan.chunk_index
        self._misbehave(plan.chunk_index)
        resets = self._reset(plan)
        self._quiet.wait(self._behaviour.chunk_ms / 1000)  # stands for the denoising
        if plan.chunk_index == self._behaviour.discard_at:
            self._pipe.send(_report(plan, resets, discarded="the picture was not finite"))
        else:
            frames = self._frames(plan)
            self._hand_on(plan, frames)
            crc = zlib.crc32(b"".join(frame.tobytes() for frame in frames))
            is_late = self._behaviour.late_at in (plan.chunk_index, plan.chunk_index - 1)
            late = (LatePrompt(text=plan.text[0].text),) if is_late else ()
            self._pipe.send(_report(plan, resets, crc32=crc, late=late))
        self._stage = "idle"

    def _misbehave(self, chunk_index: int) -> None:
        behaviour = self._behaviour
        if chunk_index == behaviour.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if chunk_index == behaviour.garble_at:
            self._pipe.send_garbage()
        if chunk_index == behaviour.hang_at:
            self._quiet.set()
        if chunk_index in (behaviour.hang_at, behaviour.stall_at):
            threading.Event().wait(_FOR_EVER_S)

    def _reset(self, plan: ChunkPlan) -> tuple[Reset, ...]:
        if plan.cache_action is not CacheAction.RESET:
            return ()
        self._frame_index = 0
        return (Reset(state=KV_CACHE, reason=plan.reset_reason),)

    def _frames(self, plan: ChunkPlan) -> list[Frame]:
        assert self._load is not None  # a plan comes after the load
        size = (self._load.model.height_px, self._load.model.width_px)
        first = self._frame_index
        self._frame_index += FRAMES_PER_CHUNK
        return [draw(plan, first + index, size) for index in range(FRAMES_PER_CHUNK)]

    def _hand_on(self, plan: ChunkPlan, frames: list[Frame]) -> None:
        assert self._ring is not None  # a plan comes after the load
        first = self._ring.num_written
        for frame in frames:
            now_ns = time.monotonic_ns()
            meta = FrameMeta(
                media_index=self._media_index, chunk_index=plan.chunk_index, captured_ns=now_ns
            )
            self._ring.write(frame, meta)
            self._media_index += 1
        self._pipe.send(
            FramesReady(
                chunk_index=plan.chunk_index, first_frame=first, num_frames=len(frames),
                first_frame_ms=self._behaviour.chunk_ms,
                starts_anew=plan.cache_action is CacheAction.RESET,
            )
        )  # fmt: skip


def _has_neighbour(host: int) -> bool:
    """Whether another worker of the same host runs."""
    others = [child for child in psutil.Process(host).children() if child.pid != os.getpid()]
    return any(__spec__.name in child.cmdline() for child in others)


def draw(plan: ChunkPlan, frame_index: int, size: tuple[int, int]) -> Frame:
    """Return one frame BGRX [H, W, 4]: stripes in the mix's colour that move, with a caption."""
    height, width = size
    across = np.arange(width, dtype=np.float32)[None] / width
    down = np.arange(height, dtype=np.float32)[:, None] / height
    wave = 0.5 + 0.5 * np.sin(6.3 * (across + 2 * down + frame_index / 24) + plan.seed % 628 / 100)
    frame: Frame = np.empty((height, width, 4), np.uint8)
    frame[..., :3] = wave[..., None] * _colour(plan) + 40
    frame[..., 3] = 255
    top = height // 3  # a wide output crops a square picture's upper and lower quarter
    _caption(frame, f"chunk {plan.chunk_index} +{frame_index}", top)
    for line, part in enumerate(plan.text[:4], 1):
        _caption(frame, f"{part.weight:.2f} {part.text[:28]}", top + 16 * line)
    if names := names_of(plan.guides):
        _caption(frame, ", ".join((*names, *_keys(plan.guides))), top - 16)
    return frame


def _keys(guides: Guides) -> list[str]:
    """Return the beginnings of the keys of the pictures: another picture makes another frame."""
    return [key.rpartition("-")[2][:4] for _, key in pictures_of(guides)]


def _colour(plan: ChunkPlan) -> npt.NDArray[np.float32]:
    """Return the mix's colour as BGR, 0..200: each text has a hue of its own."""
    total = np.zeros(3, np.float32)
    for part in plan.text:
        hue = zlib.crc32(part.text.encode()) % 360 / 360
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 200.0)
        total += part.weight * np.array((blue, green, red), np.float32)
    return total


def _caption(frame: Frame, text: str, y: int) -> None:
    safe = text.encode("ascii", "replace").decode()  # the built-in font knows no more
    cv2.putText(frame, safe, (6, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255, 255), 1)


def _report(
    plan: ChunkPlan,
    resets: tuple[Reset, ...],
    *,
    crc32: int = 0,
    discarded: str = "",
    late: tuple[LatePrompt, ...] = (),
) -> ChunkReport:
    return ChunkReport(
        chunk_index=plan.chunk_index,
        num_frames=0 if discarded else FRAMES_PER_CHUNK,
        stage_ms={"total": 0.0},
        backends=_BACKENDS,
        shapes={},
        resets=resets,
        statistics=PictureStatistics(
            mean=0.4, contrast=0.2, saturation=0.5, motion=0.02, finite=not discarded
        ),
        discarded=discarded,
        frames_crc32=crc32,
        text=plan.text,
        late_prompts=late,
        guides=names_of(plan.guides),
    )


def _behaviour(arguments: list[str]) -> Behaviour:
    parser = argparse.ArgumentParser(prog="engine.host.fake_worker")
    parser.add_argument("--chunk-ms", type=float, default=400.0)
    for name in ("die", "hang", "stall", "discard", "garble", "late"):
        parser.add_argument(f"--{name}-at", type=int, default=_NEVER)
    parser.add_argument("--fail-load", default="")
    parser.add_argument("--fail-width", type=int, default=_NEVER)
    parser.add_argument("--load-ms", type=float, default=0.0)
    parser.add_argument("--slow-height", type=int, default=_NEVER)
    parser.add_argument("--fills-memory", action="store_true")
    return Behaviour(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Run until the host says Shutdown or is gone."""
    give_way()  # as the real one does
    arguments = shlex.split(os.environ.get("SEGUE_FAKE_WORKER", "")) + sys.argv[1:]
    behaviour = _behaviour(arguments)
    try:
        return FakeWorker(Pipe(), behaviour).run()
    except EngineError:  # a ring is gone: the orders thread may be removing them right now
        clean_up_after_host(host_pid())
        return ExitCode.FAULT


if __name__ == "__main__":
    os._exit(main())  # daemon threads still hold the pipe
