"""One row of the parameter table as a slider with two markers: live, and where it is going.

A hollow one, the ghost, is where the hand stands on the control that is to pick it up. A thin mark
that moves is where a modulator has it.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.deck import SliderView
from app.core.ghosts import Ghost
from app.widgets import theme
from engine.protocol.parameters import Applies, Kind, Parameter

_HEIGHT_PX = 43
_TRACK_TOP_PX = 26
_TRACK_PX = 8
_HANDLE_PX = 18
_INSET_PX = _HANDLE_PX // 2
_GHOST_PX = 13
_STEP_NORM = 0.02
_PAGE_NORM = 0.1

_WHEN = {
    Applies.CHUNK: "Lands at the next chunk boundary.",
    Applies.FRAME: "Lands at the next output frame.",
    Applies.LOAD: "Is prepared beside the show, then lands at a boundary.",
}


class ParameterSlider(QWidget):
    """Drag, wheel, arrow keys; double click goes to the default."""

    value_edited = Signal(str, float)

    def __init__(self, row: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = row
        self._view = SliderView(row.default, row.default)
        self._ghost: Ghost | None = None
        self.setFixedHeight(_HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tool_tip(row))
        self.setAccessibleName(row.label)

    def sizeHint(self) -> QSize:
        """Wide enough for label and value."""
        return QSize(260, _HEIGHT_PX)

    @property
    def view(self) -> SliderView:
        """What is drawn."""
        return self._view

    def show_view(self, view: SliderView) -> None:
        """Draw this."""
        if view != self._view:
            self._view = view
            self.update()

    @property
    def ghost(self) -> Ghost | None:
        """Where the hand stands on the control, None when nobody knows."""
        return self._ghost

    def show_ghost(self, ghost: Ghost | None) -> None:
        """Draw where the hand stands; no ghost is drawn while it holds the parameter."""
        if ghost != self._ghost:
            self._ghost = ghost
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to where the pointer is."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._edit_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._edit_at(event.position().x())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to the default."""
        self.value_edited.emit(self.row.id, self.row.default)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step with the wheel."""
        self._step(_STEP_NORM if event.angleDelta().y() > 0 else -_STEP_NORM)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys step, with Shift in larger steps; Home is the default."""
        step = _PAGE_NORM if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP_NORM
        match event.key():
            case Qt.Key.Key_Right | Qt.Key.Key_Up:
                self._step(step)
            case Qt.Key.Key_Left | Qt.Key.Key_Down:
                self._step(-step)
            case Qt.Key.Key_Home:
                self.value_edited.emit(self.row.id, self.row.default)
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the focus."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Label, value, track, live bar, handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_text(painter)
        self._paint_track(painter)

    def _paint_text(self, painter: QPainter) -> None:
        top = QRectF(0, 0, self.width(), 22)
        painter.setPen(theme.colour(theme.TEXT if self.hasFocus() else theme.DIM))
        painter.setFont(theme.font(14, QFont.Weight.Medium))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(top, left, self.row.label)
        painter.setPen(theme.colour(theme.PENDING if self._view.is_pending else theme.TEXT))
        painter.setFont(theme.font(15, QFont.Weight.DemiBold))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(top, right, self._text())

    def _text(self) -> str:
        target = self.row.text(self._view.target)
        live = self.row.text(self._view.live)
        return f"{live} → {target}" if self._view.is_pending and live != target else target

    def _paint_track(self, painter: QPainter) -> None:
        track = QRectF(0, _TRACK_TOP_PX, self.width(), _TRACK_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(track, _TRACK_PX / 2, _TRACK_PX / 2)
        live_x, target_x = self._x_of(self._view.live), self._x_of(self._view.target)
        painter.setBrush(theme.colour(theme.LIVE))
        painter.drawRoundedRect(QRectF(0, _TRACK_TOP_PX, live_x, _TRACK_PX), 4, 4)
        self._paint_default(painter)
        waits = self._view.is_pending
        painter.setBrush(theme.colour(theme.PENDING if waits else theme.TEXT))
        middle = _TRACK_TOP_PX + _TRACK_PX / 2
        handle = QRectF(target_x - _HANDLE_PX / 2, middle - _HANDLE_PX / 2, _HANDLE_PX, _HANDLE_PX)
        painter.drawEllipse(handle)
        if self.hasFocus():
            painter.setBrush(theme.colour(theme.NIGHT))
            painter.drawEllipse(handle.adjusted(5, 5, -5, -5))
        if self._view.moved is not None:
            x = self._x_of(self._view.moved)
            painter.setBrush(theme.colour(theme.FLOW))
            painter.drawRoundedRect(QRectF(x - 2.5, _TRACK_TOP_PX - 5, 5, _TRACK_PX + 10), 2, 2)
        if self._ghost is not None and self._ghost.way:
            self._paint_ghost(painter, self._ghost)

    def _paint_ghost(self, painter: QPainter, ghost: Ghost) -> None:
        """A hollow ring at the hand, and an arrow that says which way to go."""
        x = self._x_at(ghost.norm)
        middle = _TRACK_TOP_PX + _TRACK_PX / 2
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour(theme.PENDING), 2))
        painter.drawEllipse(QPointF(x, middle), _GHOST_PX / 2, _GHOST_PX / 2)
        tip = x + ghost.way * (_GHOST_PX / 2 + 9)
        back = tip - ghost.way * 5
        painter.drawPolyline(
            [QPointF(back, middle - 4), QPointF(tip, middle), QPointF(back, middle + 4)]
        )

    def _paint_default(self, painter: QPainter) -> None:
        x = self._x_of(self.row.default)
        painter.setBrush(theme.colour(theme.FAINT))
        painter.drawRect(QRectF(x - 0.5, _TRACK_TOP_PX + _TRACK_PX + 3, 1.5, 4))

    def _x_of(self, value: float) -> float:
        return self._x_at(self.row.to_norm(value))

    def _x_at(self, norm: float) -> float:
        return _INSET_PX + norm * (self.width() - 2 * _INSET_PX)

    def _edit_at(self, x: float) -> None:
        norm = (x - _INSET_PX) / max(self.width() - 2 * _INSET_PX, 1)
        self.value_edited.emit(self.row.id, self.row.from_norm(norm))

    def _step(self, norm: float) -> None:
        row = self.row
        if row.kind is Kind.INTEGER:
            value = self._view.target + (1 if norm > 0 else -1)
        else:
            value = row.from_norm(row.to_norm(self._view.target) + norm)
        self.value_edited.emit(row.id, row.clean(value))


def tool_tip(row: Parameter) -> str:
    """Return help, range, unit, moment and OSC address of a parameter."""
    span = "" if row.choices else f"{row.low:g} to {row.high:g} {row.unit}".strip() + ". "
    text = f"{row.help}\n{span}Default {row.text(row.default)}. {_WHEN[row.applies]}"
    return f"{text}\nOSC /segue/{row.id}"
