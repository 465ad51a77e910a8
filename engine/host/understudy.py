"""The worker that loads the next model while another one plays.

In:     messages and the end of its pipe.
Out:    whether it is ready, and why it will not be.
Thread: the conductor's event loop.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from engine.host import watch as watching
from engine.host.watch import Limits
from engine.host.worker_pipe import WorkerEnd, WorkerPipe
from engine.protocol.orders import LoadModel, Shutdown, WorkerEvent, WorkerFailed, WorkerReady

_SHUTDOWN_S = 2.0
_OUT_OF_MEMORY = "out of memory"


class NextListener(Protocol):
    """What is told of the model that is to come."""

    def on_next_ready(self) -> None:
        """It has loaded and may take over."""

    def on_next_failed(self, reason: str, *, out_of_memory: bool) -> None:
        """It does not come."""

    def on_room_made(self, reason: str) -> None:
        """What played has ended for it, and comes back if it fails."""


class Understudy:
    """One worker that does not play yet."""

    def __init__(self, pipe: WorkerPipe, load: LoadModel) -> None:
        self.pipe = pipe
        self.load = load
        self.ready: WorkerReady | None = None
        self.watch = watching.started(time.monotonic())
        self.is_out_of_memory = False
        self._failed = ""
        self._kill_reason = ""

    def start(self) -> None:
        """Spawn it and tell it what to load.

        Raises:
            DeviceError: the system starts no process.
        """
        self.pipe.start()
        self.pipe.try_send(self.load)

    def heard(self, event: WorkerEvent) -> bool:
        """Take a message; returns whether it says that the model is loaded."""
        now_s = time.monotonic()
        self.watch = watching.heard(self.watch, now_s)
        if isinstance(event, WorkerFailed):
            self.is_out_of_memory = event.out_of_memory
            self._failed = _said(event)
        if not isinstance(event, WorkerReady):
            return False
        self.watch = watching.ready(self.watch, now_s)
        self.ready = event
        return True

    def look(self, limits: Limits) -> None:
        """Kill it when it is too late or silent."""
        self.watch, reason = watching.look(self.watch, limits, time.monotonic())
        if reason and not self._kill_reason:
            self._kill_reason = reason
            self.pipe.kill()

    def why(self, end: WorkerEnd) -> str:
        """Return why it ended, in a sentence without its end."""
        last = f" ({end.last_lines[-1]})" if end.last_lines else ""
        return self._kill_reason or self._failed or f"{end}{last}"


def _said(event: WorkerFailed) -> str:
    """Return why it failed, memory named once: some reasons name it themselves."""
    is_unnamed = event.out_of_memory and not event.reason.startswith(_OUT_OF_MEMORY)
    return f"{_OUT_OF_MEMORY}: {event.reason}" if is_unnamed else event.reason


def dismiss(pipe: WorkerPipe) -> None:
    """Ask a worker to leave without waiting for it."""
    pipe.try_send(Shutdown())
    pipe.close_orders()


async def see_off(pipe: WorkerPipe) -> None:
    """Wait for a worker that was asked to leave; kill it when it does not."""
    if not await asyncio.to_thread(pipe.join, _SHUTDOWN_S):
        pipe.kill()
        await asyncio.to_thread(pipe.join, _SHUTDOWN_S)
