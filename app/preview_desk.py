"""Prepare a look while another is on air, and take it.

The prompt of the preview is in standby with the engine: encoded, read, and shown as next.
Thread: Qt main.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.history import PreviewEdit
from app.engine_client import EngineClient
from engine.protocol import preview as bus
from engine.protocol.messages import EngineState, HardCut, QueuePrompt, SoftCut
from engine.protocol.preview import Preview
from engine.protocol.show import Preset
from engine.protocol.values import Cut, Guides


class PreviewDesk(QObject):
    """Owns the preview."""

    changed = Signal(Preview)
    edited = Signal(object)  # a PreviewEdit, to be undone

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._state: EngineState | None = None
        self.preview = Preview()
        client.state_arrived.connect(self._on_state)

    @property
    def is_open(self) -> bool:
        """Whether hands prepare."""
        return self.preview.is_open

    @property
    def prepared(self) -> str:
        """The preset in the open preview; empty for none."""
        return self.preview.name if self.is_open else ""

    def toggle(self) -> None:
        """Let hands prepare, or play."""
        if self.is_open:
            self.put(bus.closed(self.preview))
        else:
            self.put(bus.opened(self.preview, self._state))

    def load(self, preset: Preset) -> None:
        """Put a preset into the preview."""
        self._edit(f"preview of {preset.name}", bus.loaded(self.preview, preset.look()))

    def edit(self, parameter_id: str, value: float) -> None:
        """Move a row of the preview."""
        after = bus.edited(self.preview, parameter_id, value)
        self._edit(f"preview of {parameter_id}", after)

    def write(self, prompt: str) -> None:
        """Write the prompt of the preview."""
        self._edit("prompt of the preview", bus.written(self.preview, prompt.strip()))

    def steer(self, guides: Guides) -> None:
        """Choose the pictures that steer the preview."""
        self._edit("pictures of the preview", bus.steered(self.preview, guides))

    def take(self, cut: Cut, num_chunks: int, pre_roll_chunks: int = 0) -> None:
        """Cut to the preview; what was on air is in preview then."""
        if not self.preview.prompt:
            return
        look = bus.look_of(self.preview)
        if cut is Cut.HARD:
            self._client.send(HardCut(look=look, pre_roll_chunks=pre_roll_chunks))
        else:
            self._client.send(SoftCut(look=look, num_chunks=num_chunks))
        if self._state is not None:
            self.put(bus.on_air(self._state))

    def put(self, preview: Preview) -> None:
        """Take a preview as it was or will be, by undo or redo."""
        before, self.preview = self.preview, preview
        if preview.is_open and preview.prompt != before.prompt:
            self._client.send(QueuePrompt(text=preview.prompt))
        self.changed.emit(preview)

    def _edit(self, what: str, after: Preview) -> None:
        before = self.preview
        self.put(after)
        self.edited.emit(PreviewEdit(what, before, after))

    def _on_state(self, state: EngineState) -> None:
        self._state = state
