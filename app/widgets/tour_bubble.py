"""The tour: a frame around a part of the window and a few words. Not modal: all plays on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.core.tour import STEPS, moved
from app.widgets import parts, theme

_WIDTH_PX = 400
_GAP_PX = 12
_OWN_KEYS = (
    Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Left, Qt.Key.Key_Right,
)  # fmt: skip


class TourFrame(QWidget):
    """A line around what the step is about; clicks go through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.LIVE), 3))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 10, 10)


class TourBubble(parts.Card):
    """Enter or → goes on, ← back, Esc ends; every other key is the instrument's, as ever."""

    ended = Signal()

    def __init__(self, parent: QWidget, part: Callable[[str], QWidget]) -> None:
        super().__init__(parent=parent)
        self._over, self._part = parent, part
        self.step = 0
        self.frame = TourFrame(parent)
        self.setStyleSheet(
            f"QWidget#card {{ background: {theme.RAISED}; border: 1px solid {theme.LIVE}; }}"
        )
        self.setFixedWidth(_WIDTH_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title = parts.label("big")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.count = parts.label("caption")
        self.back = parts.button("quiet", "BACK", "The step before (←)")
        self.forth = parts.button("quiet", "NEXT", "The next step (Enter)")
        self.end = parts.button("quiet", "END", "End the tour (Esc); Shift F1 brings it back")
        self.back.clicked.connect(lambda: self.move_by(-1))
        self.forth.clicked.connect(lambda: self.move_by(1))
        self.end.clicked.connect(self.close_tour)
        line = QHBoxLayout()
        line.addWidget(self.count)
        line.addStretch(1)
        for button in (self.end, self.back, self.forth):
            line.addWidget(button)
        self.body.addWidget(self.title)
        self.body.addWidget(self.text)
        self.body.addLayout(line)
        self.hide()

    def begin(self) -> None:
        """Show the first step and take the few keys that are ours."""
        self.step = 0
        self.show()
        self._draw()
        self.setFocus()

    def move_by(self, by: int) -> None:
        """Go to another step; past the last the tour ends."""
        wanted = moved(self.step, by)
        if wanted is None:
            self.close_tour()
        else:
            self.step = wanted
            self._draw()

    def close_tour(self) -> None:
        """End, and say so once."""
        if self.isVisible():
            self.frame.hide()
            self.hide()
            self._over.setFocus()  # the keys are all the instrument's again
            self.ended.emit()

    def place(self) -> None:
        """Point at the part again: the window has another size."""
        if not self.isVisible():
            return
        part = self._part(STEPS[self.step].target)
        is_here = part.isVisible() and part.window() is self._over
        target = QRect(self._over.rect().center(), QSize(1, 1))  # its panel is hidden, or floats
        if is_here:
            target = QRect(part.mapTo(self._over, QPoint(0, 0)), part.size())
        self.frame.setGeometry(target.adjusted(-4, -4, 4, 4))
        self.frame.setVisible(is_here)
        self.adjustSize()
        self.move(bubble_corner(target, self.rect(), self._over.rect()))
        self.frame.raise_()
        self.raise_()

    def _draw(self) -> None:
        step = STEPS[self.step]
        self.title.setText(step.title)
        self.text.setText(step.text)
        self.count.setText(f"{self.step + 1} OF {len(STEPS)}")
        self.back.setEnabled(self.step > 0)
        self.forth.setText("DONE" if self.step == len(STEPS) - 1 else "NEXT")
        self.place()

    def event(self, event: QEvent) -> bool:
        """Keep our few keys from being shortcuts while we have the focus."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride:
            is_ours = event.key() in _OWN_KEYS and not event.modifiers()
            event.setAccepted(is_ours)
            return is_ours
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go on, back, or end."""
        match event.key():
            case Qt.Key.Key_Escape:
                self.close_tour()
            case Qt.Key.Key_Left:
                self.move_by(-1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Right:
                self.move_by(1)
            case _:
                super().keyPressEvent(event)


def bubble_corner(target: QRect, bubble: QRect, window: QRect) -> QPoint:
    """Return where the bubble goes: left of its target, below, above, or in it; in the window.

    Left first: the cuts and the panic row stay free.
    """
    left = target.left() - _GAP_PX - bubble.width()
    middle = target.center() - bubble.center()
    below = target.bottom() + _GAP_PX
    above = target.top() - _GAP_PX - bubble.height()
    if left >= _GAP_PX:
        wanted = QPoint(left, middle.y())
    elif below + bubble.height() <= window.height() - _GAP_PX:
        wanted = QPoint(middle.x(), below)
    else:
        wanted = QPoint(middle.x(), above if above >= _GAP_PX else middle.y())
    last_left = window.width() - bubble.width() - _GAP_PX
    last_top = window.height() - bubble.height() - _GAP_PX
    return QPoint(min(max(wanted.x(), _GAP_PX), last_left), min(max(wanted.y(), _GAP_PX), last_top))
