"""The window: makes the widgets, connects them with the instrument, and draws what it knows.

No logic: what a button does is in `Instrument`, what a widget shows is in `app.core`.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QImage, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QScrollArea, QVBoxLayout, QWidget

from app.beat_stage import BeatStage
from app.clean_stage import CleanStage
from app.core import deck, hud, preview
from app.cue_stage import CueStage
from app.dock_stage import DockStage
from app.engine_client import EngineClient, Link, LinkStatus
from app.instrument import Instrument
from app.midi_view import MidiView
from app.model_shop import ModelShop
from app.pad_pictures import load_pictures
from app.preview_feed import PreviewFeed
from app.preview_stage import PreviewStage
from app.widgets import theme
from app.widgets.cut_panel import CutPanel
from app.widgets.guide_panel import GuidePanel
from app.widgets.help_overlay import HelpOverlay
from app.widgets.hud_strip import HudStrip
from app.widgets.main_menu import MainMenu
from app.widgets.model_panel import ModelPanel
from app.widgets.monitor import Monitor
from app.widgets.notice_bar import NoticeBar, NoticeList
from app.widgets.offer_bar import OfferBar
from app.widgets.output_panel import OutputPanel
from app.widgets.pads import PadRow
from app.widgets.panic_row import PanicRow
from app.widgets.parameter_panel import ParameterPanel
from app.widgets.prompt_panel import PromptPanel
from app.widgets.source_panel import SourcePanel
from app.widgets.top_bar import TopBar
from app.widgets.tour_bubble import TourBubble
from app.window_keys import action, bind_keys
from app.window_panels import panels_of
from engine.protocol.messages import CommandRefused, EngineState, NoticeRaised
from engine.protocol.orders import PromptRead
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import Show
from engine.protocol.values import Cut, Severity

_FRAME_MS = 33  # the ring turns at thirty pictures a second
_MAX_READINGS = 512  # of all pads, and of what is typed
_LINK = {
    LinkStatus.STARTING: ("STARTING", "warning"),
    LinkStatus.LIVE: ("LIVE", "good"),
    LinkStatus.LOST: ("ENGINE LOST", "fault"),
    LinkStatus.FAILED: ("NO ENGINE", "fault"),
}


class MainWindow(QWidget):
    """The whole window."""

    closed = Signal()
    docks: DockStage

    def __init__(self, client: EngineClient, instrument: Instrument) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("Segue")
        self.setStyleSheet(theme.style_sheet())
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._client = client
        self.instrument = instrument
        self._state_at_s = 0.0
        self._readings: dict[str, PromptRead] = {}
        self._make_widgets()
        self._lay_out()
        self.midi.begin()
        self._connect_intents()
        self._connect_events()
        bind_keys(self)
        self._on_show_opened(instrument.show)
        self._on_link_changed(client.link)

    # ------------------------------------------------------------ making

    def _make_widgets(self) -> None:
        self.top_bar = TopBar()
        self.monitor = Monitor()
        self.prompt = PromptPanel()
        self.cuts = CutPanel()
        self.panic = PanicRow()
        self.parameters = ParameterPanel()
        self.source = SourcePanel()
        self.guides = GuidePanel()
        self.output = OutputPanel()
        self.pads = PadRow()
        self.hud = HudStrip()
        self.notices = NoticeBar()
        self.notice_list = NoticeList(self)
        self.help = HelpOverlay(self)
        self.offer = OfferBar(self)
        self.feed = PreviewFeed(self)
        self.clean = CleanStage(self)
        self.menu = MainMenu(self, self.clean.choices, lambda: self.docks.choices())
        self.tour = TourBubble(self, lambda name: getattr(self, name))
        self.shop = ModelShop(self)
        self.models = ModelPanel(self)
        self.preview = PreviewStage(self.instrument, self.prompt.take, self)
        self.cues = CueStage(self.instrument, self.monitor_picture, self)
        self.beat = BeatStage(self._client, self.instrument, self)
        self.midi = MidiView(
            self.instrument.midi, self, self.top_bar, self.notices, self.learn_targets
        )
        self.learn = self.midi.learn
        self._frame_timer = QTimer(self, interval=_FRAME_MS)

    def _lay_out(self) -> None:
        self.docks = DockStage(panels_of(self), self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 8, 16, 4)
        whole.setSpacing(8)
        whole.addWidget(self.top_bar)
        whole.addWidget(self.docks.area, 1)
        whole.addWidget(self.notices)

    # ------------------------------------------------------------ connecting

    def _connect_intents(self) -> None:
        instrument = self.instrument
        self.cuts.hard_requested.connect(self.cut_hard)
        self.cuts.soft_requested.connect(self.cut_soft)
        self.cuts.cancel_requested.connect(instrument.cancel)
        self.cuts.length_changed.connect(instrument.set_soft_chunks)
        self.pads.preset_pressed.connect(instrument.press_preset)
        self.prompt.prompt_queued.connect(instrument.queue_prompt)
        self.parameters.value_edited.connect(instrument.set_parameter)
        self.panic.value_edited.connect(instrument.set_parameter)
        self.source.source_selected.connect(instrument.select_source)
        self.guides.guides_edited.connect(instrument.set_guides)
        self.output.output_changed.connect(instrument.set_output)
        self.output.recording_toggled.connect(instrument.toggle_recording)
        self.notices.list_requested.connect(self.toggle_notices)
        self.top_bar.help_requested.connect(self.help.toggle)
        self.top_bar.menu_requested.connect(self.open_menu)
        self.top_bar.layouts_requested.connect(self.docks.bar.toggle)
        self.top_bar.lock_requested.connect(self.docks.toggle_lock)
        self.menu.action_chosen.connect(lambda name: action(self, name, 0)())
        self.menu.screen_chosen.connect(self.clean.show_on)
        self.menu.layout_chosen.connect(self.docks.go_to)
        instrument.midi.action_requested.connect(lambda name, n: action(self, name, n)())
        self.top_bar.cues_requested.connect(self.toggle_cues)
        self.top_bar.preview_requested.connect(instrument.preview.toggle)
        self.top_bar.models_requested.connect(self.toggle_models)
        self.models.get_requested.connect(self.shop.get)
        self.models.accept_requested.connect(self.shop.accept)
        self.models.dismiss_requested.connect(self.shop.dismiss)
        self.models.cancel_requested.connect(self.shop.cancel)
        self.models.check_requested.connect(self.shop.check)
        self.models.play_requested.connect(instrument.play_model)

    def _connect_events(self) -> None:
        client, instrument = self._client, self.instrument
        client.link_changed.connect(self._on_link_changed)
        client.state_arrived.connect(self._on_state_arrived)
        client.notice_raised.connect(self._on_notice_raised)
        client.command_refused.connect(self._on_command_refused)
        client.prompt_read.connect(self._on_prompt_read)
        instrument.desk.show_opened.connect(self._on_show_opened)
        instrument.desk.changed.connect(self._draw_show_name)
        instrument.set_list.changed.connect(self._draw_show_name)
        instrument.edits_changed.connect(self._draw_values)
        instrument.soft_length_changed.connect(self.cuts.show_length)
        instrument.noticed.connect(self.notices.add)
        self.shop.changed.connect(self.models.show_views)
        self.shop.noticed.connect(self.notices.add)
        self.feed.frame_arrived.connect(self.monitor.show_frame)
        self.feed.frame_arrived.connect(self.clean.show_frame)
        self.clean.noticed.connect(self.notices.add)
        self.docks.noticed.connect(self.notices.add)
        self.docks.lock_changed.connect(self.top_bar.lock.show_lock)
        self.docks.area.placed.connect(self.tour.place)
        self._frame_timer.timeout.connect(self._draw_ring)
        self._frame_timer.start()

    # ------------------------------------------------------------ intents

    def cut_hard(self) -> None:
        """Cut to what stands in the next field."""
        self.instrument.cut_hard(self.prompt.take())

    def cut_soft(self) -> None:
        """Flow into what stands in the next field."""
        self.instrument.cut_soft(self.prompt.take())

    def press_pad(self, index: int, cut: Cut) -> None:
        """Press the pad at `index`, where there is one."""
        if index < len(self.instrument.show.presets):
            self.instrument.press_preset(self.instrument.show.presets[index], cut)

    def focus_prompt(self) -> None:
        """Write what comes next."""
        self.docks.reveal("prompt")
        self.prompt.field.setFocus()
        self.prompt.field.selectAll()

    def toggle_notices(self) -> None:
        """Open or close the list of notices."""
        self.notice_list.toggle(self.notices.kept)

    def show_guides(self) -> None:
        """Show the pictures that steer and give them the keys."""
        self.docks.reveal("pictures")
        self.guides.take_focus()

    def add_modulator(self) -> None:
        """Add a modulator and show where it is edited."""
        self.beat.add_modulator()
        self.docks.reveal("waves")

    def go_to_panel(self, name: str, panel: QWidget) -> None:
        """Show a panel from its top and give it the keys."""
        self.docks.reveal(name)
        for area in self.docks.area.shells[name].findChildren(QScrollArea):
            area.verticalScrollBar().setValue(0)
        panel.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_menu(self) -> None:
        """Every command, below its button; the instrument plays on."""
        button = self.top_bar.menu
        self.menu.open_at(button.mapToGlobal(QPoint(0, button.height() + 4)))

    def toggle_models(self) -> None:
        """A panel like the others, closed at first."""
        if self.models.toggle():
            self.shop.refresh()

    def toggle_cues(self) -> None:
        """Write the cue list."""
        self.cues.editor.toggle()

    def monitor_picture(self) -> QImage:
        """Return a copy of what is on air."""
        return self.monitor.image.copy()

    def toggle_full_screen(self) -> None:
        """The window on the full screen, or back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def ask_for_show(self) -> None:
        """Let the performer choose a show; the instrument plays on meanwhile."""
        dialog = QFileDialog(
            self, "Open a show: its show.toml or a zip", "", "Shows (show.toml *.zip)"
        )
        dialog.setModal(False)
        dialog.fileSelected.connect(self.instrument.open_show)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def learn_targets(self) -> dict[str, QWidget]:
        """Return what MIDI can drive, and the widget that stands for it."""
        targets: dict[str, QWidget] = {
            "cut:hard": self.cuts.hard,
            "cut:soft": self.cuts.soft,
            "cut:cancel": self.cuts.cancel,
            "parameter:dimmer": self.panic.dimmer,
        }
        targets |= {f"parameter:{name}": w for name, w in self.panic.switches.items()}
        targets |= {f"parameter:{name}": w for name, w in self.parameters.rows.items()}
        targets |= self.beat.targets()
        strip = self.cues.strip
        targets |= {"action:go": strip.go, "action:back": strip.back}
        targets |= {f"cue:{number}": card for number, card in enumerate(strip.cards, start=1)}
        targets |= {f"pad:{number}": pad for number, pad in enumerate(self.pads.pads, start=1)}
        choices = self.docks.bar.choices.values()
        targets |= {f"layout:{number}": choice for number, choice in enumerate(choices, start=1)}
        return targets

    # ------------------------------------------------------------ events

    def _on_link_changed(self, link: Link) -> None:
        text, level = _LINK[link.status]
        self.top_bar.show_link(text, level, link.message)
        if link.status is not LinkStatus.LIVE:
            self.monitor.set_message(link.message)
            self.monitor.set_tally(is_on_program=False)
            self.top_bar.show_air(0, is_on_program=False)
            self.shop.show_worker(None)
            self.hud.show_figures(hud.BLANK)  # nothing that is shown may be stale
        if link.status in (LinkStatus.LOST, LinkStatus.FAILED) and link.message:
            self.notices.add(Severity.FAULT, link.message)

    def _on_state_arrived(self, state: EngineState) -> None:
        self._state_at_s = time.monotonic()
        self.feed.follow(state.preview_ring)
        self._draw_monitor(state)
        self._draw_prompts(state)
        self._draw_values()
        in_preview = self.instrument.preview.prepared
        presets = self.instrument.show.presets
        self.pads.show_states([deck.pad_state(p, state, in_preview) for p in presets])
        self.source.show_state(state.source)
        self.guides.show_state(state, preview.guides_of(self.instrument.preview.preview, state))
        self.output.show_output(state.output, hud.ndi_output(state), state.recording)
        self.top_bar.show_air(hud.num_receivers(state), hud.is_on_program(state))
        self.top_bar.show_recording(state.recording)
        self.cues.show_state(state)
        self.shop.show_worker(state.worker)
        self.hud.show_figures(hud.figures(state))

    def _draw_monitor(self, state: EngineState) -> None:
        self.monitor.set_tally(hud.is_on_program(state))
        waiting = state.playout.mode == "waiting"
        badge = "" if state.playout.mode == "live" else state.playout.mode.upper()
        self.monitor.set_message(
            deck.waiting_text(state) if waiting else "", "" if waiting else badge
        )

    def _draw_prompts(self, state: EngineState) -> None:
        now = deck.prompt_now(state)
        self.prompt.show_now(now, self._readings.get(now), deck.blend_text(state))
        self.prompt.show_queued(state.prompt_next)
        self.prompt.show_reading(state.prompt_next, self._readings.get(state.prompt_next))

    def _draw_values(self) -> None:
        state = self.instrument.state
        if state is None:
            return
        edits = self.instrument.targets()
        self.preview.show_state(state)
        views = {name: deck.slider_view(row, state, edits) for name, row in PARAMETERS.items()}
        self.parameters.show_views(views)
        self.panic.show_views(views)

    def _draw_ring(self) -> None:
        self.beat.draw()
        state = self.instrument.state
        if state is not None and self._client.link.status is LinkStatus.LIVE:
            self.cuts.show_view(deck.ring_view(state, time.monotonic() - self._state_at_s))
        else:
            self.cuts.show_view(deck.RingView())

    def _on_notice_raised(self, notice: NoticeRaised) -> None:
        self.notices.add(notice.severity, notice.text)

    def _on_command_refused(self, refusal: CommandRefused) -> None:
        self.notices.add(Severity.WARNING, refusal.reason)

    def _on_prompt_read(self, read: PromptRead) -> None:
        self._readings[read.text] = read
        while len(self._readings) > _MAX_READINGS:
            del self._readings[next(iter(self._readings))]

    def _on_show_opened(self, show: Show) -> None:
        self._draw_show_name()
        pictures = load_pictures(show)
        self.pads.show_presets(show.presets, pictures)
        self.preview.show_pictures(pictures)
        self.cuts.show_length(self.instrument.soft_chunks)

    def _draw_show_name(self) -> None:
        desk, place = self.instrument.desk, self.instrument.set_list.place
        name = f"{desk.show.name}  {place}" if place else desk.show.name
        self.top_bar.show_show(name, desk.show.read_only, desk.is_saved)

    # ------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what lies over the window as large as the window."""
        for overlay in (self.help, self.learn):
            overlay.setGeometry(self.rect())
        self.docks.bar.place()
        self.offer.place()
        self.tour.place()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Say that we go; what becomes of the engine is decided elsewhere."""
        self.docks.close()
        self.shop.leave()
        self.clean.close()
        self.closed.emit()
        event.accept()
