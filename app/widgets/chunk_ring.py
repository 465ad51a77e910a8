"""The chunk ring: how long until the next boundary, and what happens there."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.deck import RingView
from app.widgets import theme
from engine.protocol.values import Cut

_STROKE_PX = 12
_SMALL_PX = 136  # below it there is no room for a caption inside
_FULL = 360 * 16
_TOP = 90 * 16
_COLOURS = {Cut.NONE: theme.LIVE, Cut.HARD: theme.AIR, Cut.SOFT: theme.FLOW}


class ChunkRing(QWidget):
    """An outer ring for the chunk in hand, an inner one for a running soft cut."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(108, 108)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Time to the next chunk boundary: the only place where the picture changes")
        self._view = RingView()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(200, 200)

    def show_view(self, view: RingView) -> None:
        """Draw this."""
        if view != self._view:
            self._view = view
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Rings, then words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height()) - _STROKE_PX - 4
        ring = QRectF(0, 0, side, side)
        ring.moveCenter(QPointF(self.width() / 2, self.height() / 2))
        self._paint_chunk(painter, ring)
        if self._view.soft_chunks:
            inset = _STROKE_PX + 4
            self._paint_steps(painter, ring.adjusted(inset, inset, -inset, -inset))
        self._paint_words(painter, ring)

    def _paint_chunk(self, painter: QPainter, ring: QRectF) -> None:
        painter.setPen(_pen(theme.RAISED, _STROKE_PX))
        painter.drawEllipse(ring)
        if self._view.is_running:
            painter.setPen(_pen(_COLOURS[self._view.pending], _STROKE_PX))
            painter.drawArc(ring, _TOP, -round(_FULL * self._view.elapsed_norm))

    def _paint_steps(self, painter: QPainter, ring: QRectF) -> None:
        count = self._view.soft_chunks
        gap = min(6 * 16, _FULL // (count * 3))
        for step in range(count):
            done = step < self._view.soft_step
            painter.setPen(_pen(theme.FLOW if done else theme.LINE, 7, Qt.PenCapStyle.FlatCap))
            start = _TOP - step * _FULL // count - gap // 2
            painter.drawArc(ring, start, -(_FULL // count - gap))

    def _paint_words(self, painter: QPainter, ring: QRectF) -> None:
        view = self._view
        middle = ring.center().y()
        painter.setPen(theme.colour(theme.TEXT if view.is_running else theme.FAINT))
        is_small = ring.width() < _SMALL_PX
        painter.setFont(theme.font(26 if is_small else 34, QFont.Weight.DemiBold))
        seconds = f"{view.seconds_left:.1f}" if view.is_running else "–"
        _centred(painter, ring, middle - (26 if is_small else 44), 30 if is_small else 40, seconds)
        painter.setPen(theme.colour(theme.DIM))
        painter.setFont(theme.font(11, QFont.Weight.DemiBold, spaced=True))
        if not is_small:
            caption = "SECONDS TO GO" if ring.width() > 180 else "SECONDS"
            _centred(painter, ring, middle - 4, 16, caption)
        painter.setPen(theme.colour(self._words_colour()))
        painter.setFont(theme.font(12 if is_small else 14, QFont.Weight.Bold))
        _centred(painter, ring, middle + (4 if is_small else 18), 20, self._words())

    def _words(self) -> str:
        view = self._view
        if view.pending_text:
            return view.pending_text
        if view.soft_chunks:
            return f"{view.soft_step} of {view.soft_chunks}"
        return f"chunk {view.chunk_index}" if view.is_running else "no chunk"

    def _words_colour(self) -> str:
        if self._view.pending is not Cut.NONE:
            return _COLOURS[self._view.pending]
        if self._view.pending_text:
            return theme.PENDING
        return theme.FLOW if self._view.soft_chunks else theme.FAINT


def _pen(colour: str, width_px: int, cap: Qt.PenCapStyle = Qt.PenCapStyle.RoundCap) -> QPen:
    pen = QPen(theme.colour(colour), width_px)
    pen.setCapStyle(cap)
    return pen


def _centred(painter: QPainter, ring: QRectF, top: float, height: float, text: str) -> None:
    box = QRectF(ring.left() + 9, top, ring.width() - 18, height)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
