"""Packs the show into one file and unpacks others, by running `segue show` beside the window.

A film may be gigabytes, and the window never waits. One runs at a time. Thread: Qt main.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from engine.errors import ExitCode
from engine.protocol.places import home
from engine.protocol.values import Severity


class ShowCourier(QObject):
    """`unpacked` bears the folder of a show that was unpacked."""

    unpacked = Signal(str)
    noticed = Signal(Severity, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def pack(self, folder: Path) -> None:
        """Write the show in `folder` as a zip among the performer's exports."""
        target = home() / "exports" / f"{folder.name}.zip"
        self._run(["export", str(folder), str(target)], self._say_packed)

    def unpack(self, path: str) -> None:
        """Unpack a zip into a new folder among the performer's shows."""
        self._run(["import", path], self.unpacked.emit)

    def _say_packed(self, path: str) -> None:
        self.noticed.emit(Severity.INFO, f"Packed into {path}")

    def _run(self, arguments: list[str], then: Callable[[str], object]) -> None:
        if self._process is not None:
            self.noticed.emit(Severity.INFO, "A show is being packed already; wait for it")
            return
        process = QProcess(self)
        self._process = process
        process.finished.connect(lambda code, _: self._on_finished(process, code, then))
        process.errorOccurred.connect(self._on_error)
        process.start(sys.executable, ["-m", "engine.cli", "show", *arguments])

    def _on_finished(self, process: QProcess, code: int, then: Callable[[str], object]) -> None:
        self._process = None
        said = bytes(process.readAllStandardOutput().data()).decode(errors="replace").splitlines()
        wrong = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        process.deleteLater()
        if code == ExitCode.OK and said:
            then(said[-1])
        else:
            reason = (
                wrong.splitlines()[-1].removeprefix("segue: ") if wrong else f"exit code {code}"
            )
            self.noticed.emit(Severity.WARNING, reason)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:  # else `finished` comes as well
            self._process = None
            self.noticed.emit(Severity.WARNING, "Packing does not start: is Python still there?")
