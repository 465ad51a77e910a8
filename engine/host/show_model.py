"""The model that the show names while the host runs: a window saves it, a hand edits it.

Thread: any, one at a time; it reads the disk.
Full:   a file that is gone, or broken as it is being edited, leaves what was read before; the next
        host, who needs all of it, is the one that refuses it in words.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from engine.errors import ShowError
from engine.protocol.show import Show
from engine.protocol.show_file import SHOW_FILE, load_show
from engine.protocol.values import ModelChoice


class ShowModel:
    """Reads a show that was loaded again whenever its file has changed, 15 ms each time."""

    def __init__(
        self, show: Show, as_asked: Callable[[ModelChoice], ModelChoice] = lambda model: model
    ) -> None:
        """Take a show that lies in a folder; `as_asked` puts the options over what it names."""
        assert show.folder is not None  # it was loaded
        self._folder = show.folder
        self._as_asked = as_asked
        self._seen: tuple[int, int] | None = None  # never, so the first look reads
        self._named = as_asked(show.model)

    def __call__(self) -> ModelChoice:
        """Return what the show names by now."""
        with suppress(OSError, ShowError):
            found = os.stat(self._folder / SHOW_FILE)
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._seen:
                self._seen = stamp
                self._named = self._as_asked(load_show(self._folder).model)
        return self._named
