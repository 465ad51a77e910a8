"""HARD CUT, SOFT CUT with its length, CANCEL."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.deck import RingView
from app.widgets import parts
from app.widgets.chunk_ring import ChunkRing
from engine.protocol.values import Cut

_BIG_PX = 60


class BigButton(parts.Button):
    """Large where there is room, lower where the screen is."""

    def __init__(self, name: str, text: str, tip: str) -> None:
        super().__init__(text)
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(_BIG_PX)

    def sizeHint(self) -> QSize:
        """As it likes to be."""
        return QSize(super().sizeHint().width(), _BIG_PX)


class CutPanel(QWidget):
    """The chunk ring and what is done to it."""

    hard_requested = Signal()
    soft_requested = Signal()
    cancel_requested = Signal()
    length_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ring = ChunkRing()
        self.hard = BigButton("hard", "HARD CUT", "New picture from the next chunk (Space)")
        self.soft = BigButton("soft", "SOFT CUT", "Flow into what is next (Shift Space)")
        self.cancel = parts.button("quiet", "Cancel", "Take back a cut that waits or flows (Esc)")
        self._length = 4
        self._length_label = parts.label("length")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.ring, 1)
        layout.addWidget(self.hard)
        layout.addWidget(self.soft)
        layout.addLayout(self._length_line())
        self.hard.clicked.connect(self.hard_requested)
        self.soft.clicked.connect(self.soft_requested)
        self.cancel.clicked.connect(self.cancel_requested)
        self.show_length(self._length)

    def _length_line(self) -> QHBoxLayout:
        shorter = parts.button("step", "−", "Shorter soft cut ([)")
        longer = parts.button("step", "+", "Longer soft cut (])")
        shorter.clicked.connect(lambda: self.length_changed.emit(self._length - 1))
        longer.clicked.connect(lambda: self.length_changed.emit(self._length + 1))
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(shorter)
        line.addWidget(self._length_label)
        line.addWidget(longer)
        line.addStretch(1)
        line.addWidget(self.cancel)
        return line

    def show_length(self, num_chunks: int) -> None:
        """Show the length of the next soft cut."""
        self._length = num_chunks
        self._length_label.setText(f"{num_chunks} chunk{'s' * (num_chunks > 1)}")

    def show_view(self, view: RingView) -> None:
        """Turn the ring; CANCEL lives only when there is something to cancel."""
        self.ring.show_view(view)
        self.cancel.setEnabled(view.pending is not Cut.NONE or view.soft_chunks > 0)
