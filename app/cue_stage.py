"""The cue strip and the cue editor, connected with the instrument. Knows both, and nobody else.

Thread: Qt main.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.core.cue_form import CueForm, cue_of
from app.core.cue_view import CueView, countdown_text, cue_views, lit
from app.core.set_list import SetList
from app.instrument import Instrument
from app.widgets.cue_editor import CueEditor
from app.widgets.cue_strip import CueStrip
from engine.errors import EngineError
from engine.protocol.cues import CueState
from engine.protocol.messages import EngineState
from engine.protocol.show import Show
from engine.protocol.values import Severity


class CueStage(QObject):
    """Makes the two widgets; the window only places them. `picture` returns what is on air."""

    def __init__(
        self, instrument: Instrument, picture: Callable[[], QImage], window: QWidget
    ) -> None:
        super().__init__(window)
        self._instrument = instrument
        self._picture = picture
        self._views: tuple[CueView, ...] = ()
        self.strip = CueStrip()
        self.editor = CueEditor(window)
        self._connect()
        self._connect_set()
        self._draw_show(instrument.show)

    def _connect(self) -> None:
        instrument, desk, editor = self._instrument, self._instrument.desk, self.editor
        self.strip.go_requested.connect(instrument.go)
        self.strip.back_requested.connect(instrument.back)
        self.strip.hold_requested.connect(instrument.hold_follow)
        self.strip.cue_chosen.connect(self._on_cue_chosen)
        editor.add_requested.connect(self._on_add_requested)
        editor.all_requested.connect(desk.add_all_pads)
        editor.snapshot_requested.connect(self.snapshot)
        editor.remove_requested.connect(desk.remove_cue)
        editor.move_requested.connect(desk.move_cue)
        editor.standby_requested.connect(instrument.stand_by)
        editor.form_changed.connect(self._on_form_changed)
        desk.show_opened.connect(self._draw_show)
        desk.cues_changed.connect(self._draw_show)

    def _connect_set(self) -> None:
        night, bar = self._instrument.set_list, self.editor.set_bar
        bar.step_requested.connect(night.step)
        bar.add_requested.connect(night.add)
        bar.remove_requested.connect(night.remove)
        bar.move_requested.connect(night.move)
        night.changed.connect(self._draw_place)
        night.load()

    def _draw_place(self, listed: SetList) -> None:
        self.editor.set_bar.show_place(self._instrument.set_list.place, len(listed.shows))

    def snapshot(self) -> None:
        """Keep the look on air as a pad and a cue."""
        self._instrument.desk.snapshot(self._instrument.state, self._picture())

    def show_state(self, state: EngineState) -> None:
        """Light the cues as the engine says."""
        lit_views = lit(self._views, state.cues)
        if lit_views != self._views:
            self._views = lit_views
            self.strip.show_views(lit_views)
        self.strip.show_countdown(countdown_text(state.cues), state.cues.is_held)

    def _draw_show(self, show: Show) -> None:
        state = self._instrument.state
        self._views = cue_views(show, state.cues if state is not None else CueState())
        self.strip.show_views(self._views)
        self.editor.show_show(show, self._views)

    def _on_cue_chosen(self, name: str) -> None:
        self._instrument.stand_by(name)
        self.editor.choose(name)

    def _on_add_requested(self, preset: str) -> None:
        added = self._instrument.desk.add_cue(preset, after=self.editor.chosen)
        if added:
            self.editor.choose(added)

    def _on_form_changed(self, name: str, form: CueForm) -> None:
        desk = self._instrument.desk
        try:
            cue = cue_of(form, desk.show.preset(form.preset))
        except EngineError as error:
            desk.noticed.emit(Severity.WARNING, f"Not changed: {error}")
            self.editor.choose(name)
            return
        was = next((one for one in desk.show.cues if one.name == name), None)
        if cue == was:
            return
        if desk.change_cue(name, cue):
            self.editor.choose(cue.name)
        else:
            self.editor.choose(name)
