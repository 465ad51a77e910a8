"""How the window stacks its panels."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.widgets.cut_panel import CutPanel

PANEL_PX = 368
_CUTS_PX = 256
_MAX_SIDE_PX = 720
_GRIP_PX = 12
_BAR_PX = 8  # of the scroll bar, beside the panels and never over their border


class Columns(QSplitter):
    """Monitor, cuts, sliders. The grip left of the sliders gives them more room, or less."""

    side_moved = Signal()

    def __init__(self, stage: QWidget, cuts: QWidget, side: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setHandleWidth(_GRIP_PX)
        self.setChildrenCollapsible(False)
        cuts.setFixedWidth(_CUTS_PX)
        side.setMaximumWidth(_MAX_SIDE_PX)
        for column in (stage, cuts, side):
            self.addWidget(column)
        self.setStretchFactor(0, 1)
        self.handle(1).setEnabled(False)  # the cuts keep their width
        self.handle(2).setToolTip("Drag: wider sliders, or a larger monitor")
        self.splitterMoved.connect(lambda: self.side_moved.emit())
        self.reset()

    def reset(self) -> None:
        """The widths of the first start."""
        self.setSizes([100_000, _CUTS_PX, PANEL_PX])  # the first takes what there is
        self.side_moved.emit()

    def state(self) -> str:
        """Return the widths as text, for the journal."""
        return bytes(self.saveState().toBase64().data()).decode("ascii")

    def restore(self, state: str) -> None:
        """Take widths that `state` returned; any other text leaves them as they are."""
        if self.restoreState(QByteArray.fromBase64(state.encode())):
            self.side_moved.emit()


def scrolling(*widgets: QWidget) -> QScrollArea:
    """Return a column that scrolls on a small screen, so that nothing is squeezed."""
    inside = QWidget()
    stacked = column(*widgets)
    inside.setLayout(stacked)
    inside.setMinimumWidth(PANEL_PX - 2 * _BAR_PX)
    stacked.setContentsMargins(0, 0, _BAR_PX, 0)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    area.setMinimumWidth(PANEL_PX)
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
