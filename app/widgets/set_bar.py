"""Where the show stands in the night: previous, next, and the list of shows itself."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets import parts


class SetBar(QWidget):
    """One line under the cues."""

    step_requested = Signal(int)
    add_requested = Signal()
    remove_requested = Signal()
    move_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = parts.ElidedLabel("status")
        self.previous = parts.button("step", "‹", "The show before (Ctrl Page Up)")
        self.next = parts.button("step", "›", "The next show; the air stays (Ctrl Page Down)")
        self.add = parts.button("quiet", "+ SET", "Put this show on the set list")
        self.remove = parts.button("quiet", "− SET", "Take this show off the set list")
        self.earlier = parts.button("quiet", "↑", "This show earlier in the set")
        self.later = parts.button("quiet", "↓", "This show later in the set")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(5)
        line.addWidget(parts.label("caption", "SET"))
        line.addWidget(self.place, 1)
        for button in (self.previous, self.next, self.earlier, self.later, self.add, self.remove):
            line.addWidget(button)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self.earlier.clicked.connect(lambda: self.move_requested.emit(-1))
        self.later.clicked.connect(lambda: self.move_requested.emit(1))
        self.add.clicked.connect(self.add_requested)
        self.remove.clicked.connect(self.remove_requested)
        self.show_place("", 0)

    def show_place(self, place: str, num_shows: int) -> None:
        """Show `2/5`, or that this show is not on the list."""
        listed = bool(place)
        self.place.say(place or (f"not of the {num_shows}" if num_shows else "empty"))
        self.add.setVisible(not listed)
        self.remove.setVisible(listed)
        for button in (self.earlier, self.later):
            button.setVisible(listed)
        for button in (self.previous, self.next):
            button.setEnabled(num_shows > 0)
