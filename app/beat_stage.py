"""The beat in the window: its bar, taps and nudges of the hand, MIDI clock for the host.

Thread: Qt main.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.beat_view import NUDGE_BEATS, BeatView, beat_view, next_quantum
from app.engine_client import EngineClient, LinkStatus
from app.instrument import Instrument
from app.widgets.beat_bar import BeatBar
from engine.protocol.beat import BeatClock
from engine.protocol.messages import AlignBar, HearBeat, NudgeBeat, SetQuantum, TapBeat


class BeatStage(QObject):
    """Makes the bar; the window only places it."""

    def __init__(self, client: EngineClient, instrument: Instrument, window: QWidget) -> None:
        super().__init__(window)
        self._client = client
        self._instrument = instrument
        self.bar = BeatBar()
        self.bar.tapped.connect(self.tap)
        self.bar.quantum_chosen.connect(self.set_quantum)
        instrument.midi.beat_changed.connect(self._on_beat_heard)

    def actions(self) -> dict[str, Callable[[], object]]:
        """Return what keys and controllers do here."""
        return {
            "tap": self.tap,
            "downbeat": lambda: self._client.send(AlignBar()),
            "quantum": self.step_quantum,
            "beat_earlier": lambda: self._client.send(NudgeBeat(by_beats=NUDGE_BEATS)),
            "beat_later": lambda: self._client.send(NudgeBeat(by_beats=-NUDGE_BEATS)),
        }

    def targets(self) -> dict[str, QWidget]:
        """Return what MIDI can drive, and the widget that stands for it."""
        off = next(iter(self.bar.quanta.values()))
        return {"action:tap": self.bar.tap, "action:quantum": off, "action:downbeat": self.bar.dots}

    def tap(self) -> None:
        """The hand says: now is a beat."""
        self._client.send(TapBeat(at_s=time.monotonic()))

    def set_quantum(self, quantum_beats: float) -> None:
        """Choose what cuts wait for."""
        self._client.send(SetQuantum(quantum_beats=quantum_beats))

    def step_quantum(self) -> None:
        """Let cuts wait for the next longer, off after the longest."""
        state = self._instrument.state
        if state is not None:
            self.set_quantum(next_quantum(state.beat.quantum_beats))

    def draw(self) -> None:
        """Draw this moment; nothing that is shown may be stale."""
        state = self._instrument.state
        is_live = state is not None and self._client.link.status is LinkStatus.LIVE
        view = beat_view(state, time.monotonic()) if state and is_live else BeatView()
        self.bar.show_view(view)

    def _on_beat_heard(self, clock: BeatClock) -> None:
        if self._client.is_connected:
            self._client.send(HearBeat(clock=clock))
