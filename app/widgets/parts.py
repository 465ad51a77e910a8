"""Small parts that several widgets are made of."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget


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
    policy = QSizePolicy.Policy.Ignored if name == "status" else QSizePolicy.Policy.Preferred
    result.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
    return result


class Card(QWidget):
    """A raised surface with a caption, and beside it a line that says how things are."""

    def __init__(self, caption: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status = label("status")
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

    def say(self, text: str, level: str = "plain", tip: str = "") -> None:
        """Say how things are; what does not fit is in the tooltip."""
        set_level(self.status, level)
        self.status.setText(elided(self.status, text))
        self.status.setToolTip(tip or text)


def button(name: str, text: str, tip: str = "", checkable: bool = False) -> QPushButton:
    """Return a button of a named style; Tab reaches it, a click leaves the focus where it was."""
    result = QPushButton(text)
    result.setObjectName(name)
    result.setToolTip(tip)
    result.setCheckable(checkable)
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return result


def elided(shown_in: QLabel, text: str) -> str:
    """Return `text` with its middle left out where it is too wide; the tooltip has it all."""
    width = max(shown_in.width() - 4, 60)
    return shown_in.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)
