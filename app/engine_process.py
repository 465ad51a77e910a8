"""Starts an engine beside the window, so that it outlives the window."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.protocol.places import home

_TAIL_BYTES = 8192
_LOG_PREFIX = re.compile(r"^(\d{4}-\S+ \S+ [\w.]+|segue): ")


class EngineProcess:
    """An engine that this window started, or None yet. Its output goes to a log file."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "engine.host", *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self.log = home() / "logs" / "engine.log"

    @property
    def pid(self) -> int:
        """Process id of the engine that we started last; 0 before the first."""
        return self._process.pid if self._process is not None else 0

    def is_running(self) -> bool:
        """Whether the engine that we started still runs."""
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        """Exit code of the engine that we started last; None while it runs or before the first."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start it in a session of its own: neither our death nor our Ctrl-C reaches it.

        One that follows an engine that died goes on with the look, seed and cue that were on air.

        Raises:
            OSError: the log file or the process cannot be made.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self.log.replace(self.log.with_suffix(".previous.log"))
        died = self.exit_code() or None  # one that ended well is not followed by the same look
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command if died is None else [*self._command, "--resume"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def last_words(self) -> str:
        """Return the last line of its log, which says why it left."""
        return _last_line(self.log)


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _LOG_PREFIX.sub("", last)
