"""The beat in the window: its bar, taps and nudges, MIDI clock for the host; modulators, sound.

Thread: Qt main.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core import beat_keep
from app.core.beat_view import BeatView, beat_view, next_quantum
from app.core.modulator_form import FIRST, changed, without
from app.engine_client import EngineClient, LinkStatus
from app.instrument import Instrument
from app.widgets.beat_bar import BeatBar
from app.widgets.modulator_panel import ModulatorPanel
from engine.protocol.beat import NUDGE_BEATS, BeatClock, BeatState
from engine.protocol.beat_commands import (
    AlignBar,
    HearBeat,
    JoinLink,
    ListenTo,
    NudgeBeat,
    SetQuantum,
    TapBeat,
)
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.messages import EngineState
from engine.protocol.modulators import Modulator, modulator_text
from engine.protocol.show import Show
from engine.protocol.values import Severity


class BeatStage(QObject):
    """Makes the bar; the window only places it."""

    def __init__(self, client: EngineClient, instrument: Instrument, window: QWidget) -> None:
        super().__init__(window)
        self._client = client
        self._instrument = instrument
        self._seen: EngineState | None = None  # the newest state
        self._told: BeatSettings | None = None  # to the engine, of the show; None: nothing yet
        self.bar = BeatBar()
        self.modulators = ModulatorPanel()
        self.bar.tapped.connect(self.tap)
        self.bar.link_toggled.connect(lambda on: client.send(JoinLink(is_joined=on)))
        self.bar.quantum_chosen.connect(self.set_quantum)
        instrument.midi.beat_changed.connect(self._on_beat_heard)
        client.state_arrived.connect(self._on_state_arrived)
        self._connect_modulators()

    def _connect_modulators(self) -> None:
        panel, desk = self.modulators, self._instrument.desk
        panel.sound_chosen.connect(lambda device: self._client.send(ListenTo(device=device)))
        panel.add_requested.connect(self.add_modulator)
        panel.changed.connect(self._on_modulator_changed)
        panel.remove_requested.connect(self._on_modulator_removed)
        desk.show_opened.connect(self._on_show_changed)
        desk.cues_changed.connect(self._on_show_changed)
        panel.show_modulators(desk.show.modulators)

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

    def add_modulator(self) -> None:
        """Let one more wave move a parameter."""
        desk = self._instrument.desk
        desk.set_modulators("a new modulator", (*desk.show.modulators, FIRST))

    def _on_modulator_changed(self, index: int, one: Modulator) -> None:
        desk = self._instrument.desk
        after = changed(desk.show.modulators, index, one)
        desk.set_modulators(f"modulator {index + 1}", after)

    def _on_modulator_removed(self, index: int) -> None:
        desk = self._instrument.desk
        text = modulator_text(desk.show.modulators[index])
        desk.set_modulators(f"removing {text}", without(desk.show.modulators, index))

    def _on_show_changed(self, show: Show) -> None:
        self.modulators.show_modulators(show.modulators)
        if show.beat != self._told and self._seen is not None and self._client.is_connected:
            self._tell(self._seen)

    # ------------------------------------------------------------ what the show keeps

    def _tell(self, state: EngineState) -> None:
        """Bring the engine to what the show says."""
        self._told = self._instrument.show.beat
        for command in beat_keep.to_set(state.beat, self._told):
            self._client.send(command)

    def _on_engine_found(self, state: EngineState) -> None:
        """One that plays our show goes on as it does, whatever the file says."""
        desk = self._instrument.desk
        for text in beat_keep.missing(desk.show.beat, state.beat):
            self._instrument.noticed.emit(Severity.WARNING, text)
        if state.cues.list_name != desk.show.name:
            self._tell(state)
            return
        self._told = beat_keep.as_found(desk.show.beat, state.beat)
        desk.revise(replace(desk.show, beat=self._told))

    def _on_engine_changed(self, before: EngineState, now: EngineState) -> None:
        """Somebody may have set something: this window, a phone, a controller."""
        desk = self._instrument.desk
        was, is_now = beat_keep.as_changed(desk.show.beat, before.beat, now.beat)
        if was != is_now:
            self._told = is_now
            desk.set_beat(beat_keep.change_text(was, is_now), was, is_now)

    def draw(self) -> None:
        """Draw this moment; nothing that is shown may be stale."""
        state = self._instrument.state
        is_live = state is not None and self._client.link.status is LinkStatus.LIVE
        view = beat_view(state, time.monotonic()) if state and is_live else BeatView()
        self.bar.show_view(view)
        beat = state.beat if state and is_live else BeatState()
        self.modulators.sound.show_sound(beat)

    def _on_state_arrived(self, state: EngineState) -> None:
        """An engine that was started again gets what a hand had set."""
        before, self._seen = self._seen, state
        if before is not None and before.pid != state.pid:
            for command in beat_keep.to_repeat(before.beat, state.beat):
                self._client.send(command)
        elif before is None or self._told is None:
            self._on_engine_found(state)
        else:
            self._on_engine_changed(before, state)

    def _on_beat_heard(self, clock: BeatClock) -> None:
        if self._client.is_connected:
            self._client.send(HearBeat(clock=clock))
