"""FREEZE, BLACK and the dimmer: they live in playout and work with the generator dead."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from app.core.deck import SliderView
from app.widgets import parts
from app.widgets.parameter_slider import ParameterSlider
from engine.protocol.parameters import parameter

ROWS = ("freeze", "black", "dimmer")


class PanicRow(parts.Card):
    """Three rows of the parameter table that must never be far away."""

    value_edited = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self.body.setContentsMargins(12, 8, 12, 8)
        self.dimmer = ParameterSlider(parameter("dimmer"))
        self.dimmer.value_edited.connect(self.value_edited)
        self.switches = {
            "freeze": parts.button("panic", "FREEZE", "Hold the frame on air (F)", checkable=True),
            "black": parts.button("panic", "BLACK", "Send black (B)", checkable=True),
        }
        line = QHBoxLayout()
        line.setSpacing(8)
        for name, switch in self.switches.items():
            switch.clicked.connect(
                lambda is_on, row=name: self.value_edited.emit(row, float(is_on))
            )
            line.addWidget(switch, 1)
        self.body.addLayout(line)
        self.body.addWidget(self.dimmer)

    def show_views(self, views: Mapping[str, SliderView]) -> None:
        """Show the three rows."""
        self.dimmer.show_view(views["dimmer"])
        for name, switch in self.switches.items():
            switch.setChecked(views[name].target >= 0.5)
