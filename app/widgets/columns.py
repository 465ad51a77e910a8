"""How panels are stacked."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.widgets.cut_panel import CutPanel

_LEAST_PX = 280
_BAR_PX = 8  # of the scroll bar, beside the panel and never over its border


def scrolling(panel: QWidget) -> QScrollArea:
    """Return a panel that scrolls where it is given less room than it needs."""
    inside = QWidget()
    stacked = column(panel)
    inside.setLayout(stacked)
    stacked.setContentsMargins(0, 0, _BAR_PX, 0)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    area.setMinimumWidth(_LEAST_PX)
    return area


def column(*widgets: QWidget) -> QVBoxLayout:
    """Return a column; the cut panel takes the room that is left, else it stays at the bottom."""
    stacked = QVBoxLayout()
    stacked.setSpacing(8)
    for widget in widgets:
        stacked.addWidget(widget, 1 if isinstance(widget, CutPanel) else 0)
    if not any(isinstance(widget, CutPanel) for widget in widgets):
        stacked.addStretch(1)
    return stacked
