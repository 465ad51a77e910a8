"""Which widget of the window is which panel. The table of panels is `app.core.panels`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.core.panels import CUTS_PX
from app.widgets.columns import column, scrolling

if TYPE_CHECKING:  # the window imports us
    from app.main_window import MainWindow

_MAX_CUTS_PX = 420


def panels_of(window: MainWindow) -> dict[str, QWidget]:
    """Return every panel by its name."""
    return {
        "monitor": window.monitor,
        "cuts": _cuts(window),
        "prompt": window.prompt,
        "preview": window.preview.panel,
        "cues": window.cues.strip,
        "pads": window.pads,
        "figures": window.hud,
        "sliders": scrolling(window.parameters),
        "waves": scrolling(window.beat.modulators),
        "source": scrolling(window.source),
        "pictures": scrolling(window.guides),
        "output": scrolling(window.output),
        "cue_list": window.cues.editor,
        "controllers": window.midi.panel,
        "models": window.models,
    }


def _cuts(window: MainWindow) -> QWidget:
    """The cuts with the beat that they wait for and the panic row: one panel, never far away."""
    whole = QWidget()
    beside = column(window.cuts, window.beat.bar, window.panic)
    beside.setContentsMargins(0, 0, 0, 0)
    whole.setLayout(beside)
    whole.setMinimumWidth(CUTS_PX)
    whole.setMaximumWidth(_MAX_CUTS_PX)
    return whole
