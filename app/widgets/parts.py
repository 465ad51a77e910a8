"""Small parts that several widgets are made of."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)


def repolish(widget: QWidget) -> None:
    """Apply the style sheet again after a property changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def set_level(widget: QWidget, level: str) -> None:
    """Colour a widget by its level: plain, good, warning, fault."""
    if widget.property("level") != level:
        widget.setProperty("level", level)
        repolish(widget)


def label(name: str, text: str = "") -> QLabel:
    """Return a label of a named style; it never pushes its neighbours away."""
    result = QLabel(text)
    result.setObjectName(name)
    result.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return result


class Button(QPushButton):
    """A button that Enter presses: Space belongs to the hard cut."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class Line(QLineEdit):
    """A line of text that Escape leaves, giving the keys back to the instrument."""

    def event(self, event: QEvent) -> bool:
        """Keep Escape from being a shortcut while we have the focus."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.KeyPress:
                self.clearFocus()
            event.accept()
            return True
        return super().event(event)


class ElidedLabel(QLabel):
    """A label that leaves out the middle of what does not fit; the tooltip has it all."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._full = ""

    def say(self, text: str, level: str = "plain", tip: str = "") -> None:
        """Show a text in the colour of its level."""
        set_level(self, level)
        self.setToolTip(tip or text)
        self._full = text
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew."""
        self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        self.setText(metrics.elidedText(self._full, Qt.TextElideMode.ElideMiddle, self.width()))


class Card(QWidget):
    """A raised surface with a caption, and beside it a line that says how things are."""

    def __init__(self, caption: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status = ElidedLabel("status")
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(15, 11, 15, 12)
        self.body.setSpacing(7)
        if caption:
            line = QHBoxLayout()
            line.setSpacing(12)
            line.addWidget(label("caption", caption))
            line.addWidget(self.status, 1)
            self.status.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.body.addLayout(line)


def button(name: str, text: str, tip: str = "", checkable: bool = False) -> QPushButton:
    """Return a button of a named style; Tab reaches it, a click leaves the focus where it was."""
    result = Button(text)
    result.setObjectName(name)
    result.setToolTip(tip)
    result.setCheckable(checkable)
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return result
