"""The contract of every output, and the thread and queue that they share.

In:     `ProgramFrame`s, offered by the playout thread once a tick.
Out:    whatever the output is: a network stream, a file, a ring.
Thread: each output has one of its own, named after it; `offer` and `state` from any thread.
Full:   drops its own oldest frame and counts it. A stuck output disturbs nobody else.

An output fills in `_open`, `_write`, `_poll` and `_close`; all four run on its thread. What is
expected to go wrong in a show (name taken, disk full) is a status and one notice, never an
exception: the output then stands still, and `start` tries again.

    status    when
    off       not started, stopped, or not wanted by the spec
    live      open; frames leave
    failed    could not open or broke; `message` says why in one sentence
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import ConfigError, EngineError
from engine.host.mailbox import Bounded
from engine.protocol.frame_ring import Frame
from engine.protocol.messages import OutputState
from engine.protocol.values import OutputSpec, Severity

Notices = Callable[[Severity, str, str], None]  # severity, subject, one sentence; any thread

_POLL_S = 0.2
_STOP_S = 5.0


def no_notices(severity: Severity, subject: str, text: str) -> None:
    """Drop a notice: for places without a performer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFrame:
    """One frame that leaves. Hold the frame as long as you use `pixels`: then they stay whole."""

    pixels: Frame  # [H, W, 4] uint8 BGRX, C-contiguous, read-only, even sizes
    index: int  # counts output ticks, also missed ones
    timecode_100ns: int  # rising, exact to the index
    due_ns: int  # CLOCK_MONOTONIC
    rate_numerator: int
    rate_denominator: int
    lease: object = None  # keeps `pixels` from being reused


def check_spec(spec: OutputSpec) -> None:
    """Raise when the spec cannot be sent.

    Raises:
        ConfigError: a size is odd or not positive, or the rate is outside 1 … 240 a second.
    """
    for axis, size in (("width", spec.width_px), ("height", spec.height_px)):
        if size < 2 or size % 2:
            raise ConfigError(
                f"output {axis}: got {size} pixels, expected an even number of at least 2"
            )
    if spec.rate_numerator < 1 or spec.rate_denominator < 1 or not 1 <= spec.rate_fps <= 240:
        raise ConfigError(
            f"output rate: got {spec.rate_numerator}/{spec.rate_denominator}, "
            f"expected 1 to 240 frames a second"
        )


class Output(ABC):
    """One place where the program leaves.

    Args:
        name: what it is called on screen and in `OutputState`; also its thread's name.
        capacity: frames that may wait for it.
        notices: told once for each thing that went wrong.
    """

    def __init__(self, name: str, capacity: int, notices: Notices = no_notices) -> None:
        self.name = name
        self._notices = notices
        self._frames: Bounded[ProgramFrame] = Bounded(capacity)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._status = "off"
        self._message = ""
        self._sent = 0

    # ------------------------------------------------------------ for everybody

    def start(self, spec: OutputSpec) -> None:
        """Open on a thread of its own; on a running output: take the new spec over.

        Raises:
            ConfigError: the spec cannot be sent; nothing changed.
        """
        check_spec(spec)
        if self._thread is not None and self._takes_over(spec):
            return
        self.stop()
        self._stop.clear()
        self._frames.clear()
        self._thread = threading.Thread(
            target=self._output_thread, args=(spec,), name=self.name, daemon=True
        )
        self._thread.start()

    def offer(self, frame: ProgramFrame) -> None:
        """Take a frame to send; never waits. Frames offered while it is not live are ignored."""
        if self._status == "live":
            self._frames.put(frame)

    def state(self) -> OutputState:
        """Return what the window shows."""
        return OutputState(
            name=self.name, status=self._status, message=self._message,
            sent=self._sent, dropped=self._frames.counts.num_dropped,
        )  # fmt: skip

    def stop(self) -> None:
        """Send what waits, close and join. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        thread.join(_STOP_S)
        if thread.is_alive():
            self._notices(
                Severity.WARNING, self.name, f"{self.name} did not stop in {_STOP_S:g} s; left it"
            )

    # ------------------------------------------------------------ for implementations

    @abstractmethod
    def _open(self, spec: OutputSpec) -> bool:
        """Open the device; False when the spec does not want this output.

        Raises:
            EngineError: it cannot be opened; the message goes to the performer.
        """

    @abstractmethod
    def _write(self, frame: ProgramFrame) -> None:
        """Send one frame. Raises EngineError when the device broke; the output then closes."""

    @abstractmethod
    def _close(self) -> None:
        """Let the device go; called once after each `_open`, also after a failed one."""

    def _poll(self) -> None:  # noqa: B027 - a hook: most outputs have nothing to ask
        """Ask the device how it is; called about five times a second."""

    def _takes_over(self, spec: OutputSpec) -> bool:
        """Return whether the running output goes on with `spec` without being opened again."""
        return self._status == "live"

    def _fail(self, message: str) -> None:
        self._status, self._message = "failed", message
        self._notices(Severity.FAULT, self.name, message)

    # ------------------------------------------------------------ the thread

    def _output_thread(self, spec: OutputSpec) -> None:
        try:
            try:
                self._run(spec)
            finally:
                self._close()  # before anything is said: "what was recorded is safe" must be true
        except EngineError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - thread entry: nothing above would see it
            self._fail(f"{self.name} stopped: {type(error).__name__}: {error}")
        if self._status == "live":
            self._status = "off"

    def _run(self, spec: OutputSpec) -> None:
        if not self._open(spec):
            self._status = "off"
            return
        self._status, self._message = "live", ""
        next_poll_s = 0.0
        while not self._stop.is_set():
            frame = self._frames.take(_POLL_S)
            if frame is not None:
                self._send(frame)
            if time.monotonic() >= next_poll_s:
                self._poll()
                next_poll_s = time.monotonic() + _POLL_S
        for frame in self._frames.take_all():
            self._send(frame)

    def _send(self, frame: ProgramFrame) -> None:
        self._write(frame)
        self._sent += 1
