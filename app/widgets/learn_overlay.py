"""MIDI learn: a veil over the window with a frame around everything that can be learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.mapping import ControlMap
from app.widgets import theme

_HINT = (
    "MIDI LEARN   click a control, then move one on your controller   ·   "
    "Del forgets   ·   Esc ends"
)


class LearnOverlay(QWidget):
    """Click chooses, Tab goes on, Delete forgets, Escape ends."""

    target_chosen = Signal(str)
    target_forgotten = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget, targets: Callable[[], Mapping[str, QWidget]]) -> None:
        super().__init__(parent)
        self._targets = targets
        self._mapping = ControlMap()
        self._chosen = ""
        self._found_for = ""  # what the last finding was learned for
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def open(self) -> None:
        """Cover the window."""
        self.setGeometry(self.window().rect())
        self._chosen = ""
        self.raise_()
        self.show()
        self.setFocus()

    def close_overlay(self) -> None:
        """Uncover the window."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def show_mapping(self, mapping: ControlMap) -> None:
        """Draw which control drives what."""
        if mapping.learning:
            self._chosen = self._found_for = mapping.learning
        elif mapping.finding is None:
            self._chosen = self._found_for = ""
        self._mapping = mapping
        self.update()

    def event(self, event: QEvent) -> bool:
        """Take every key: while we are open, none is a shortcut."""
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is under the pointer."""
        at = event.position().toPoint()
        found = [name for name, box in self._boxes().items() if box.contains(at)]
        if found:
            self._choose(found[0])

    def focusNextPrevChild(self, is_next: bool) -> bool:
        """Tab goes through the targets, not out of the overlay."""
        names = list(self._boxes())
        if names:
            at = names.index(self._chosen) if self._chosen in names else -1 if is_next else 0
            self._choose(names[(at + (1 if is_next else -1)) % len(names)])
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape ends, Delete forgets."""
        match event.key():
            case Qt.Key.Key_Escape | Qt.Key.Key_L:
                self.close_overlay()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace if self._chosen:
                self.target_forgotten.emit(self._chosen)
            case _:
                event.accept()

    def _choose(self, target: str) -> None:
        self._chosen = target
        self.target_chosen.emit(target)
        self.update()

    def _boxes(self) -> dict[str, QRect]:
        boxes = {}
        for name, widget in self._targets().items():
            seen = widget.visibleRegion().boundingRect()  # less than all where a column scrolls
            if not seen.isEmpty() and widget.window() is self.window():
                corner = self.mapFromGlobal(widget.mapToGlobal(seen.topLeft()))
                boxes[name] = QRect(corner, seen.size()).adjusted(-2, -2, 2, 2)
        return boxes

    def paintEvent(self, event: QPaintEvent) -> None:
        """Veil, frames, badges, hint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour(theme.NIGHT, 0.62))
        for name, box in self._boxes().items():
            self._paint_target(painter, name, box)
        self._paint_hint(painter)

    def _paint_target(self, painter: QPainter, name: str, box: QRect) -> None:
        badge = self._mapping.controls_of(name)
        is_chosen = name == self._chosen
        line = theme.PENDING if is_chosen else theme.LIVE if badge else theme.DIM
        painter.setPen(QPen(theme.colour(line), 3 if is_chosen else 1.5))
        painter.setBrush(theme.colour(line, 0.22 if is_chosen else 0.10))
        painter.drawRoundedRect(QRectF(box), 8, 8)
        text = "move a control …" if is_chosen and self._mapping.learning else badge
        if name == self._found_for and self._mapping.finding is not None:
            text = self._mapping.finding.text
        if text:
            _paint_badge(painter, box, text, line)

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setFont(theme.font(15, QFont.Weight.DemiBold))
        width = painter.fontMetrics().horizontalAdvance(_HINT) + 48
        box = QRectF((self.width() - width) / 2, 12, width, 40)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.PENDING))
        painter.drawRoundedRect(box, 20, 20)
        painter.setPen(theme.colour(theme.NIGHT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _HINT)


def _paint_badge(painter: QPainter, over: QRect, text: str, colour: str) -> None:
    painter.setFont(theme.font(13, QFont.Weight.Bold))
    width = painter.fontMetrics().horizontalAdvance(text) + 18
    # On the lower edge: what the control is called stays readable.
    box = QRectF(over.center().x() - width / 2, over.bottom() - 13, width, 24)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(colour))
    painter.drawRoundedRect(box, 12, 12)
    painter.setPen(theme.colour(theme.NIGHT))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
