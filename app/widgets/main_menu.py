"""F10: every command of the key table, for the mouse; the layouts, and what has no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPoint, Signal, SignalInstance
from PySide6.QtWidgets import QMenu, QWidget

from app.core.keys import KEYS

Choices = Callable[[], tuple[Sequence[str], str]]
"""Returns names, and which of them is chosen; empty for none."""


class MainMenu(QMenu):
    """Made anew each time it opens, for screens and layouts come and go."""

    action_chosen = Signal(str)
    screen_chosen = Signal(str)
    layout_chosen = Signal(str)

    def __init__(self, parent: QWidget, screens: Choices, layouts: Choices) -> None:
        super().__init__(parent)
        self._screens, self._layouts = screens, layouts

    def open_at(self, at: QPoint) -> None:
        """Open at a place on the screen; nothing on air waits for it."""
        self.fill()
        self.popup(at)

    def fill(self) -> None:
        """Write the rows: one submenu for each group of keys, then layouts and screens."""
        self.clear()
        for title, rows in KEYS:
            group = self.addMenu(title.capitalize())
            for row in rows:
                if len(row.keys) > 2:  # pads and layouts have their own place, arrows a panel
                    continue
                entry = group.addAction(f"{row.help}\t{row.shown}")
                entry.triggered.connect(lambda _=False, name=row.action: self._choose(name))
        names, chosen = self._layouts()
        self._add_choices("Layout", {name: name for name in names}, chosen, self.layout_chosen)
        names, chosen = self._screens()
        screens = {name: f"On {name}" for name in names} | {"": "Off"}
        self._add_choices("Clean output", screens, chosen, self.screen_chosen)

    def _add_choices(
        self, title: str, texts: Mapping[str, str], chosen: str, wanted: SignalInstance
    ) -> None:
        group = self.addMenu(title)
        for name, text in texts.items():
            entry = group.addAction(text)
            entry.setCheckable(True)
            entry.setChecked(name == chosen)
            entry.triggered.connect(lambda _=False, one=name: wanted.emit(one))

    def _choose(self, name: str) -> None:
        self.action_chosen.emit(name)
