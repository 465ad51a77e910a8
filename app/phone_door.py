"""Lets phones of the network play, or shuts them out, and says where their page is.

Thread: Qt main.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.engine_client import EngineClient
from engine.protocol.messages import CommandAccepted, EngineState, OpenPage
from engine.protocol.values import Severity


class PhoneDoor(QObject):
    """The engine keeps the door; this knows whether it is open."""

    noticed = Signal(Severity, str)

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._is_open = False
        self._asked = -1
        client.state_arrived.connect(self._on_state)
        client.command_accepted.connect(self._on_accepted)

    def toggle(self) -> None:
        """Open the door, or close it."""
        self._asked = self._client.send(OpenPage(is_open=not self._is_open))

    def _on_state(self, state: EngineState) -> None:
        self._is_open = bool(state.remote.page_at)

    def _on_accepted(self, answer: CommandAccepted) -> None:
        if answer.command_id == self._asked:
            effect = answer.effect
            self.noticed.emit(Severity.INFO, f"{effect[:1].upper()}{effect[1:]}")
