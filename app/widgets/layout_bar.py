"""Layouts and panels, over the window and not modal: choose, keep, delete, show, hide."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QPoint, QRect, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.core.layouts import MAX_NAME, NUM_KEYS, TIPS, Layout, is_factory
from app.core.panels import FIXED, PANELS
from app.widgets import parts, theme

_WIDTH_PX = 372
_TOP_PX = 50
_IN_LINE = 3
_MARGIN_PX = 14
_SHOWN_LETTERS = 11
_OWN = "yours. KEEP with its name replaces it"
_HINT = (
    "Unlocked: drag a panel by its bar, a gap to resize. With keys: Ctrl D chooses, "
    "Ctrl Shift ← → ↑ ↓ moves, Alt Shift ← → ↑ ↓ resizes"
)


class LayoutBar(parts.Card):
    """The instrument plays on beneath. Escape leaves the field, then D closes."""

    layout_chosen = Signal(str)
    keep_requested = Signal(str)
    delete_requested = Signal(str)
    reset_requested = Signal()
    panel_toggled = Signal(str)

    def __init__(self, parent: QWidget, keep_free: QWidget) -> None:
        super().__init__("LAYOUTS", parent)
        self._over, self._keep_free = parent, keep_free
        self.setStyleSheet(
            f"QWidget#card {{ background: {theme.RAISED}; border: 1px solid {theme.LINE}; }}"
        )
        self.choices: dict[str, QPushButton] = {}
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        for column in range(_IN_LINE):
            self._grid.setColumnStretch(column, 1)
        self.name = parts.Line()
        self.name.setMaxLength(MAX_NAME)
        self.name.setPlaceholderText("A name for this arrangement")
        self.name.setToolTip("Enter keeps the arrangement under this name; your own is replaced")
        self.keep = parts.button("quiet", "KEEP", "Keep the arrangement under this name (Enter)")
        self.delete = parts.button("quiet", "DELETE", "Delete the layout that is chosen")
        self.reset = parts.button(
            "quiet", "RESET", "The house's first layout; yours are kept (Ctrl Shift L)"
        )
        self.close_button = parts.button("quiet", "CLOSE", "Close this (D)")
        self.panels = {
            name: parts.button("segment", row.title.upper(), row.tip, checkable=True)
            for name, row in PANELS.items()
            if name not in FIXED
        }
        self._lay_out()
        self._connect()
        self.hide()

    def _lay_out(self) -> None:
        line, panels = QHBoxLayout(), QGridLayout()
        line.setSpacing(6)
        panels.setSpacing(6)
        line.addWidget(self.name, 1)
        line.addWidget(self.keep)
        others = QHBoxLayout()
        others.setSpacing(6)
        for button in (self.delete, self.reset, self.close_button):
            others.addWidget(button, 1)
        for index, button in enumerate(self.panels.values()):
            panels.addWidget(button, *divmod(index, _IN_LINE + 1))
        hint = parts.label("status", _HINT)
        hint.setWordWrap(True)
        self.body.addLayout(self._grid)
        self.body.addLayout(line)
        self.body.addLayout(others)
        self.body.addWidget(parts.label("caption", "PANELS"))
        self.body.addLayout(panels)
        self.body.addWidget(hint)

    def _connect(self) -> None:
        self.name.returnPressed.connect(lambda: self.keep_requested.emit(self.name.text()))
        self.keep.clicked.connect(lambda: self.keep_requested.emit(self.name.text()))
        self.delete.clicked.connect(lambda: self.delete_requested.emit(self._chosen()))
        self.reset.clicked.connect(self.reset_requested)
        self.close_button.clicked.connect(self.toggle)
        for name, button in self.panels.items():
            button.clicked.connect(lambda _, panel=name: self.panel_toggled.emit(panel))

    def toggle(self) -> bool:
        """Open or close; returns whether it is open now."""
        if self.isVisible():
            self.hide()
            self._over.setFocus()  # the keys are the instrument's again
            return False
        self.show()
        self.place()
        self.raise_()
        self.name.setFocus()
        return True

    def show_layouts(self, layouts: Sequence[Layout], chosen: str, is_changed: bool) -> None:
        """Draw one button a layout, in the order of their keys."""
        names = [layout.name for layout in layouts]
        if names != list(self.choices):
            self._make_choices(names)
        for name, button in self.choices.items():
            button.setChecked(name == chosen)
        changed = f"{chosen}, changed" if is_changed else chosen
        self.status.say(changed, "warning" if is_changed else "plain")
        self.delete.setEnabled(not is_factory(chosen))
        self.place()

    def show_panels(self, seen: Collection[str]) -> None:
        """Check the panels that are not hidden."""
        for name, button in self.panels.items():
            button.setChecked(name in seen)

    def place(self) -> None:
        """Keep to the right, below the top bar; left of the cuts where they are there."""
        if not self.isVisible():
            return
        self.setFixedWidth(min(_WIDTH_PX, self._over.width() - 32))
        self.adjustSize()
        place = QRect(QPoint(self._over.width() - self.width() - 16, _TOP_PX), self.size())
        free = QRect(self._keep_free.mapTo(self._over, QPoint(0, 0)), self._keep_free.size())
        if place.intersects(free) and free.left() - _MARGIN_PX >= place.width():
            place.moveRight(free.left() - _MARGIN_PX)
        self.setGeometry(place)

    def _make_choices(self, names: Sequence[str]) -> None:
        for old in self.choices.values():
            self._grid.removeWidget(old)
            old.deleteLater()
        self.choices = {}
        for index, name in enumerate(names):
            key = f"F{index + 2}" if index < NUM_KEYS else ""
            tip = f"{name}: {TIPS.get(name, _OWN)}{f' ({key})' * bool(key)}"
            shown = name if len(name) <= _SHOWN_LETTERS else f"{name[: _SHOWN_LETTERS - 1]}…"
            button = parts.button("segment", f"{shown}  {key}".strip(), tip, checkable=True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _, chosen=name: self.layout_chosen.emit(chosen))
            self.choices[name] = button
            self._grid.addWidget(button, *divmod(index, _IN_LINE))

    def _chosen(self) -> str:
        return next((name for name, button in self.choices.items() if button.isChecked()), "")
