"""The preview panel, connected with the instrument. Thread: Qt main."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.core.preview import differences
from app.instrument import Instrument
from app.widgets.preview_panel import PreviewPanel
from engine.protocol.messages import EngineState
from engine.protocol.preview import PRE_ROLL_CHUNKS
from engine.protocol.values import Cut


class PreviewStage(QObject):
    """Makes the panel; the window only places it. `typed` takes what stands in the next field."""

    def __init__(self, instrument: Instrument, typed: Callable[[], str], window: QWidget) -> None:
        super().__init__(window)
        self._instrument = instrument
        self._typed = typed
        self._pictures: Mapping[str, QImage] = {}
        self.panel = PreviewPanel()
        self.panel.take_hard_requested.connect(lambda: self.take(Cut.HARD))
        self.panel.take_soft_requested.connect(lambda: self.take(Cut.SOFT))
        self.panel.pre_roll_requested.connect(lambda: self.take(Cut.HARD, PRE_ROLL_CHUNKS))
        self.panel.close_requested.connect(instrument.preview.toggle)

    def take(self, cut: Cut, pre_roll_chunks: int = 0) -> None:
        """Take the preview; nothing while it is closed."""
        if not self._instrument.preview.is_open:
            return
        if cut is Cut.HARD:
            self._instrument.cut_hard(self._typed(), pre_roll_chunks)
        else:
            self._instrument.cut_soft(self._typed())

    def show_pictures(self, pictures: Mapping[str, QImage]) -> None:
        """Take the pictures of the pads: one stands for what is prepared."""
        self._pictures = pictures

    def show_state(self, state: EngineState) -> None:
        """Draw what is prepared and what it would change."""
        preview = self._instrument.preview.preview
        picture = self._pictures.get(preview.name, QImage())
        lines = differences(preview, state) if preview.is_open else ()
        self.panel.show_preview(preview, picture, lines)
