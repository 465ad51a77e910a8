"""The bindings of all controllers as a list: what, mode, takeover, delete; by mouse or by keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.midi_book import BindingView
from app.widgets import theme

ROW_PX = 27
_COLUMNS = (("badge", 84), ("what", 0), ("mode", 72), ("takeover", 48), ("remove", 18))
_HINT = (
    "Click a column, or: arrows choose · M mode · T takeover · P page · O long press\n"
    "V sets the value of a button to where its parameter stands · Del removes · Esc closes"
)
_EMPTY = "Nothing is bound yet.\nPress L, click something in the window,\nthen move a control."


class BindingList(QWidget):
    """One row a binding; the keys act on the chosen one."""

    mode_requested = Signal(object)
    takeover_requested = Signal(object)
    press_requested = Signal(object)
    page_requested = Signal(object)
    value_requested = Signal(object)
    closed = Signal()
    remove_requested = Signal(object)
    row_chosen = Signal(int)  # its middle in pixels, so that it can be scrolled to

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views: tuple[BindingView, ...] = ()
        self.chosen = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(_HINT)
        self.setAccessibleName("MIDI bindings")
        self.show_views(())

    def sizeHint(self) -> QSize:
        """As tall as its rows."""
        return QSize(320, self.height())

    def show_views(self, views: tuple[BindingView, ...]) -> None:
        """Draw these."""
        if views == self.views and self.height() > 1:
            return
        self.views = views
        self.chosen = min(self.chosen, max(len(views) - 1, 0))
        self.setFixedHeight(max(len(views), 3) * ROW_PX)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a row; a column that can change, changes."""
        row = int(event.position().y()) // ROW_PX
        if row >= len(self.views):
            return
        self._choose(row)
        signals = {
            "mode": self.mode_requested,
            "takeover": self.takeover_requested,
            "remove": self.remove_requested,
        }
        column = self._column_at(event.position().x())
        if column in signals:
            signals[column].emit(self.views[row].binding)

    def event(self, event: QEvent) -> bool:
        """Keep our own keys from being the window's shortcuts while we have the focus."""
        is_override = event.type() is QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and self._is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose, letters change, Delete removes, Escape closes."""
        key = Qt.Key(event.key())
        signals = self._signals()
        if not self._is_ours(event):
            super().keyPressEvent(event)
        elif key is Qt.Key.Key_Escape:
            self.closed.emit()
        elif key in signals and self.views:
            signals[key].emit(self.views[self.chosen].binding)
        elif self.views:
            step = 1 if key is Qt.Key.Key_Down else -1
            self._choose(min(max(self.chosen + step, 0), len(self.views) - 1))

    def _is_ours(self, event: QKeyEvent) -> bool:
        moves = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Escape)
        is_plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier,
        )  # fmt: skip
        return is_plain and (event.key() in moves or event.key() in self._signals())

    def _signals(self) -> dict[int, SignalInstance]:
        return {
            Qt.Key.Key_M: self.mode_requested,
            Qt.Key.Key_T: self.takeover_requested,
            Qt.Key.Key_O: self.press_requested,
            Qt.Key.Key_P: self.page_requested,
            Qt.Key.Key_V: self.value_requested,
            Qt.Key.Key_Delete: self.remove_requested,
        }

    def _choose(self, row: int) -> None:
        self.chosen = row
        self.row_chosen.emit(row * ROW_PX + ROW_PX // 2)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show which row is chosen."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide it."""
        self.update()

    def _column_at(self, x: float) -> str:
        left = 0.0
        for name, width in self._widths():
            if x < left + width:
                return name
            left += width
        return ""

    def _widths(self) -> list[tuple[str, float]]:
        """The second column takes what the others leave."""
        rest = self.width() - sum(width for name, width in _COLUMNS if name != "what")
        return [(name, rest if name == "what" else width) for name, width in _COLUMNS]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Rows, or what to do when there are none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.views:
            painter.setFont(theme.font(13))
            painter.setPen(theme.colour(theme.DIM))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, _EMPTY)
        first = max(event.rect().top() // ROW_PX, 0)
        last = event.rect().bottom() // ROW_PX
        for number, view in enumerate(self.views[first : last + 1], start=first):
            self._paint_row(painter, number, view)

    def _paint_row(self, painter: QPainter, number: int, view: BindingView) -> None:
        top, left = number * ROW_PX, 0.0
        if number == self.chosen and self.hasFocus():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(theme.HOVER))
            painter.drawRoundedRect(QRectF(0, top + 1, self.width(), ROW_PX - 2), 5, 5)
        texts = {
            "badge": view.badge, "what": view.what, "mode": view.mode, "takeover": view.takeover,
            "remove": "×",
        }  # fmt: skip
        for name, width in self._widths():
            box = QRectF(left, top, width - 6, ROW_PX)
            self._paint_cell(painter, name, box, texts[name], view)
            left += width

    def _paint_cell(
        self, painter: QPainter, name: str, box: QRectF, text: str, view: BindingView
    ) -> None:
        is_first = name == "badge"
        weight = QFont.Weight.Bold if is_first else QFont.Weight.Normal
        painter.setFont(theme.font(12 if name != "what" else 13, weight))
        if is_first:
            self._paint_level(painter, box, view)
        tone = theme.TEXT if name == "what" else theme.LIVE if is_first else theme.DIM
        painter.setPen(theme.colour(tone if view.is_active else theme.FAINT))
        shown = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(box.width())
        )
        inset = box.adjusted(6, 0, 0, 0) if is_first else box
        painter.drawText(inset, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def _paint_level(self, painter: QPainter, box: QRectF, view: BindingView) -> None:
        """Where the control stands, as a bar behind its name."""
        painter.setPen(Qt.PenStyle.NoPen)
        bar = box.adjusted(0, 4, 0, -4)
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(bar, 5, 5)
        if view.level:
            bar.setWidth(max(bar.width() * view.level, 8))
            painter.setBrush(theme.colour(theme.LIVE, 0.28 if view.is_active else 0.1))
            painter.drawRoundedRect(bar, 5, 5)
