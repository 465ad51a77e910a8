"""One offer over the top of the window, not modal: the instrument plays on beneath it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets import parts, theme

_WIDTH_PX = 860
_HEIGHT_PX = 52
_TOP_PX = 58


class OfferBar(QWidget):
    """A question, RECOVER and LEAVE IT. It stays until it is answered."""

    accepted = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setObjectName("offer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(
            f"QWidget#offer {{ background: {theme.RAISED}; border: 1px solid {theme.PENDING};"
            " border-radius: 10px; }"
        )
        self.text = parts.ElidedLabel("row")
        self.yes = parts.button("quiet", "RECOVER", "As it was (Ctrl Shift R)")
        self.no = parts.button("quiet", "LEAVE IT", "Go on without; its journal is kept")
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 6, 10, 6)
        line.setSpacing(8)
        line.addWidget(self.text, 1)
        line.addWidget(self.yes)
        line.addWidget(self.no)
        self.yes.clicked.connect(self.accept)
        self.no.clicked.connect(self._on_dismissed)
        self.hide()

    def say(self, text: str) -> None:
        """Ask."""
        self.text.say(text)
        self.place()
        self.raise_()
        self.show()

    def place(self) -> None:
        """Keep to the middle of the window."""
        width = min(_WIDTH_PX, self._over.width() - 32)
        self.setGeometry((self._over.width() - width) // 2, _TOP_PX, width, _HEIGHT_PX)

    def accept(self) -> None:
        """Answer yes; nothing while nothing is asked."""
        if self.isVisible():
            self.hide()
            self.accepted.emit()

    def _on_dismissed(self) -> None:
        self.hide()
        self.dismissed.emit()
