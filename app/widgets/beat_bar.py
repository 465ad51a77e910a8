"""The beat: tempo, four dots, TAP, and what cuts wait for."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.beat_view import BeatView
from app.widgets import parts, theme
from engine.protocol.beat import BEATS_PER_BAR, QUANTA

_SHORT = {0.0: "Off", 1.0: "Beat", 4.0: "Bar", 8.0: "2", 16.0: "4"}
_DOT_PX = 9


class BeatBar(QWidget):
    """Sits between the cuts, which wait for it, and the panic row."""

    tapped = Signal()
    quantum_chosen = Signal(float)
    link_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.dots = BeatDots()
        self.words = parts.ElidedLabel("status")
        self.tap = parts.button("quiet", "TAP", "Tap the beat (X); Shift X: this is the one")
        self.tap.pressed.connect(self.tapped)  # when it goes down, not when it is let go
        self.link = parts.button("segment", "LINK", "Follow Ableton Link", checkable=True)
        self.link.clicked.connect(self.link_toggled)
        self.quanta: dict[float, QPushButton] = {}
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.dots, 1)
        first.addWidget(self.tap)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addLayout(first)
        whole.addLayout(self._quantum_line())
        last = QHBoxLayout()
        last.setSpacing(8)
        last.addWidget(self.words, 1)
        last.addWidget(self.link)
        whole.addLayout(last)
        self.show_view(BeatView())

    def _quantum_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        for beats, name in QUANTA:
            tip = f"Cuts wait for the {name} (Q)" if beats else "Cuts land at the next chunk (Q)"
            button = parts.button("segment", _SHORT[beats], tip, checkable=True)
            button.clicked.connect(lambda _, value=beats: self.quantum_chosen.emit(value))
            self.quanta[beats] = button
            line.addWidget(button, 1)
        return line

    def show_view(self, view: BeatView) -> None:
        """Draw this moment."""
        self.dots.show_view(view)
        for beats, button in self.quanta.items():
            button.setChecked(beats == view.quantum_beats)
        self.link.setVisible(bool(view.link))
        self.link.setChecked(view.link not in ("", "off"))
        self.link.setToolTip(f"Follow the beat of Ableton Link on this network: {view.link}")
        self.words.say(view.words, "warning" if view.is_waiting else "plain")


class BeatDots(QWidget):
    """Tempo, where it comes from, and a dot a beat of the bar."""

    def __init__(self) -> None:
        super().__init__()
        self.view = BeatView()
        self.setFixedHeight(38)

    def show_view(self, view: BeatView) -> None:
        """Draw this."""
        if view != self.view:
            self.view = view
            self.setToolTip(f"The beat is that of: {view.source}" if view.is_known else "No tempo")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tempo above, source below, dots on the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view, left = self.view, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        dots_px = BEATS_PER_BAR * (_DOT_PX + 5)
        painter.setFont(theme.font(18, QFont.Weight.DemiBold))
        painter.setPen(theme.colour(theme.TEXT if view.is_known else theme.FAINT))
        painter.drawText(QRectF(0, 0, self.width() - dots_px, 22), left, f"{view.bpm} BPM")
        painter.setFont(theme.font(12))
        painter.setPen(theme.colour(theme.DIM if view.is_known else theme.PENDING))
        text = painter.fontMetrics().elidedText(
            view.source, Qt.TextElideMode.ElideRight, self.width()
        )
        painter.drawText(QRectF(0, 22, self.width(), 16), left, text)
        painter.setPen(Qt.PenStyle.NoPen)
        for number in range(BEATS_PER_BAR):
            self._paint_dot(painter, number, self.width() - dots_px + number * (_DOT_PX + 5))

    def _paint_dot(self, painter: QPainter, number: int, x: float) -> None:
        painter.setBrush(theme.colour(theme.RAISED))
        box = QRectF(x, 7, _DOT_PX, _DOT_PX)
        painter.drawEllipse(box)
        if number == self.view.place:
            painter.setBrush(theme.colour(theme.LIVE, 0.3 + 0.7 * self.view.glow))
            painter.drawEllipse(box)
