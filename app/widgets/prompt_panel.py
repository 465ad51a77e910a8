"""NOW: the prompt on air. NEXT: what a cut goes to, with what the model understood of it."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy

from app.core.deck import words
from app.widgets import parts, theme
from engine.protocol.orders import PromptRead

_READING_PX = 20  # one line, whatever it says: the window below must not jump


class PromptField(parts.Line):
    """What comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("next")
        self.setMaxLength(2000)
        self.setPlaceholderText("Write what comes next, press Enter to queue it")
        self.setToolTip("Enter reads and queues it, a cut goes to it, Escape leaves (/ comes here)")


class PromptPanel(parts.Card):
    """Two lines: now, next."""

    prompt_queued = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.now = parts.label("big")
        self.now.setTextFormat(Qt.TextFormat.RichText)
        self.now.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.now.setMinimumHeight(30)
        self.blend = parts.label("row")
        self.field = PromptField()
        self.reading = parts.label("status")
        self.reading.setTextFormat(Qt.TextFormat.RichText)
        self.reading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reading.setFixedHeight(_READING_PX)
        self._queued = ""
        self._taken = ""
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(_caption("NOW"), 0, 0)
        grid.addWidget(self.now, 0, 1)
        grid.addWidget(self.blend, 0, 2)
        grid.addWidget(_caption("NEXT"), 1, 0)
        grid.addWidget(self.field, 1, 1, 1, 2)
        grid.addWidget(self.reading, 2, 1, 1, 2)
        self.body.addLayout(grid)
        self.field.returnPressed.connect(self._on_return_pressed)
        self.field.textEdited.connect(self._on_text_edited)
        self.show_reading("", None)

    def show_now(self, text: str, read: PromptRead | None, blend: str) -> None:
        """Show the prompt on air."""
        if text and text == self._taken:
            self._forget_taken()
        right = Qt.TextElideMode.ElideRight
        fitting = self.now.fontMetrics().elidedText(text, right, self.now.width())
        shown = _in_html(fitting, read) if text else f"<span style='color:{theme.FAINT}'>–</span>"
        if self.now.text() != shown:
            self.now.setText(shown)
            self.now.setToolTip(text)
        self.blend.setText(blend)

    def show_queued(self, text: str) -> None:
        """Show what the engine has in standby, unless the performer is writing."""
        if text != self._queued:
            self._queued = text
            if not self.field.hasFocus():
                self.field.setText(text)
        self._mark()

    def show_reading(self, text: str, read: PromptRead | None) -> None:
        """Show which words of the queued prompt were understood."""
        is_edited = bool(self.field.property("edited"))
        if is_edited:
            shown = "Enter reads and queues it · Escape leaves the field"
        elif not text:
            shown = "Enter queues · Space cuts hard · Shift Space flows"
        elif read is None:
            shown = "Reading …"
        else:
            shown = _reading_in_html(read)
        if self.reading.text() != shown:
            self.reading.setText(shown)
            known = read if not is_edited else None
            self.reading.setToolTip(_reading_in_lines(known) if known is not None else "")

    def take(self) -> str:
        """Return what stands in the next field; it leaves the field when it is on air."""
        self._taken = self.text()
        return self._taken

    def _forget_taken(self) -> None:
        if self.text() == self._taken != self._queued and not self.field.hasFocus():
            self.field.clear()
        self._taken = ""

    def text(self) -> str:
        """Return what stands in the next field."""
        return self.field.text().strip()

    def _on_return_pressed(self) -> None:
        self.prompt_queued.emit(self.text())
        self.field.clearFocus()

    def _on_text_edited(self, _text: str) -> None:
        self._mark()

    def _mark(self) -> None:
        edited = self.text() != self._queued
        if self.field.property("edited") != edited:
            self.field.setProperty("edited", edited)
            parts.repolish(self.field)


def _caption(text: str) -> QLabel:
    caption = parts.label("caption", text)
    caption.setMinimumWidth(42)
    return caption


def _reading_in_html(read: PromptRead) -> str:
    """Return what was not understood (struck), had no room (dimmed) and was understood.

    In this order, because a long line is cut off at its end.
    """
    parts_shown = []
    unknown = [word for word in read.unknown if word not in read.left_out]
    if unknown:
        struck = " ".join(f"<s>{escape(word)}</s>" for word in unknown)
        parts_shown.append(f"<span style='color:{theme.PENDING}'>Not: {struck}</span>")
    if read.left_out:
        left_out = escape(" · ".join(read.left_out))
        parts_shown.append(f"<span style='color:{theme.FAINT}'>No room: {left_out}</span>")
    parts_shown.append(f"Understood: {escape(' · '.join(read.understood)) or '–'}")
    return " &nbsp;".join(parts_shown)


def _reading_in_lines(read: PromptRead) -> str:
    """Return the reading for a tool tip, where a long one has room."""
    unknown = [word for word in read.unknown if word not in read.left_out]
    lines = [
        *read.understood,
        *(f"{word}: no room" for word in read.left_out),
        *(f"{word}: not understood" for word in unknown),
    ]
    return "\n".join(lines)


def _in_html(text: str, read: PromptRead | None) -> str:
    pieces = []
    for piece, is_understood in words(text, read):
        shown = escape(piece)
        if not is_understood:
            shown = f"<span style='color:{theme.PENDING}; text-decoration:underline'>{shown}</span>"
        pieces.append(shown)
    return "".join(pieces)
