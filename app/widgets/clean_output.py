"""The program on a whole screen, without anything over it: for a projector at this machine."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QScreen
from PySide6.QtWidgets import QWidget


class CleanOutput(QWidget):
    """Shows the last frame that it was given. It never takes the keys from the instrument."""

    def __init__(self) -> None:
        super().__init__(
            None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowDoesNotAcceptFocus
        )
        self.setWindowTitle("Segue: clean output")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.BlankCursor)
        self._image = QImage()

    @property
    def image(self) -> QImage:
        """The frame that is shown; null before the first."""
        return self._image

    def show_on(self, screen: QScreen) -> None:
        """Fill a screen."""
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.showFullScreen()

    def show_frame(self, image: QImage) -> None:
        """Show a frame; whoever made the image keeps its pixels alive until the next."""
        self._image = image
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close: a way out for who has lost the instrument beneath."""
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fit the frame whole; the rest is black."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self._image.isNull():
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        painter.drawImage(self.rect().adjusted(left, top, -left, -top), self._image)
