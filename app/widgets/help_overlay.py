"""F1: every key, from the table that binds them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.core.keys import KEYS, Key
from app.widgets import theme

_ROW_PX = 34
_HEAD_PX = 44


class HelpOverlay(QWidget):
    """Any key or click closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def toggle(self) -> None:
        """Open or close."""
        if self.isVisible():
            self.hide()
            return
        self.setGeometry(self.window().rect())
        self.raise_()
        self.show()
        self.setFocus()

    def event(self, event: QEvent) -> bool:
        """Take every key: while we are open, none is a shortcut."""
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close."""
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close."""
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Two columns of groups on a dark sheet."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour(theme.NIGHT, 0.97))
        width = min(self.width() - 120, 1120)
        left = (self.width() - width) / 2
        column = width / 2
        tops = [self._top(), self._top()]
        for index, (title, keys) in enumerate(KEYS):
            side = index % 2
            x = left + side * column
            tops[side] = self._paint_group(painter, x, tops[side], column - 40, (title, keys))

    def _top(self) -> float:
        rows = max(len(KEYS[0][1]) + len(KEYS[2][1]), len(KEYS[1][1]) + len(KEYS[3][1]))
        return max((self.height() - rows * _ROW_PX - 2 * _HEAD_PX - 30) / 2, 20)

    def _paint_group(
        self, painter: QPainter, x: float, top: float, width: float,
        group: tuple[str, tuple[Key, ...]],
    ) -> float:  # fmt: skip
        title, keys = group
        painter.setPen(theme.colour(theme.LIVE))
        painter.setFont(theme.font(13, QFont.Weight.Bold, spaced=True))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(x, top, width, _HEAD_PX), middle, title)
        top += _HEAD_PX
        for key in keys:
            painter.setPen(theme.colour(theme.TEXT))
            painter.setFont(theme.font(16, QFont.Weight.DemiBold))
            painter.drawText(QRectF(x, top, 130, _ROW_PX), middle, key.shown)
            painter.setPen(theme.colour(theme.DIM))
            painter.setFont(theme.font(15))
            painter.drawText(QRectF(x + 140, top, width - 140, _ROW_PX), middle, key.help)
            top += _ROW_PX
        return top + 30
