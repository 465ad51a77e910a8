"""The session's journal on disk, and where shows are kept that may be changed."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil

from app.core.session import Session, from_text, to_text
from engine.protocol.atomic_file import write_atomically
from engine.protocol.places import autosave_folder, shows_folder
from engine.protocol.show import Show
from engine.protocol.show_file import save_show

_FACTORY = Path(__file__).resolve().parents[1] / "presets"
FIRST_SHOW = _FACTORY / "first-light"


class SessionStore:
    """Reads the journal once and writes it after each change; a full disk is never in the way."""

    def __init__(self) -> None:
        self._path = autosave_folder() / "session.json"
        self.session = self._read()

    def write(self, session: Session) -> None:
        """Keep `session`; the file on disk is always a whole one."""
        self.session = session
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, to_text(session))

    def _read(self) -> Session:
        try:
            return from_text(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return Session()


def this_window() -> tuple[int, float]:
    """Return our process id, and when we began: numbers are given out again, times are not."""
    process = psutil.Process()
    return process.pid, process.create_time()


def other_window_is_open(session: Session) -> bool:
    """Return whether the window that wrote the session lives, and is another process."""
    if session.closed or session.window_pid in (0, os.getpid()):
        return False
    try:
        began_s = float(psutil.Process(session.window_pid).create_time())
    except psutil.Error:
        return False
    return abs(began_s - session.window_began_s) < 1.0


def own_copy(show: Show) -> Show:
    """Return the show in a folder that may be changed; one of the factory is copied first.

    So is one of a newer Segue.

    Raises:
        OSError, ShowError: the copy cannot be written.
    """
    folder = show.folder
    if folder is not None and show.read_only:
        shows_folder().mkdir(parents=True, exist_ok=True)
        return save_show(show, _free_folder(folder.name))
    if folder is None or not folder.is_relative_to(_FACTORY):
        return show
    shows_folder().mkdir(parents=True, exist_ok=True)
    target = _free_folder(folder.name)
    half = target.with_name(f".{target.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(folder, half)
    half.rename(target)
    return replace(show, folder=target)


def _free_folder(name: str) -> Path:
    """Never write into a copy from before: it may hold a night's work."""
    numbered = (shows_folder() / (name if n == 1 else f"{name}-{n}") for n in count(1))
    return next(path for path in numbered if not path.exists())
