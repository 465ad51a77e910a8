"""Gets and checks models for the window, by running `segue models` beside it.

A process of its own, because the window loads neither network nor torch, and because a pull that
goes wrong then harms nobody. One runs at a time. Thread: Qt main; nothing here waits for it, but
for the moment in which the window closes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QProcess, Signal

from app.core.model_book import ModelBook
from engine.errors import ExitCode
from engine.protocol.messages import WorkerState
from engine.protocol.model_reports import (
    ModelChecked,
    ModelPulled,
    ModelsFailed,
    PullNoticed,
    from_line,
)
from engine.protocol.values import Severity

_LEAVE_MS = 2000


class ModelShop(QObject):
    """Signals say what the panel shows, and what is worth a notice."""

    changed = Signal(tuple)
    noticed = Signal(Severity, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.program = (sys.executable, "-m", "engine.cli", "models")
        self.book = ModelBook()
        self._process: QProcess | None = None
        self._is_told = False  # the command said itself what is wrong
        self._then: Callable[[], None] | None = None

    # ------------------------------------------------------------ intents

    def refresh(self) -> None:
        """Ask which models there are."""
        self._run("", "list")

    def get(self, name: str) -> None:
        """Get a model, after its licences are accepted."""
        self._put(self.book.wanted(name))
        if not self.book.asking:
            self._run(name, "pull", name)

    def accept(self) -> None:
        """Accept the licences that are shown, and get the model."""
        if name := self.book.asking:
            self._run(name, "pull", name, "--accept-licence")

    def dismiss(self) -> None:
        """Close the licences."""
        self._put(self.book.wanted(""))

    def check(self, name: str) -> None:
        """See whether a model is whole."""
        self._run(name, "check", name)

    def cancel(self) -> None:
        """End what runs as Ctrl-C does: what came is kept."""
        if self._process is None:
            return
        if os.name == "nt":  # no Ctrl-C for one process there; what is on the disk stays, too
            self._process.kill()
        else:
            os.kill(self._process.processId(), signal.SIGINT)

    def leave(self) -> None:
        """End what runs, because the window closes."""
        if self._process is not None:
            process = self._process
            self._then = None
            self.cancel()
            process.waitForFinished(_LEAVE_MS)

    # ------------------------------------------------------------ the engine

    def show_worker(self, worker: WorkerState | None) -> None:
        """Show what plays and what loads beside it; drawn anew only when that changed."""
        on_air = worker.choice if worker is not None and worker.status == "live" else None
        coming = worker.coming if worker is not None else None
        book = self.book.playing(on_air, coming)
        if book != self.book:
            self._put(book)

    # ------------------------------------------------------------ the command

    def _run(self, name: str, *arguments: str) -> None:
        if self._process is not None:
            return
        self._put(self.book.began(name))
        self._is_told = False
        self._then = self.refresh if name else None  # a command changes what the list says
        process = QProcess(self)
        process.readyReadStandardOutput.connect(self._on_output)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error_occurred)
        self._process = process
        process.start(self.program[0], [*self.program[1:], *arguments, "--json"])

    def _on_output(self) -> None:
        process = self._process
        book = self.book
        while process is not None and process.canReadLine():
            report = from_line(bytes(process.readLine().data()))
            if report is None:
                continue
            book = book.heard(report)
            self._is_told |= isinstance(report, ModelsFailed | ModelChecked)
            if isinstance(report, ModelsFailed):
                if report.exit_code != ExitCode.INTERRUPTED:
                    self.noticed.emit(Severity.WARNING, report.sentence)
            elif isinstance(report, PullNoticed):
                self.noticed.emit(Severity.INFO, report.sentence)
            elif isinstance(report, ModelPulled) and report.sent_bytes:
                self.noticed.emit(Severity.INFO, f"{report.name} is here, whole and checked")
        self._put(book)

    def _on_finished(self, exit_code: int) -> None:
        self._on_output()
        process, self._process = self._process, None
        if process is None:
            return
        words = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        process.deleteLater()
        if exit_code != ExitCode.OK and not self._is_told:
            self._tell_failure(words.split("\n")[-1] or f"the command ended with {exit_code}")
        self._put(self.book.ended())
        if self._then is not None:
            self._then()

    def _on_error_occurred(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._tell_failure(f"cannot run {self.program[0]}: {self._process.errorString()}")
            self._process.deleteLater()
            self._process = None
            self._put(self.book.ended())

    def _tell_failure(self, sentence: str) -> None:
        self._put(self.book.heard(ModelsFailed(sentence=sentence, exit_code=int(ExitCode.FAULT))))
        self.noticed.emit(Severity.WARNING, sentence)

    def _put(self, book: ModelBook) -> None:
        self.book = book
        self.changed.emit(book.views())
