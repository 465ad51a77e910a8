"""How the window stacks its panels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.widgets.cut_panel import CutPanel

PANEL_PX = 352


def scrolling(*widgets: QWidget) -> QScrollArea:
    """Return a column that scrolls on a small screen, so that nothing is squeezed."""
    inside = QWidget()
    stacked = column(*widgets)
    stacked.setContentsMargins(0, 0, 0, 0)
    inside.setLayout(stacked)
    inside.setFixedWidth(PANEL_PX)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    area.setFixedWidth(PANEL_PX)
    return area


def column(*widgets: QWidget) -> QVBoxLayout:
    """Return a column; the cut panel takes the room that is left, else it stays at the bottom."""
    stacked = QVBoxLayout()
    stacked.setSpacing(12)
    for widget in widgets:
        stacked.addWidget(widget, 1 if isinstance(widget, CutPanel) else 0)
    if not any(isinstance(widget, CutPanel) for widget in widgets):
        stacked.addStretch(1)
    return stacked
