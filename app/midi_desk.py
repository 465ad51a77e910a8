"""MIDI between the devices and the performer's hands: reads, learns, keeps maps, lights the lights.

All deciding is in `app.core`; here are the timers, the files and the signals. Thread: Qt main.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from app.controller_store import ControllerStore
from app.core.controller import Controller
from app.core.ghosts import Ghost, ghosts
from app.core.mapping import ControlMap
from app.core.midi_act import (
    Intent,
    ParameterSet,
)
from app.core.midi_binding import MidiBinding, badge, of_show
from app.core.midi_book import what
from app.core.midi_clock import ClockEstimate
from app.core.midi_events import (
    ClockHeard,
    ClockWord,
    ControlMoved,
    JoinPairs,
    MidiKind,
    PortsChanged,
)
from app.core.midi_monitor import MAX_LINES, MonitorLine, line_of
from app.devices.midi import MidiInput
from app.midi_lamps import Lamps
from engine.errors import ShowError
from engine.protocol.beat import BeatClock
from engine.protocol.messages import EngineState
from engine.protocol.show import Binding, Preset, Show
from engine.protocol.values import Severity

_RIPEN_MS = 50
_DRAW_MS = 33
_SILENCE_MS = 1500  # a busy machine may hold a tick up for long; the beat goes on meanwhile
_TOLD_EVERY_TICKS = 6


class Hands(Protocol):
    """What a control may do: `Instrument` does it."""

    state: EngineState | None

    @property
    def show(self) -> Show:
        """The show that is open."""

    def values(self) -> dict[str, float]:
        """Return every parameter as the performer last set it."""

    def set_parameter(self, parameter_id: str, value: float) -> None:
        """Edit a parameter."""

    def press_preset(self, preset: Preset) -> None:
        """Cut to a preset in its own way."""

    def press_cue(self, number: int) -> None:
        """Go to a cue, counted from 1."""

    def press_cut(self, action: str) -> None:
        """Cut: hard, soft or cancel."""

    def panic(self) -> None:
        """Take back what waits, let go what is held."""

    def keep_bindings(self, bindings: tuple[Binding, ...]) -> None:
        """Keep the show's own bindings."""


