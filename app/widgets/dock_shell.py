"""What every panel lies in: it says how small and large a panel can be, and when it comes and goes.

A panel may close itself, or be told to open, as if it stood alone: the area hears of it here.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.dividing import ENDLESS_PX
from app.core.dock_places import Limits
from app.core.panels import PANELS, Panel


class DockShell(QWidget):
    """One panel; `content` is the panel's own widget."""

    opened = Signal(str)
    closed = Signal(str)
    woke = Signal()  # or fell asleep: a panel that comes and goes by itself

    def __init__(self, name: str, content: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.content = content
        self._row: Panel = PANELS[name]
        self._is_placing = False
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(content)
        content.installEventFilter(self)

    @property
    def is_awake(self) -> bool:
        """Whether the panel has something to show; only some ever have not."""
        return not (self._row.is_willed and self.content.isHidden())

    def limits(self) -> Limits:
        """Return how small and how large the panel can be, in pixels."""
        content = self.content
        least = content.minimumSizeHint().expandedTo(content.minimumSize())
        most = content.maximumSize()
        low, high = least.height(), most.height()
        if self._row.keeps_height:
            low = high = min(max(content.sizeHint().height(), low), high)
        elif not self._row.is_fixed:
            low = min(low, self._row.height_px)
        return Limits(
            min(least.width(), most.width(), self._row.width_px),
            min(low, high),
            min(most.width(), ENDLESS_PX),
            min(high, ENDLESS_PX),
        )

    def set_seen(self, is_seen: bool) -> None:
        """Show or hide the panel, without hearing an intent of its own in that."""
        if is_seen == (not self.isHidden()) == (not self.content.isHidden()):
            return
        self._is_placing = True
        if not self._row.is_willed:
            self.content.setVisible(is_seen)
        self.setVisible(is_seen)
        self._is_placing = False

    def move_to(self, parent: QWidget) -> None:
        """Go into another window, or back."""
        self._is_placing = True
        self.setParent(parent)
        self._is_placing = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear the panel open and close itself."""
        kinds = (QEvent.Type.ShowToParent, QEvent.Type.HideToParent)
        if watched is self.content and event.type() in kinds and not self._is_placing:
            if self._row.is_willed:
                self.woke.emit()
            elif event.type() is QEvent.Type.ShowToParent:
                self.opened.emit(self._row.name)
            else:
                self.closed.emit(self._row.name)
        return super().eventFilter(watched, event)
