"""One worker process and the three threads that talk with it.

In:     `HostOrder` messages, from any thread.
Out:    `WorkerEvent` messages and, once, a `WorkerEnd`; both in thread `worker-events`.
Thread: `worker-events` reads, `worker-orders` writes, `worker-log` reads what it says on stderr.
Full:   256 orders wait for a worker that does not read; one more is refused (`try_send`).

The worker runs in a session of its own: Ctrl-C on our terminal reaches us alone, and we end it in
order. When we die, it reads the end of its stdin, removes our rings and leaves.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from engine.errors import DeviceError, LocalProtocolError, RemoteProtocolError
from engine.host.mailbox import Inbox
from engine.protocol.codec import WORKER_EVENTS, read_framed, write_framed
from engine.protocol.host_life import worker_environment
from engine.protocol.orders import HostOrder, WorkerEvent

_LOG = logging.getLogger("segue.worker")
_ORDERS = 256
_LINES_KEPT = 5
_EXIT_S = 1.0  # between the end of its stdout and the end of the process
_TAKE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnd:
    """How a worker process ended."""

    exit_code: int  # negative: minus the signal
    last_lines: tuple[str, ...] = ()  # of its stderr
    garbled: str = ""  # not empty: it wrote what is no message of ours

    def __str__(self) -> str:
        """Return the reason as people read it."""
        if self.garbled:
            return f"it sent what cannot be read ({self.garbled})"
        if self.exit_code < 0:
            return f"killed by signal {-self.exit_code}"
        return f"left with exit code {self.exit_code}"


class WorkerPipe:
    """Owns one process from `start` to its end. `on_event` and `on_end` must not block."""

    def __init__(
        self,
        command: Sequence[str],
        on_event: Callable[[WorkerEvent], None],
        on_end: Callable[[WorkerEnd], None],
    ) -> None:
        self._command = list(command)
        self._on_event = on_event
        self._on_end = on_end
        self._orders: Inbox[HostOrder] = Inbox(_ORDERS)
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []

    @property
    def pid(self) -> int:
        """Process id, 0 before the start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Spawn the process.

        Raises:
            DeviceError: the system will not start it.
        """
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=worker_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise DeviceError(f"the generator cannot be started: {error}") from error
        self._spawn("worker-log", self._log_thread, self._process.stderr)
        self._spawn("worker-orders", self._orders_thread, self._process.stdin)
        self._spawn("worker-events", self._events_thread, self._process.stdout)

    def try_send(self, order: HostOrder) -> bool:
        """Leave an order for the worker; False when it does not read or is gone."""
        try:
            self._orders.put(order)
        except LocalProtocolError:
            return False
        return True

    def kill(self) -> None:
        """End the process and what it started, at once. `on_end` follows. Safe at any time."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def join(self, timeout_s: float) -> bool:
        """Wait for the process to end; returns whether it did."""
        if self._process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        ended = self._process.poll() is not None
        if ended:
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join(timeout_s)
        return ended

    def _spawn(self, name: str, entry: Callable[[IO[bytes]], None], pipe: IO[bytes] | None) -> None:
        assert pipe is not None  # all three are pipes
        thread = threading.Thread(target=entry, args=(pipe,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _events_thread(self, pipe: IO[bytes]) -> None:
        garbled = ""
        try:
            while (event := read_framed(pipe, WORKER_EVENTS)) is not None:
                self._on_event(event)
        except RemoteProtocolError as error:
            garbled = str(error)
        except Exception as error:  # noqa: BLE001 - thread entry: a broken stage ends this worker
            garbled = repr(error)
            _LOG.exception("worker-events stopped")
        finally:
            pipe.close()
        self._on_end(self._ended(garbled))

    def _ended(self, garbled: str) -> WorkerEnd:
        """Wait for the process, which has closed its stdout or talks nonsense, and say how."""
        process = self._process
        assert process is not None  # its own thread is asking
        self._orders.close()
        if garbled:
            self.kill()
        try:
            code = process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            code = process.wait()
        for thread in self._threads:
            if thread.name == "worker-log":
                thread.join(_EXIT_S)
        return WorkerEnd(exit_code=code, last_lines=tuple(self._lines), garbled=garbled)

    def _orders_thread(self, pipe: IO[bytes]) -> None:
        try:
            while not (self._orders.is_closed and len(self._orders) == 0):
                order = self._orders.take(_TAKE_S)
                if order is not None:
                    write_framed(pipe, order)
        except (BrokenPipeError, ValueError):
            self._orders.close()  # the worker is gone; `worker-events` tells
        finally:
            with suppress(BrokenPipeError):
                pipe.close()

    def _log_thread(self, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                line = raw.decode("utf-8", "replace").rstrip()
                if line:
                    self._lines.append(line)
                    _LOG.info("%s", line)

    def close_orders(self) -> None:
        """Send what waits and then close its stdin, which asks a healthy worker to leave."""
        self._orders.close()
