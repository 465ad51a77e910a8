"""F1: every key, from the table that binds them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, pairwise

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.core.keys import KEYS, Key
from app.widgets import theme

_ROW_PX = 34
_HEAD_PX = 44
_GAP_PX = 30
_MARGIN_PX = 20
_KEY_PX = 146
_COLUMNS = 3
_COLUMN_PX = 512

Group = tuple[str, tuple[Key, ...]]


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
        """Columns of groups on a dark sheet; nothing shines through. Smaller where it is low."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour(theme.NIGHT))
        columns = in_columns(KEYS, _COLUMNS)
        needed = max(sum(map(_height_px, groups)) for groups in columns) - _GAP_PX
        low = (self.height() - 2 * _MARGIN_PX) / needed
        narrow = (self.width() - 2 * _MARGIN_PX) / (_COLUMNS * _COLUMN_PX)
        scale = min(1.0, low, narrow)
        painter.scale(scale, scale)
        width, height = self.width() / scale, self.height() / scale
        first, top_px = (width - _COLUMNS * _COLUMN_PX) / 2, (height - needed) / 2
        for number, groups in enumerate(columns):
            x, top = first + number * _COLUMN_PX, top_px
            for group in groups:
                top = self._paint_group(painter, x, top, _COLUMN_PX - 30, group)

    def _paint_group(
        self, painter: QPainter, x: float, top: float, width: float,
        group: Group,
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
            painter.drawText(QRectF(x, top, _KEY_PX, _ROW_PX), middle, key.shown)
            painter.setPen(theme.colour(theme.DIM))
            painter.setFont(theme.font(15))
            painter.drawText(QRectF(x + _KEY_PX, top, width - _KEY_PX, _ROW_PX), middle, key.help)
            top += _ROW_PX
        return top + _GAP_PX


def in_columns(groups: Sequence[Group], count: int) -> list[Sequence[Group]]:
    """Split the groups, in their order, so that the highest column is as low as can be."""

    def split_at(places: Sequence[int]) -> list[Sequence[Group]]:
        edges = (0, *places, len(groups))
        return [groups[start:end] for start, end in pairwise(edges)]

    def highest(places: Sequence[int]) -> int:
        return max(sum(map(_height_px, part)) for part in split_at(places))

    ways = combinations_with_replacement(range(len(groups) + 1), count - 1)
    return split_at(min(ways, key=highest))


def _height_px(group: Group) -> int:
    return _HEAD_PX + _ROW_PX * len(group[1]) + _GAP_PX
