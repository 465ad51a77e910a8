"""The set list on the disk, and the way from show to show. What is on air never stops for it.

The list is `set.toml` in the performer's folder: `shows`, paths relative to it where they can be.
Thread: Qt main.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import tomlkit
from PySide6.QtCore import QObject, Signal

from app.core import set_list as night
from app.core.set_list import SetList
from app.show_desk import ShowDesk
from engine.errors import ShowError
from engine.protocol.atomic_file import write_atomically
from engine.protocol.places import home
from engine.protocol.show import Show
from engine.protocol.show_fields import Fields, parse
from engine.protocol.values import Severity


class SetDesk(QObject):
    """Owns the set list."""

    changed = Signal(SetList)
    show_requested = Signal(str)  # a folder, to be opened
    noticed = Signal(Severity, str)

    def __init__(self, desk: ShowDesk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._path = home() / "set.toml"
        self._here = self._folder(desk.show)
        self.night = SetList()
        desk.show_opened.connect(self._on_show_opened)
        desk.copied.connect(self._on_copied)

    def load(self) -> None:
        """Read the list; one that is broken is told and left alone."""
        if not self._path.is_file():
            return
        try:
            shows = Fields(self._path, parse(self._path).unwrap()).strings("shows")
        except ShowError as error:
            self.noticed.emit(Severity.WARNING, str(error))
            return
        self.night = SetList(tuple(dict.fromkeys(str(home() / show) for show in shows)))
        self.changed.emit(self.night)

    def step(self, by: int) -> None:
        """Open the next show of the night, or the previous for -1; what is on air plays on."""
        folder = night.neighbour(self.night, self._here, by)
        if folder:
            self.show_requested.emit(folder)
        elif not self.night.shows:
            self.noticed.emit(Severity.INFO, "The set list is empty: put this show on it first")
        else:
            where = "last" if by > 0 else "first"
            self.noticed.emit(Severity.INFO, f"This is the {where} show of the set")

    def add(self) -> None:
        """Put the show that is open at the end of the list."""
        self._set(night.with_show(self.night, self._here, after=""))

    def remove(self) -> None:
        """Take the show that is open off the list."""
        self._set(night.without_show(self.night, self._here))

    def move(self, by: int) -> None:
        """Move the show that is open to later, or earlier for -1."""
        self._set(night.moved(self.night, self._here, by))

    @property
    def place(self) -> str:
        """Where the show stands: `2/5`; empty when it is not on the list."""
        return night.place_text(self.night, self._here)

    def _on_show_opened(self, show: Show) -> None:
        self._here = self._folder(show)
        self.changed.emit(self.night)

    def _on_copied(self, folder: str, copy: str) -> None:
        """The performer's own copy takes the place of the show that it was made of."""
        self._set(night.renamed(self.night, folder, copy))

    def _folder(self, show: Show) -> str:
        return str(show.folder or "")

    def _set(self, after: SetList) -> None:
        if after == self.night:
            return
        self.night = after
        self.changed.emit(after)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, self._text())
        except (OSError, ShowError) as error:
            self.noticed.emit(Severity.WARNING, f"The set list is not saved: {error}")

    def _text(self) -> str:
        document = parse(self._path) if self._path.is_file() else tomlkit.document()
        document["shows"] = [_relative(folder) for folder in self.night.shows]
        return tomlkit.dumps(document)


def _relative(folder: str) -> str:
    path = Path(folder)
    with suppress(ValueError):
        return path.relative_to(home()).as_posix()
    return folder