class MidiDesk(QObject):
    """All controllers together. Signals say what became of things, past tense."""

    mapping_changed = Signal(ControlMap)  # bindings, devices, learning
    surface_changed = Signal()  # knobs stand elsewhere, page, shift; at most thirty a second
    beat_changed = Signal(BeatClock)
    ports_changed = Signal(PortsChanged)
    action_requested = Signal(str, int)  # a row of the keys, and which of its keys
    noticed = Signal(Severity, str)

    def __init__(
        self, hands: Hands, store: ControllerStore | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.hands = hands
        self._store = store or ControllerStore()
        self._input: MidiInput | None = None
        self._controllers: dict[str, Controller] = {}
        self._unsaved: dict[str, Controller] = {}
        self._said: set[str] = set()
        self._clock = ClockEstimate()
        self.mapping = ControlMap(bindings=_shows_own(hands.show))
        self.ports = PortsChanged()
        self.lines: deque[MonitorLine] = deque(maxlen=MAX_LINES)
        self.beat = BeatClock()
        self.lamps = Lamps(self)
        self._ripen = QTimer(self, interval=_RIPEN_MS)
        self._ripen.timeout.connect(self._on_ripe)
        self._settle = QTimer(self, singleShot=True)
        self._settle.timeout.connect(self._on_settled)
        self._draw = QTimer(self, singleShot=True, interval=_DRAW_MS)
        self._draw.timeout.connect(self.surface_changed)
        self._silence = QTimer(self, singleShot=True, interval=_SILENCE_MS)
        self._silence.timeout.connect(self._on_silence)

    # ------------------------------------------------------------ devices

    def attach(self, midi: MidiInput) -> None:
        """Listen to the devices, and let them be lit."""
        self._input = midi
        midi.control_moved.connect(self.on_control_moved)
        midi.clock_heard.connect(self.on_clock_heard)
        midi.ports_changed.connect(self.on_ports_changed)
        self.lamps.attach(midi)

    @property
    def restarts(self) -> int:
        """How often the MIDI process had to be started again."""
        return self._input.restarts if self._input is not None else 0

    def controller_of(self, port: str) -> Controller | None:
        """Return the map that a device uses, None while it is not there."""
        return self._controllers.get(port)

    def on_ports_changed(self, event: PortsChanged) -> None:
        """Take up the maps of the devices that are there now."""
        self.ports = event
        self.mapping, intents = self.mapping.connected(event)
        self._do_all(intents)
        self._read_maps()
        self.ports_changed.emit(event)

    def on_show_opened(self, show: Show) -> None:
        """A show may bring bindings of its own; they speak louder than the controllers' maps."""
        others = tuple(binding for binding in self.mapping.bindings if not binding.is_show)
        self.mapping = replace(self.mapping, bindings=(*others, *_shows_own(show)))
        self._tell()

    def reload(self) -> None:
        """Read the maps anew, as after a change by hand; a broken one is told, the old one stays.

        While a control is being found out about, its map is not whole: then nothing is read.
        """
        if self.mapping.refining is None:
            self._read_maps()

    def _read_maps(self) -> None:
        for text in self._store.refresh():
            self.noticed.emit(Severity.WARNING, text)
        self._controllers = {port: self._map_of(port) for port in self.ports.ports}
        for port, controller in self._controllers.items():
            for remark in controller.remarks:
                self._say_once(f"{port}: {remark}")
        self._take_up()
        self.lamps.follow({port: self._controllers[port].lights for port in self.ports.lit})

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.noticed.emit(Severity.INFO, text)

    def _map_of(self, port: str) -> Controller:
        return self._unsaved.get(port) or self._store.of(port)

    def _take_up(self) -> None:
        programs = {port: one.programs for port, one in self._controllers.items()}
        bindings = (*self._of_controllers(), *_shows_own(self.hands.show))
        self.mapping = replace(self.mapping, bindings=bindings, programs=programs)
        self._tell()
        self._join_pairs()

    def _of_controllers(self) -> tuple[MidiBinding, ...]:
        return tuple(
            replace(binding, port=port)
            for port, controller in self._controllers.items()
            for binding in controller.bindings
        )

    def _join_pairs(self) -> None:
        pairs = {
            (b.port, b.channel, b.number) for b in self.mapping.bindings if b.kind is MidiKind.CC14
        }
        if self._input is not None and self.ports.backend:
            self._input.send(JoinPairs(pairs=tuple(sorted(pairs))))

    # ------------------------------------------------------------ playing

    def on_control_moved(self, event: ControlMoved) -> None:
        """Do what the moved control means, or learn it."""
        was, now_s = self.mapping, time.monotonic()
        self.mapping, intents = was.moved(event, self.hands.values(), now_s)
        self._do_all(intents)
        own = [b for b in self.mapping.bindings if b.control == event.control]
        self.lines.append(line_of(event, intents, own))
        self._changed(was)
        if any(held.has_long for held in self.mapping.surface.held.values()):
            self._ripen.start()

    def _changed(self, was: ControlMap) -> None:
        now = self.mapping
        if now.refining is not None:
            self._settle.start(round(now.settles_s * 1000))
        elif was.refining is not None or now.bindings != was.bindings:
            self._settle.stop()
            self._keep()
            self._say_shared(now)
        if (now.bindings, now.learning, now.finding) != (was.bindings, was.learning, was.finding):
            self._tell()
        self.redraw()

    def _say_shared(self, now: ControlMap) -> None:
        """Say what else the control drives that was just learned: it stands last."""
        for binding in now.bindings[-1:]:
            others = ", ".join(what(other) for other in now.also_driven(binding))
            if others:
                text = f"{badge(binding)} drives {what(binding)}, and still {others}"
                self.noticed.emit(Severity.INFO, text)

    def redraw(self) -> None:
        """Let knobs, pages and lights be drawn soon."""
        self.lamps.is_stale = True
        if not self._draw.isActive():
            self._draw.start()

    def _tell(self) -> None:
        self.mapping_changed.emit(self.mapping)
        self.redraw()

    def _on_ripe(self) -> None:
        was = self.mapping
        self.mapping, intents = was.ripen(self.hands.values(), time.monotonic())
        self._do_all(intents)
        self._changed(was)
        if not any(held.has_long for held in self.mapping.surface.held.values()):
            self._ripen.stop()

    def _on_settled(self) -> None:
        was, self.mapping = self.mapping, self.mapping.settled()
        self._changed(was)

    def _do_all(self, intents: tuple[Intent, ...]) -> None:
        for intent in intents:
            self._do(intent)

    def _do(self, intent: Intent) -> None:
        if isinstance(intent, ParameterSet):
            self.hands.set_parameter(intent.parameter_id, intent.value)
            return
        kind, _, name = intent.target.partition(":")
        presets = self.hands.show.presets
        match kind:
            case "preset":
                self._press([preset for preset in presets if preset.name == name])
            case "pad":
                self._press(list(presets[int(name) - 1 : int(name)]))
            case "cue":
                self.hands.press_cue(int(name))
            case "cut":
                self.hands.press_cut(name)
            case "action":
                self.action_requested.emit(name, 0)
            case "layout":
                self.action_requested.emit("layout", int(name) - 1)
            case _:
                self.panic()

    def _press(self, found: list[Preset]) -> None:
        for preset in found[:1]:
            self.hands.press_preset(preset)

    def panic(self) -> None:
        """Let go what is held, silence and relight every device, and the instrument's own panic."""
        was = self.mapping
        self.mapping, intents = was.panic()
        self._do_all(intents)
        self.hands.panic()
        self.lamps.panic()
        self._changed(was)
        self.noticed.emit(Severity.INFO, "Panic: nothing is held, nothing waits, lights anew")

    # ------------------------------------------------------------ learning

    def learn(self, target: str) -> None:
        """Wait for a control for `target`; empty stops waiting."""
        self._edit(self.mapping.settled().learn(target))

    def forget(self, target: str) -> None:
        """Take the controls off `target`."""
        self._edit(self.mapping.forget(target))

    def remove(self, binding: MidiBinding) -> None:
        """Take one binding away."""
        self._edit(self.mapping.without(binding))

    def change(self, binding: MidiBinding, new: MidiBinding) -> None:
        """Replace one binding: its mode, takeover, page."""
        self._edit(self.mapping.changed(binding, new))

    def turn_page(self, port: str, page: int) -> None:
        """Put a device on a page."""
        surface = self.mapping.surface.turned_to(port, page)
        self.mapping = replace(self.mapping, surface=surface)
        self._tell()

    def _edit(self, mapping: ControlMap) -> None:
        was, self.mapping = self.mapping, mapping
        self._settle.stop()
        if mapping.bindings != was.bindings or was.refining is not None:
            self._keep()
        self._tell()

    def _keep(self) -> None:
        """Write the maps that changed; what cannot be written lasts until the window closes."""
        for port, controller in self._controllers.items():
            own = [b for b in self.mapping.bindings if b.port == port and not b.is_show]
            bindings = tuple(replace(binding, port="") for binding in own)
            if bindings != controller.bindings:
                self._keep_controller(port, replace(controller, bindings=bindings))
        self._keep_shows()
        self._join_pairs()

    def _keep_controller(self, port: str, controller: Controller) -> None:
        try:
            self._controllers[port] = self._store.keep(port, controller)
            self._unsaved.pop(port, None)
        except ShowError as error:
            self._controllers[port] = self._unsaved[port] = controller
            self.noticed.emit(Severity.WARNING, f"Not saved, kept until you close: {error}")

    def _keep_shows(self) -> None:
        left = {b for b in self.mapping.bindings if b.is_show}
        kept = tuple(b for b in self.hands.show.bindings if of_show(b) in left)
        if kept != self.hands.show.bindings:
            self.hands.keep_bindings(kept)

    # ------------------------------------------------------------ beat and ghosts

    def on_clock_heard(self, event: ClockHeard) -> None:
        """Follow one clock: the first that ticks, until it falls silent."""
        if self._clock.port not in ("", event.port):
            return
        self._clock = replace(self._clock, port=event.port).heard(event)
        self._silence.start()
        if event.word is not ClockWord.TICK or self._clock.num_ticks % _TOLD_EVERY_TICKS == 0:
            self._tell_beat(self._clock.beat_clock())

    def _on_silence(self) -> None:
        self._clock = ClockEstimate()
        self._tell_beat(BeatClock())

    def _tell_beat(self, beat: BeatClock) -> None:
        self.beat = beat
        self.beat_changed.emit(beat)

    def ghosts(self) -> dict[str, Ghost]:
        """Return parameter → where the hand stands on its control, while that does not hold it."""
        return ghosts(self.mapping, self.hands.values())


def _shows_own(show: Show) -> tuple[MidiBinding, ...]:
    return tuple(of_show(binding) for binding in show.bindings)
