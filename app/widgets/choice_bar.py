"""One row of the parameter table as segmented buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QWidget

from app.core.deck import SliderView
from app.widgets import parts
from app.widgets.parameter_slider import tool_tip
from engine.protocol.parameters import Parameter

_MAX_IN_LINE = 3


class ChoiceBar(QWidget):
    """Teal is live, amber waits for the boundary."""

    value_edited = Signal(str, float)

    def __init__(self, row: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = row
        self._buttons: list[QPushButton] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 4)
        layout.setSpacing(12)
        layout.addWidget(parts.label("row", row.label))
        layout.addLayout(self._segments(), 1)
        self.setToolTip(tool_tip(row))

    def _segments(self) -> QGridLayout:
        lines = QGridLayout()
        lines.setSpacing(6)
        for index, name in enumerate(self.row.choices):
            button = parts.button("segment", name.capitalize(), checkable=True)
            button.clicked.connect(lambda _, value=index: self._on_clicked(value))
            self._buttons.append(button)
            lines.addWidget(button, *divmod(index, _MAX_IN_LINE))
        return lines

    def show_view(self, view: SliderView) -> None:
        """Check the target; amber while it waits."""
        for index, button in enumerate(self._buttons):
            button.setChecked(index == int(view.target))
            if button.property("pending") != view.is_pending:
                button.setProperty("pending", view.is_pending)
                parts.repolish(button)

    def _on_clicked(self, value: int) -> None:
        self.value_edited.emit(self.row.id, float(value))
