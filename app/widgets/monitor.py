"""The program monitor: what leaves, with the tally around it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets import theme

_BORDER_PX = 4


class Monitor(QWidget):
    """Draws the last frame that it was given, whole, in its own aspect."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(320, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._image = QImage()
        self._is_on_program = False
        self._message = "Waiting for the engine"
        self._badge = ""

    def sizeHint(self) -> QSize:
        """Sixteen by nine."""
        return QSize(960, 540)

    @property
    def image(self) -> QImage:
        """The frame that is shown; null before the first."""
        return self._image

    def show_frame(self, image: QImage) -> None:
        """Show a frame; whoever made the image keeps its pixels alive until the next."""
        self._image = image
        self.update()

    def set_tally(self, is_on_program: bool) -> None:
        """Draw the red border while a receiver has us on its program."""
        if is_on_program != self._is_on_program:
            self._is_on_program = is_on_program
            self.update()

    def set_message(self, message: str, badge: str = "") -> None:
        """Say something over the picture (empty: nothing) and in its corner."""
        if (message, badge) != (self._message, self._badge):
            self._message, self._badge = message, badge
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Letterbox the frame, then what is to be said."""
        painter = QPainter(self)
        target = self._target()
        bars = QRegion(self.rect()).subtracted(QRegion(target))
        for bar in bars:  # type: ignore[attr-defined]  # PySide's types lack it
            painter.fillRect(bar, theme.colour(theme.NIGHT))
        if self._image.isNull():
            painter.fillRect(target, theme.colour(theme.SURFACE))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, self._image)
        if self._message:
            self._paint_message(painter, target)
        if self._badge:
            self._paint_badge(painter, target)
        if self._is_on_program:
            painter.setPen(QPen(theme.colour(theme.AIR), _BORDER_PX))
            inset = _BORDER_PX // 2
            painter.drawRect(target.adjusted(inset, inset, -inset, -inset))

    def _target(self) -> QRect:
        size = self._image.size() if not self._image.isNull() else QSize(16, 9)
        fitted = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = (self.width() - fitted.width()) // 2
        return QRect(left, (self.height() - fitted.height()) // 2, fitted.width(), fitted.height())

    def _paint_message(self, painter: QPainter, target: QRect) -> None:
        if not self._image.isNull():
            painter.fillRect(target, theme.colour(theme.NIGHT, 0.6))
        painter.setPen(theme.colour(theme.TEXT))
        painter.setFont(theme.font(20, QFont.Weight.Medium))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(target.adjusted(40, 20, -40, -20), flags, self._message)

    def _paint_badge(self, painter: QPainter, target: QRect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(13, QFont.Weight.Bold, spaced=True))
        width = painter.fontMetrics().horizontalAdvance(self._badge) + 24
        box = QRectF(target.left() + 14, target.top() + 14, width, 28)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.NIGHT, 0.75))
        painter.drawRoundedRect(box, 14, 14)
        painter.setPen(theme.colour(theme.PENDING))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._badge)
