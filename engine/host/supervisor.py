"""Keep a worker running: spawn, watch, kill, restart. Knows nothing of music.

In:     orders of the conductor; `WorkerEvent`s of the pipe.
Out:    calls of the `WorkerListener`, in the conductor's thread; but `on_frames` in
        `worker-events`, so that frames do not wait for the conductor.
Thread: the conductor's event loop; nothing here blocks it.
Full:   see worker_pipe.py.

    status       | means                               | next
    -------------+-------------------------------------+----------------------------------------
    starting     | the process runs, says nothing yet  | loading
    loading      | it was told what to load            | live, restarting, stopped
    live         | chunks may be planned               | restarting
    restarting   | it was lost; a new one comes        | starting, after the backoff of watch.py
    stopped      | it will not come back by itself     | starting, by `restart`

Every message is of a certain process: what a lost one still says is thrown away. Beside the worker
that plays another one may load the next model (`load_beside`, understudy.py); `take_over` makes it
the one that plays.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from engine.errors import DeviceError
from engine.host import watch as watching
from engine.host.understudy import NextListener, Understudy, dismiss, see_off
from engine.host.watch import Limits, Watch
from engine.host.worker_pipe import WorkerEnd, WorkerPipe
from engine.protocol.orders import (
    ChunkPlan,
    ChunkReport,
    DropStill,
    FramesReady,
    Heartbeat,
    KeepMasksReady,
    LoadModel,
    PreparePrompt,
    PromptFailed,
    PromptRead,
    StoreStill,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)

_LOG = logging.getLogger("segue.supervisor")
_LOOK_S = 0.1
_STEADY_CHUNKS = 5  # after so many the worker counts as healthy and the backoff begins anew


class WorkerListener(NextListener, Protocol):
    """What the supervisor tells."""

    def on_ready(self, ready: WorkerReady) -> None:
        """The model is loaded; a chunk may be planned."""

    def on_frames(self, frames: FramesReady) -> None:
        """Frames are in the ring. Called in thread `worker-events`."""

    def on_report(self, report: ChunkReport) -> None:
        """The chunk in hand is done; the next may be planned."""

    def on_prompt_read(self, event: PromptRead) -> None:
        """The model has read a prompt."""

    def on_prompt_failed(self, event: PromptFailed) -> None:
        """A prompt that was prepared cannot be encoded."""

    def on_lost(self, reason: str, detail: str) -> None:
        """The worker is gone and another one comes."""

    def on_given_up(self, reason: str, detail: str) -> None:
        """The worker is gone and none comes by itself."""


class Supervisor:
    """Owns the worker process. All methods are for the thread of the event loop."""

    def __init__(
        self,
        command: Sequence[str],
        load: LoadModel,
        listener: WorkerListener,
        limits: Limits | None = None,
    ) -> None:
        self._command = command
        self._load = load
        self._listener = listener
        self._limits = limits or Limits()
        self._pipe: WorkerPipe | None = None
        self._next: Understudy | None = None
        self._makes_room = False  # nothing plays until the next model is there or has failed
        self._leaving: set[WorkerPipe] = set()
        self._watch: Watch | None = None
        self._failed: WorkerFailed | None = None
        self._kill_reason = ""
        self._failures = 0  # in a row
        self._chunks = 0  # of this process
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.status = "stopped"
        self.message = ""
        self.restarts = 0
        self.memory_bytes = 0
        self.was_ever_live = False
        self.ready: WorkerReady | None = None

    @property
    def worker_pid(self) -> int:
        """Process id of the worker, 0 when none runs."""
        return self._pipe.pid if self._pipe else 0

    def start(self) -> None:
        """Spawn the first worker and begin to watch."""
        self._spawn()
        self._run(self._watch_loop())

    def send_plan(self, plan: ChunkPlan) -> None:
        """Send a plan; only while `live` and with no other plan out."""
        if self._pipe is not None and self._watch is not None:
            self._watch = watching.planned(self._watch, time.monotonic())
            self._pipe.try_send(plan)

    def prepare(self, text: str) -> None:
        """Let the worker encode a prompt; without a worker it happens at the boundary."""
        if text and self._pipe is not None and self.status == "live":
            self._pipe.try_send(PreparePrompt(text=text))

    def give(self, order: StoreStill | DropStill | KeepMasksReady) -> bool:
        """Give the worker what its guides need; False when none is there to take it."""
        return self._pipe is not None and self.status == "live" and self._pipe.try_send(order)

    def restart(self, reason: str) -> None:
        """Kill what runs and start anew, or start what was given up."""
        if self._pipe is None:
            self._failures = 0
            if self.status == "stopped":
                self._spawn()
            return
        self._kill(reason)

    async def stop(self) -> None:
        """Ask the workers to leave, wait for them, and kill those that do not."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()
        pipe, self._pipe = self._pipe, None
        coming, self._next = self._next, None
        self.status = "stopped"
        for found in (pipe, coming.pipe if coming else None):
            if found is not None:
                dismiss(found)
                self._leaving.add(found)
        await asyncio.gather(*(see_off(found) for found in self._leaving))

    # ------------------------------------------------------------ the next model

    @property
    def is_next_ready(self) -> bool:
        """Whether a worker has loaded another model and may take over."""
        return self._next is not None and self._next.ready is not None

    def load_beside(self, load: LoadModel) -> None:
        """Spawn a worker that loads another model while this one plays.

        One that was loading already is dropped.

        Raises:
            DeviceError: the system starts no process; what was loading goes on.
        """
        self._load_next(load)
        self._come_back()

    def load_alone(self, load: LoadModel) -> None:
        """End the worker that plays and then load another model; if that fails, it comes back."""
        self._drop_next()
        pipe, self._pipe, self._watch, self.ready = self._pipe, None, None, None
        self._makes_room = True
        self._tell("restarting", f"making room for {load.model.name}")
        self._listener.on_room_made(f"it made room for {load.model.name}")
        self._run(self._load_after(pipe, load))

    def drop_next(self) -> None:
        """Let the worker that loads leave, if there is one; what made room for it comes back."""
        self._drop_next()
        self._come_back()

    async def _load_after(self, pipe: WorkerPipe | None, load: LoadModel) -> None:
        if pipe is not None:
            pipe.kill()  # asked to leave, it would finish its chunk first
            await see_off(pipe)
        if not self._makes_room or self._next is not None:  # asked otherwise meanwhile
            return
        try:
            self._load_next(load)
        except DeviceError as error:
            self._fail_next(str(error), out_of_memory=False)

    def _load_next(self, load: LoadModel) -> None:
        coming = Understudy(self._new_pipe(), load)
        coming.start()
        self._drop_next()
        self._next = coming

    def _drop_next(self) -> None:
        coming, self._next = self._next, None
        if coming is not None:
            self._dismiss(coming.pipe)

    def _come_back(self) -> None:
        """Start what made room again."""
        if self._makes_room:
            self._makes_room = False
            self._run(self._respawn(0.0))

    def take_over(self) -> WorkerReady:
        """Make the worker that has loaded the one that plays; only while `is_next_ready`."""
        coming, self._next = self._next, None
        assert coming is not None  # see `is_next_ready`
        assert coming.ready is not None
        before, self._pipe = self._pipe, coming.pipe
        self._makes_room = False
        if before is not None:
            self._dismiss(before)
        self._load, self._watch, self.ready = coming.load, coming.watch, coming.ready
        self._failed, self._kill_reason, self._chunks, self._failures = None, "", 0, 0
        self.was_ever_live = True
        self._tell("live", "")
        return coming.ready

    def _dismiss(self, pipe: WorkerPipe) -> None:
        dismiss(pipe)
        self._leaving.add(pipe)
        self._run(self._let_go(pipe))

    async def _let_go(self, pipe: WorkerPipe) -> None:
        await see_off(pipe)
        self._leaving.discard(pipe)

    def _on_next_event(self, coming: Understudy, event: WorkerEvent) -> None:
        if coming.heard(event):
            self._listener.on_next_ready()

    def _on_next_end(self, coming: Understudy, end: WorkerEnd) -> None:
        self._next = None
        if not self._is_stopping:
            self._fail_next(coming.why(end), out_of_memory=coming.is_out_of_memory)

    def _fail_next(self, reason: str, *, out_of_memory: bool) -> None:
        self._listener.on_next_failed(reason, out_of_memory=out_of_memory)
        self._come_back()

    # ------------------------------------------------------------ one process

    def _new_pipe(self) -> WorkerPipe:
        loop = asyncio.get_running_loop()

        def on_event(event: WorkerEvent) -> None:
            if isinstance(event, FramesReady) and self._pipe is pipe:
                self._listener.on_frames(event)
            _call(loop, lambda: self._on_event(pipe, event))

        def on_end(end: WorkerEnd) -> None:
            _call(loop, lambda: self._on_end(pipe, end))

        pipe = WorkerPipe(self._command, on_event, on_end)
        return pipe

    def _spawn(self) -> None:
        self._failed, self._kill_reason, self._chunks, self.ready = None, "", 0, None
        pipe = self._pipe = self._new_pipe()
        self._watch = watching.started(time.monotonic())
        pipe.start()
        pipe.try_send(self._load)
        self._tell("loading", f"loading {self._load.model.name}")

    def _on_event(self, pipe: WorkerPipe, event: WorkerEvent) -> None:
        if self._next is not None and pipe is self._next.pipe:
            self._on_next_event(self._next, event)
            return
        if pipe is not self._pipe or self._watch is None or self._kill_reason:
            return
        now_s = time.monotonic()
        self._watch = watching.heard(self._watch, now_s)
        match event:
            case WorkerReady():
                self._watch = watching.ready(self._watch, now_s)
                self.ready, self.was_ever_live = event, True
                self._tell("live", "")
                self._listener.on_ready(event)
            case Heartbeat():
                self.memory_bytes = event.memory_bytes
            case ChunkReport():
                self._on_report(event, now_s)
            case PromptRead():
                self._listener.on_prompt_read(event)
            case PromptFailed():
                self._listener.on_prompt_failed(event)
            case WorkerFailed():
                self._failed = event
            case FramesReady():
                pass  # was handed on in its own thread

    def _on_report(self, report: ChunkReport, now_s: float) -> None:
        assert self._watch is not None  # only called while a process is watched
        self._watch = watching.reported(self._watch, now_s)
        self._chunks += 1
        if self._chunks >= _STEADY_CHUNKS:
            self._failures = 0
        self._listener.on_report(report)

    def _on_end(self, pipe: WorkerPipe, end: WorkerEnd) -> None:
        if self._next is not None and pipe is self._next.pipe:
            self._on_next_end(self._next, end)
            return
        if pipe is not self._pipe or self._is_stopping:
            return
        reason, detail = self._reason(end), self._detail(end)
        self._pipe = self._watch = self.ready = None
        self.memory_bytes = 0
        self._failures += 1
        if self._is_hopeless():
            self._tell("stopped", reason)
            self._listener.on_given_up(reason, detail)
            return
        self.restarts += 1
        self._tell("restarting", reason)
        self._listener.on_lost(reason, detail)
        self._run(self._respawn(watching.backoff_s(self._limits, self._failures)))

    def _is_hopeless(self) -> bool:
        """A first load that was refused in words, or failed again and again, stays so."""
        if self.was_ever_live:
            return False
        return self._failed is not None or self._failures >= self._limits.max_failed_loads

    def _reason(self, end: WorkerEnd) -> str:
        if self._kill_reason:
            return self._kill_reason
        if self._failed is not None:
            memory = self._failed.out_of_memory
            return f"out of memory: {self._failed.reason}" if memory else self._failed.reason
        return str(end)

    def _detail(self, end: WorkerEnd) -> str:
        said = self._failed.detail if self._failed is not None else ""
        return said or "\n".join(end.last_lines)

    async def _respawn(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        if self._pipe is not None or self._is_stopping or self._makes_room:
            return
        try:
            self._spawn()
        except DeviceError as error:  # the system refuses processes; a performer may try again
            self._pipe = self._watch = None
            self._tell("stopped", str(error))
            self._listener.on_given_up(str(error), "")

    async def _watch_loop(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._next is not None:
                self._next.look(self._limits)
            if self._watch is None or self._kill_reason:
                continue
            self._watch, reason = watching.look(self._watch, self._limits, time.monotonic())
            if reason:
                self._kill(reason)

    def _kill(self, reason: str) -> None:
        self._kill_reason = reason
        self._tell("restarting", reason)
        if self._pipe is not None:
            self._pipe.kill()

    def _tell(self, status: str, message: str) -> None:
        self.status, self.message = status, message
        _LOG.info("worker %s %s", status, message)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _call(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run `call` in the loop's thread; a loop that has closed needs it no more."""
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            _LOG.debug("the event loop closed while the worker was still talking")
