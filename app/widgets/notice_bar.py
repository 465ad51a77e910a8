"""What happened, in one line; the list of the last ones on demand. Never in the way."""

from __future__ import annotations

from collections import deque
from html import escape

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.widgets import parts, theme
from engine.protocol.values import Severity

_NUM_KEPT = 50
_NUM_LISTED = 14
_SHOWN_MS = {Severity.INFO: 6_000, Severity.WARNING: 20_000, Severity.FAULT: 60_000}
_COLOURS = {
    Severity.INFO: theme.DIM,
    Severity.WARNING: theme.PENDING,
    Severity.FAULT: theme.AIR,
}
_LEVELS = {Severity.INFO: "plain", Severity.WARNING: "warning", Severity.FAULT: "fault"}


class NoticeBar(QWidget):
    """The newest notice, gone after a while; a fault stays longest."""

    list_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kept: deque[tuple[Severity, str]] = deque(maxlen=_NUM_KEPT)
        self.text = parts.ElidedLabel("status")
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 4, 0)
        line.addWidget(self.text, 1)
        self.setFixedHeight(24)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click or press N for the list")
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(lambda: self.text.say(""))

    def add(self, severity: Severity, text: str) -> None:
        """Show a notice. A fault on screen is not covered by mere information."""
        self.kept.append((severity, text))
        covered = self._timer.isActive() and self.text.property("level") == "fault"
        if covered and severity is Severity.INFO:
            return
        self.text.say(text, _LEVELS[severity])
        self._timer.start(_SHOWN_MS[severity])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ask for the list."""
        self.list_requested.emit()


class NoticeList(QLabel):
    """The last notices over the lower part of the window; a click closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setMargin(18)
        self.setAlignment(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setStyleSheet(
            f"background: {theme.RAISED}; border: 1px solid {theme.LINE}; border-radius: 10px;"
        )
        self.hide()

    def toggle(self, kept: deque[tuple[Severity, str]]) -> None:
        """Open with these notices, or close."""
        if self.isVisible():
            self.hide()
            return
        lines = [
            f"<p style='margin:3px 0; color:{_COLOURS[severity]}'>{escape(text)}</p>"
            for severity, text in list(kept)[-_NUM_LISTED:]
        ]
        self.setText("".join(lines) or "Nothing happened yet")
        over = self.window().rect()
        height = min(over.height() // 2, 44 + 26 * max(len(lines), 1))
        self.setGeometry(QRect(16, over.height() - height - 4, over.width() - 32, height))
        self.raise_()
        self.show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close."""
        self.hide()
