"""Keeps the MIDI child alive, turns its frames into signals and hands it what is to be sent."""

from __future__ import annotations

import sys

import msgspec
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from app.core.midi_events import (
    ClockHeard,
    ControlMoved,
    MidiCommand,
    MidiEvent,
    PortsChanged,
    from_frames,
    to_frame,
)

_RETRY_MS = 2000
_GOODBYE_MS = 1000
_MAX_UNSENT_BYTES = 1 << 20  # a child that does not read is about to be replaced


class MidiInput(QObject):
    """MIDI as the window sees it. Thread: Qt main."""

    control_moved = Signal(ControlMoved)
    clock_heard = Signal(ClockHeard)
    ports_changed = Signal(PortsChanged)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.restarts = 0
        self.unsent = 0  # commands that no child was there to take
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.SeparateChannels)
        self._process.readyReadStandardOutput.connect(self._on_output_ready)
        self._process.readyReadStandardError.connect(self._process.readAllStandardError)
        self._process.finished.connect(self._on_finished)
        self._retry = QTimer(self, singleShot=True, interval=_RETRY_MS)
        self._retry.timeout.connect(self._spawn)
        self._rest = b""
        self._last = PortsChanged()
        self._is_wanted = False

    @property
    def process_id(self) -> int:
        """Process id of the child, 0 while there is none."""
        return int(self._process.processId())

    def start(self) -> None:
        """Start the child; it comes back by itself until `stop`."""
        self._is_wanted = True
        self._spawn()

    def stop(self) -> None:
        """Let the child go; at most a second. What was sent before still leaves."""
        self._is_wanted = False
        self._retry.stop()
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(_GOODBYE_MS):
            self._process.kill()
            self._process.waitForFinished(_GOODBYE_MS)

    def send(self, command: MidiCommand) -> None:
        """Hand the child a command; without one, it is counted and forgotten.

        A child that starts is told everything anew, so nothing old may wait for it.
        """
        is_there = self._process.state() is QProcess.ProcessState.Running
        if is_there and self._process.bytesToWrite() < _MAX_UNSENT_BYTES:
            self._process.write(to_frame(command))
        else:
            self.unsent += 1

    def _spawn(self) -> None:
        self._rest = b""
        self._process.start(sys.executable, ["-m", "app.devices.midi_process"])

    def _on_output_ready(self) -> None:
        data = self._rest + self._process.readAllStandardOutput().data()
        try:
            events, self._rest = from_frames(data)
        except msgspec.DecodeError:  # not our child's words: start again with a clean pipe
            self._process.kill()
            return
        for event in events:
            self._tell(event)

    def _tell(self, event: MidiEvent) -> None:
        if isinstance(event, ControlMoved):
            self.control_moved.emit(event)
        elif isinstance(event, ClockHeard):
            self.clock_heard.emit(event)
        elif event != self._last:  # "unavailable" is said once, not at every retry
            self._last = event
            self.ports_changed.emit(event)

    def _on_finished(self) -> None:
        if not self._is_wanted:
            return
        self.restarts += 1
        if self._last.backend:
            times = f" (restart {self.restarts})" if self.restarts > 1 else ""
            self._tell(PortsChanged(message=f"MIDI went away; looking for it again{times}"))
        self._retry.start()
