"""Connects the MIDI desk with what shows it: learn overlay, controllers' panel, ghosts, chip."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.core import midi_book
from app.core.mapping import ControlMap
from app.core.midi_binding import MidiBinding
from app.core.midi_events import PortsChanged
from app.midi_desk import MidiDesk
from app.widgets.learn_overlay import LearnOverlay
from app.widgets.midi_panel import MidiPanel
from app.widgets.notice_bar import NoticeBar
from app.widgets.parameter_slider import ParameterSlider
from app.widgets.top_bar import TopBar
from engine.protocol.values import Severity

_BEAT_MS = 33


class MidiView(QObject):
    """The window's side of MIDI. `targets` are what can be learned; `act` does what a key does."""

    def __init__(
        self, desk: MidiDesk, window: QWidget, top_bar: TopBar, notices: NoticeBar,
        targets: Callable[[], Mapping[str, QWidget]],
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._desk, self._window = desk, window
        self._top_bar, self._notices, self._targets = top_bar, notices, targets
        self.learn = LearnOverlay(window, targets)
        self.panel = MidiPanel(window)
        self._beat_timer = QTimer(self, interval=_BEAT_MS)
        self._beat_timer.timeout.connect(self._draw_beat)
        self._connect_desk()
        self._connect_widgets()

    def begin(self) -> None:
        """Show the mapping, now that the window has all that can be driven."""
        self._on_mapping_changed(self._desk.mapping)

    def _connect_desk(self) -> None:
        desk = self._desk
        desk.mapping_changed.connect(self._on_mapping_changed)
        desk.surface_changed.connect(self._draw_surface)
        desk.ports_changed.connect(self._on_ports_changed)
        desk.noticed.connect(self._notices.add)

    def _connect_widgets(self) -> None:
        desk, panel, rows = self._desk, self.panel, self.panel.list
        self._top_bar.learn_toggled.connect(self.set_learning)
        self._top_bar.controllers_requested.connect(self.toggle_panel)
        self.learn.target_chosen.connect(desk.learn)
        self.learn.target_forgotten.connect(desk.forget)
        self.learn.closed.connect(self._on_learn_closed)
        panel.panic_requested.connect(desk.panic)
        panel.page_requested.connect(desk.turn_page)
        rows.remove_requested.connect(desk.remove)
        rows.mode_requested.connect(lambda b: self._change(b, midi_book.next_mode(b)))
        rows.takeover_requested.connect(lambda b: self._change(b, midi_book.next_takeover(b)))
        rows.press_requested.connect(lambda b: self._change(b, midi_book.next_press(b)))
        rows.page_requested.connect(self._on_page_requested)
        rows.value_requested.connect(self._on_value_requested)

    # ------------------------------------------------------------ intents

    def set_learning(self, is_on: bool) -> None:
        """Open or close the learn overlay."""
        self._top_bar.learn.setChecked(is_on)
        if is_on:
            self.panel.hide()
            self.learn.open()
        else:
            self.learn.close_overlay()

    def toggle_panel(self) -> None:
        """Open or close the controllers' panel."""
        self._show_panel(self.panel.toggle())

    def step_panel(self) -> None:
        """Open the panel, go into its list, close it: one key for all three."""
        self._show_panel(self.panel.step())

    def _show_panel(self, is_open: bool) -> None:
        if is_open:
            self._desk.reload()  # somebody may have written a map by hand
            self._draw_all()
            self._beat_timer.start()
        else:
            self._beat_timer.stop()

    def _on_learn_closed(self) -> None:
        self._top_bar.learn.setChecked(False)
        self._desk.learn("")

    def _on_page_requested(self, binding: MidiBinding) -> None:
        pages = [b.page for b in self._desk.mapping.bindings if b.port == binding.port]
        self._change(binding, midi_book.next_page(binding, max(pages, default=0)))

    def _on_value_requested(self, binding: MidiBinding) -> None:
        row = binding.row
        if row is not None:
            value = self._desk.hands.values().get(row.id, row.default)
            self._change(binding, replace(binding, value=value))

    def _change(self, old: MidiBinding, new: MidiBinding) -> None:
        if old.is_show:
            text = "This binding belongs to the show; remove it and learn it anew to change it"
            self._notices.add(Severity.INFO, text)
        elif new != old:
            self._desk.change(old, new)

    # ------------------------------------------------------------ drawing

    def _on_mapping_changed(self, mapping: ControlMap) -> None:
        self.learn.show_mapping(mapping)
        self._draw_all()

    def _on_ports_changed(self, event: PortsChanged) -> None:
        self._top_bar.show_midi(event.backend, event.ports, event.message)
        if event.message:
            self._notices.add(Severity.INFO, event.message)
        self._draw_all()

    def _draw_all(self) -> None:
        if self.panel.isVisible():
            desk = self._desk
            controllers = {port: desk.controller_of(port) for port in desk.ports.ports}
            views = midi_book.devices(desk.ports, controllers, desk.mapping)
            self.panel.show_devices(views, desk.ports.message, desk.restarts)
        self._draw_surface()

    def _draw_surface(self) -> None:
        ghosts = self._desk.ghosts()
        for target, widget in self._targets().items():
            if isinstance(widget, ParameterSlider):
                widget.show_ghost(ghosts.get(target.partition(":")[2]))
        if self.panel.isVisible():
            mapping = self._desk.mapping
            self.panel.show_bindings(midi_book.bindings(mapping), mapping.surface.is_shifted)
            self.panel.show_lines(tuple(self._desk.lines))

    def _draw_beat(self) -> None:
        if self.panel.isVisible():
            self.panel.beat.show_beat(self._desk.beat, time.monotonic())
        else:
            self._beat_timer.stop()
