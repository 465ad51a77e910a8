"""All parameters, made from the table: a new row there is a new slider here."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal

from app.core.deck import SliderView
from app.widgets import parts
from app.widgets.choice_bar import ChoiceBar
from app.widgets.panic_row import ROWS as PANIC_ROWS
from app.widgets.parameter_slider import ParameterSlider
from engine.protocol.parameters import PARAMETERS, Kind, Parameter


class ParameterPanel(parts.Card):
    """Sliders and segmented buttons in the order of the table."""

    value_edited = Signal(str, float)

    def __init__(self) -> None:
        super().__init__("PARAMETERS")
        self.rows: dict[str, ParameterSlider | ChoiceBar] = {}
        for row in PARAMETERS.values():
            if row.id not in PANIC_ROWS:
                self._add(row)
        self.setFocusProxy(next(iter(self.rows.values())))  # the keys go to the first row

    def _add(self, row: Parameter) -> None:
        widget = ChoiceBar(row) if row.kind is Kind.CHOICE else ParameterSlider(row)
        widget.value_edited.connect(self.value_edited)
        self.rows[row.id] = widget
        self.body.addWidget(widget)

    def show_views(self, views: Mapping[str, SliderView]) -> None:
        """Show live and target value of every row."""
        for parameter_id, widget in self.rows.items():
            widget.show_view(views[parameter_id])
