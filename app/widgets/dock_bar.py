"""The thin bar of a place: its tabs, and while the panels are unlocked its handle."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from app.core.panels import FIXED, PANELS
from app.widgets import theme

HANDLE_PX = 20  # of a panel without tabs
_BUTTON_PX = 24
_PADDING_PX = 17
_LEAST_TAB_PX = 26
_UNLOCKED = "Drag: to a side of another panel, onto it, to an edge, or out of the window (Esc: not)"
_FLOAT, _HIDE = "float", "hide"
_TIPS = {_FLOAT: "A window of its own, or back (Ctrl Shift D)", _HIDE: "Hide it (Ctrl Shift H)"}


class DockBar(QWidget):
    """A press brings a tab to the front; a drag moves its panel while unlocked."""

    raised = Signal(str)
    chosen = Signal(str)
    float_requested = Signal(str)
    hide_requested = Signal(str)
    drag_moved = Signal(str, QPoint)  # where the pointer is on the desktop
    drag_ended = Signal(str, QPoint)
    drag_cancelled = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.panels: tuple[str, ...] = ()
        self._front = ""
        self._chosen = ""
        self._is_unlocked = False
        self._pressed: tuple[str, QPoint] | None = None
        self._is_dragging = False

    def show_place(
        self, panels: tuple[str, ...], front: str, chosen: str, is_unlocked: bool
    ) -> None:
        """Draw these tabs."""
        state = (panels, front, chosen, is_unlocked)
        if state != (self.panels, self._front, self._chosen, self._is_unlocked):
            self.panels, self._front, self._chosen, self._is_unlocked = state
            self.setAccessibleName(", ".join(PANELS[panel].title for panel in panels))
            cursor = Qt.CursorShape.OpenHandCursor if is_unlocked else Qt.CursorShape.ArrowCursor
            self.setCursor(cursor)
            self.update()

    # ------------------------------------------------------------ where things are

    def tabs(self) -> dict[str, QRectF]:
        """Return the room of each tab; all but the one in front give way where it is narrow."""
        metrics = QFontMetricsF(_font())
        wishes = {
            panel: metrics.horizontalAdvance(PANELS[panel].title) + _PADDING_PX
            for panel in self.panels
        }
        room = self.width() - _BUTTON_PX * len(self._buttons())
        others = sum(wish for panel, wish in wishes.items() if panel != self._front)
        left = max(room - wishes.get(self._front, 0.0), 0.0)
        scale = min(1.0, left / others) if others else 1.0
        found, x = {}, 0.0
        for panel, wish in wishes.items():
            width = wish if panel == self._front else max(wish * scale, _LEAST_TAB_PX)
            found[panel] = QRectF(x, 0, width, self.height())
            x += width
        return found

    def _buttons(self) -> dict[str, QRectF]:
        if not self._is_unlocked or self._front in FIXED:
            return {}
        left = self.width() - 2 * _BUTTON_PX
        return {
            name: QRectF(left + n * _BUTTON_PX, 0, _BUTTON_PX, self.height())
            for n, name in enumerate((_FLOAT, _HIDE))
        }

    def _tab_at(self, point: QPointF) -> str:
        found = (panel for panel, box in self.tabs().items() if box.contains(point))
        return next(found, self._front)

    # ------------------------------------------------------------ hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A button, or a tab that comes to the front and may be dragged from now on."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        point = event.position()
        pressed = next((n for n, box in self._buttons().items() if box.contains(point)), "")
        if pressed:
            wanted = self.float_requested if pressed == _FLOAT else self.hide_requested
            wanted.emit(self._front)
            return
        panel = self._tab_at(point)
        self._pressed = (panel, event.globalPosition().toPoint())
        self.chosen.emit(panel)
        self.raised.emit(panel)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, once the hand has gone far enough to mean it."""
        if self._pressed is None or not self._is_unlocked:
            return
        panel, began = self._pressed
        now = event.globalPosition().toPoint()
        far = (now - began).manhattanLength() >= QApplication.startDragDistance()
        if far and not self._is_dragging:
            self._is_dragging = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._application().installEventFilter(self)  # Escape, whoever has the keys
        if self._is_dragging:
            self.drag_moved.emit(panel, now)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        panel = self._let_go()
        if panel:
            self.drag_ended.emit(panel, event.globalPosition().toPoint())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cancel the drag with Escape, which then means nothing else."""
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_Escape:
            return super().eventFilter(watched, event)
        panel = self._let_go()
        if panel:
            self.drag_cancelled.emit(panel)
        event.accept()
        return True

    def _let_go(self) -> str:
        """End a press; returns the panel that was dragged, empty if none was."""
        pressed, was_dragging = self._pressed, self._is_dragging
        self._pressed, self._is_dragging = None, False
        if pressed is None or not was_dragging:
            return ""
        self._application().removeEventFilter(self)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        return pressed[0]

    @staticmethod
    def _application() -> QObject:
        application = QApplication.instance()
        assert application is not None, "a bar that is dragged lives in an application"
        return application

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Float, or dock again."""
        panel = self._tab_at(event.position())
        if self._is_unlocked and panel not in FIXED:
            self.float_requested.emit(panel)

    def event(self, event: QEvent) -> bool:
        """Say what a tab or a button is."""
        if isinstance(event, QHelpEvent):
            point = QPointF(event.pos())
            over = [name for name, box in self._buttons().items() if box.contains(point)]
            row = PANELS.get(self._tab_at(point))
            words = [row.tip if row is not None else ""] + [_UNLOCKED] * self._is_unlocked
            text = _TIPS[over[0]] if over else "\n".join(words)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    # ------------------------------------------------------------ drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tabs, a line under the one in front, buttons."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_unlocked:
            self._paint_handle(painter)
        elif len(self.panels) < 2:
            painter.fillRect(self.rect(), theme.colour(theme.NIGHT))
        painter.setFont(_font())
        for panel, box in self.tabs().items():
            self._paint_tab(painter, panel, box)
        for name, box in self._buttons().items():
            _paint_button(painter, name, box)

    def _paint_handle(self, painter: QPainter) -> None:
        is_chosen = self._chosen in self.panels
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.colour(theme.TEXT if is_chosen else theme.LINE), 1))
        painter.setBrush(theme.colour(theme.HOVER if is_chosen else theme.RAISED))
        painter.drawRoundedRect(box, 5, 5)

    def _paint_tab(self, painter: QPainter, panel: str, box: QRectF) -> None:
        is_front = panel == self._front
        alone = len(self.panels) == 1
        painter.setPen(theme.colour(theme.TEXT if is_front and not alone else theme.DIM))
        inner = box.adjusted(_PADDING_PX / 2, 0, -_PADDING_PX / 2 + 3, 0)
        right = Qt.TextElideMode.ElideRight
        text = QFontMetricsF(_font()).elidedText(PANELS[panel].title, right, inner.width())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inner, flags, text)
        if is_front and not alone:
            line = QRectF(inner.left(), box.bottom() - 3, inner.width() - 3, 2)
            painter.fillRect(line, theme.colour(theme.TEXT))


def _paint_button(painter: QPainter, name: str, box: QRectF) -> None:
    painter.setPen(QPen(theme.colour(theme.DIM), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    mark = QRectF(0, 0, 8, 8)
    mark.moveCenter(box.center())
    if name == _FLOAT:
        painter.drawRect(mark.translated(-1.5, 1.5))
        painter.drawPolyline(
            [mark.topLeft() + QPointF(2, -2), mark.topRight() + QPointF(2, -2),
             mark.bottomRight() + QPointF(2, -2)]
        )  # fmt: skip
    else:
        painter.drawLine(mark.topLeft(), mark.bottomRight())
        painter.drawLine(mark.topRight(), mark.bottomLeft())


def _font() -> QFont:
    return theme.font(12, QFont.Weight.DemiBold)
