"""The padlock of the panels: shut while a hand cannot move them, amber and open while it can."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen

from app.widgets import parts, theme


class LockButton(parts.Button):
    """Checked while the panels are unlocked."""

    def __init__(self) -> None:
        super().__init__("")
        self.setObjectName("quiet")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Unlock the panels")
        self.show_lock(is_unlocked=False)

    def sizeHint(self) -> QSize:
        """As high as its neighbours."""
        return QSize(32, super().sizeHint().height())

    def show_lock(self, is_unlocked: bool) -> None:
        """Draw it open or shut."""
        self.setChecked(is_unlocked)
        says = "Panels can be moved: lock them" if is_unlocked else "Panels are locked: unlock them"
        self.setToolTip(f"{says} (Shift D)")

    def paintEvent(self, event: QPaintEvent) -> None:
        """The button, then the padlock."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_open = self.isChecked()
        colour = theme.colour(theme.NIGHT if is_open else theme.DIM)
        painter.setPen(QPen(colour, 1.8))
        middle = QRectF(self.rect()).center()
        bow = QRectF(0, 0, 7, 10)
        bow.moveCenter(middle + QPointF(4.5 if is_open else 0, -3.5))
        painter.drawArc(bow, 0, 180 * 16)
        foot = bow.center().y()
        painter.drawLine(QPointF(bow.left(), foot), QPointF(bow.left(), foot + 5))
        if not is_open:
            painter.drawLine(QPointF(bow.right(), foot), QPointF(bow.right(), foot + 5))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(middle.x() - 6, middle.y() - 1, 12, 9), 2, 2)
