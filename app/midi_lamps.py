"""The lights of all devices: what changed is sent, what blinks blinks on the beat.

In:     what the desk knows of bindings, show and engine.
Out:    `SendMidi` commands, twenty times a second at most, only differences.
Thread: Qt main.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.core.midi_events import SendMidi
from app.core.midi_lights import LightBoard, Lights, Messages, shown_on
from app.core.midi_surface import active
from app.core.midi_tally import Stage, shown_of
from app.devices.midi import MidiInput
from engine.protocol.show import Show

if TYPE_CHECKING:
    from app.midi_desk import MidiDesk

_REFRESH_MS = 50
_BLINK_S = 0.5  # without a beat
_ALL_OFF = tuple(
    bytes([0xB0 | channel, number, 0]) for channel in range(16) for number in (120, 123)
)


class Lamps(QObject):
    """One board a lit device."""

    def __init__(self, desk: MidiDesk) -> None:
        super().__init__(desk)
        self.is_stale = True
        self.num_sent = 0
        self._desk = desk
        self._input: MidiInput | None = None
        self._boards: dict[str, LightBoard] = {}
        self._listening: tuple[str, ...] = ()  # devices that have an output, lights or not
        self._was_blink_on = False
        self._refresh = QTimer(self, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._on_refresh)

    def attach(self, midi: MidiInput) -> None:
        """Send through this."""
        self._input = midi

    def follow(self, lit: Mapping[str, Lights]) -> None:
        """Light these devices: one that has just come is told everything, first its mode."""
        self._listening = tuple(lit)
        came = [port for port, lights in lit.items() if port not in self._boards and lights.rows]
        self._boards = {
            port: self._board(port, lights) for port, lights in lit.items() if lights.rows
        }
        for port in came:
            self._send(port, self._boards[port].begin())
        self.is_stale = True
        if self._boards:
            self._refresh.start()
        else:
            self._refresh.stop()

    def _board(self, port: str, lights: Lights) -> LightBoard:
        """The board goes on, unless its map has other lights now."""
        board = self._boards.get(port)
        return board if board is not None and board.lights == lights else LightBoard(lights=lights)

    def panic(self) -> None:
        """All notes off, all lights off; at the next refresh they are set anew."""
        for port in self._listening:
            self._send(port, _ALL_OFF)
        for port, board in self._boards.items():
            self._send(port, _dark(board))
            self._boards[port] = replace(board, told={})
        self.is_stale = True

    def leave(self) -> None:
        """Turn all lights off and give the devices their own modes back."""
        self._refresh.stop()
        for port, board in self._boards.items():
            self._send(port, board.lights.all_dark())
        self._boards = {}

    def _on_refresh(self) -> None:
        is_on = self._is_blink_on()
        if not self.is_stale and is_on == self._was_blink_on:
            return
        self.is_stale, self._was_blink_on = False, is_on
        stage = self._stage()
        for port, board in self._boards.items():
            mapping = self._desk.mapping
            own = [b for b in mapping.bindings if b.port in ("", port)]
            bindings = active(own, mapping.surface, port)
            shown = shown_on(bindings, {b: shown_of(b, stage) for b in bindings})
            self._boards[port], messages = board.show(shown, is_on)
            self._send(port, messages)

    def _stage(self) -> Stage:
        hands = self._desk.hands
        show: Show = hands.show
        return Stage(
            show=show, state=hands.state, values=hands.values(), surface=self._desk.mapping.surface
        )

    def _is_blink_on(self) -> bool:
        now_s, beat = time.monotonic(), self._desk.beat
        return beat.phase_at(now_s) < 0.5 if beat.is_known else now_s % _BLINK_S < _BLINK_S / 2

    def _send(self, port: str, messages: Messages) -> None:
        if messages and self._input is not None:
            self.num_sent += len(messages)
            self._input.send(SendMidi(port=port, messages=messages))


def _dark(board: LightBoard) -> Messages:
    return replace(board.lights, end=()).all_dark()
