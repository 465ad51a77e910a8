"""F10: every command of the key table, for the mouse; and what has no key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.core.keys import KEYS


class MainMenu(QMenu):
    """Made anew each time it opens, for screens come and go."""

    action_chosen = Signal(str)
    screen_chosen = Signal(str)

    def __init__(self, parent: QWidget, screens: Callable[[], tuple[Sequence[str], str]]) -> None:
        super().__init__(parent)
        self._screens = screens

    def open_at(self, at: QPoint) -> None:
        """Open at a place on the screen; nothing on air waits for it."""
        self.fill()
        self.popup(at)

    def fill(self) -> None:
        """Write the rows: one submenu for each group of keys, then the screens."""
        self.clear()
        for title, rows in KEYS:
            group = self.addMenu(title.capitalize())
            for row in rows:
                if len(row.keys) > 2:  # the pads: there they are
                    continue
                entry = group.addAction(f"{row.help}\t{row.shown}")
                entry.triggered.connect(lambda _=False, name=row.action: self._choose(name))
        self._add_screens()

    def _add_screens(self) -> None:
        names, shown = self._screens()
        group = self.addMenu("Clean output")
        for name in (*names, ""):
            entry = group.addAction(f"On {name}" if name else "Off")
            entry.setCheckable(True)
            entry.setChecked(name == shown)
            entry.triggered.connect(lambda _=False, chosen=name: self.screen_chosen.emit(chosen))

    def _choose(self, name: str) -> None:
        self.action_chosen.emit(name)
