"""The head-up display: figures in a row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from app.core.hud import Figure
from app.widgets import parts


class HudStrip(parts.Card):
    """Captions above, figures below; the tooltips say what they mean."""

    def __init__(self) -> None:
        super().__init__()
        self.body.setContentsMargins(16, 9, 16, 9)
        self._line = QHBoxLayout()
        self._line.setSpacing(8)
        self.body.addLayout(self._line)
        self.values: list[QLabel] = []
        self._captions: list[QLabel] = []

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these; the first call makes the labels."""
        while len(self.values) < len(figures):
            self._add()
        for figure, caption, value in zip(figures, self._captions, self.values, strict=True):
            caption.setText(figure.caption)
            value.setText(figure.value)
            value.setToolTip(figure.help)
            caption.setToolTip(figure.help)
            parts.set_level(value, figure.level.value)

    def _add(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(2)
        caption, value = parts.label("hudcaption"), parts.label("figure")
        for label in (caption, value):
            label.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            column.addWidget(label)
        if self.values:
            self._line.addStretch(1)
        self._line.addLayout(column)
        self._captions.append(caption)
        self.values.append(value)
