"""What the performer can do, whatever they do it with: buttons, keys and MIDI all end here.

Owns the edits under way and the desks of show and controllers; tells the engine; knows no widget.
Thread: Qt main.
"""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.core import history as past
from app.core.cue_view import neighbour
from app.core.deck import cut_look, values_as_set, waits
from app.core.edits import Edits
from app.core.history import (
    Edit,
    GuidesEdit,
    History,
    ParameterEdit,
    PreviewEdit,
    PromptEdit,
    ShowEdit,
)
from app.core.model_book import as_in_show
from app.core.session import record
from app.engine_client import EngineClient
from app.midi_desk import MidiDesk
from app.phone_door import PhoneDoor
from app.preview_desk import PreviewDesk
from app.session_store import SessionStore
from app.set_desk import SetDesk
from app.show_desk import ShowDesk
from engine.protocol.guides import names_of
from engine.protocol.messages import (
    Back,
    CancelCut,
    ChangeModel,
    EngineState,
    Go,
    HardCut,
    HoldFollow,
    QueuePrompt,
    RestartWorker,
    SelectSource,
    SetGuides,
    SetOutput,
    SetParameters,
    SoftCut,
    StandBy,
    StartRecording,
    StopRecording,
)
from engine.protocol.parameters import parameter
from engine.protocol.preview import Preview
from engine.protocol.show import MAX_CUT_CHUNKS, Binding, Preset, Show
from engine.protocol.values import Cut, Guides, ModelChoice, OutputSpec, Severity, SourceSpec

_TICK_MS = 16


class Instrument(QObject):
    """The performer's hands. Signals say what became of the intents, past tense."""

    edits_changed = Signal()
    soft_length_changed = Signal(int)
    noticed = Signal(Severity, str)

    def __init__(
        self, client: EngineClient, store: SessionStore, show: Show, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._store = store
        self.state: EngineState | None = None
        self.edits = Edits()
        self._asked_model: ModelChoice | None = None  # not in the show before it plays
        self.desk = ShowDesk(client, store, show, self)
        self.desk.noticed.connect(self.noticed)
        self.desk.edited.connect(self._note)
        self.desk.courier.unpacked.connect(self.open_show)
        self.set_list = SetDesk(self.desk, self)
        self.set_list.noticed.connect(self.noticed)
        self.set_list.show_requested.connect(self.open_show)
        self.phones = PhoneDoor(client, self)
        self.phones.noticed.connect(self.noticed)
        self.preview = PreviewDesk(client, self)
        self.preview.edited.connect(self._note)
        self.preview.changed.connect(self.edits_changed)
        self._history = History()
        self.soft_chunks = show.soft_cut_chunks
        self.midi = MidiDesk(self, parent=self)
        self._tick = QTimer(self, singleShot=True, interval=_TICK_MS)
        self._tick.timeout.connect(self._flush)
        client.state_arrived.connect(self._on_state)
        client.state_arrived.connect(self.midi.redraw)
        self.desk.show_opened.connect(self.midi.on_show_opened)
        self.edits_changed.connect(self.midi.redraw)

    # ------------------------------------------------------------ cuts

    def cut_hard(self, text: str = "", pre_roll_chunks: int = 0) -> None:
        """Cut at the next boundary to what stands in the next field, or to the open preview.

        With a pre-roll it is seen when it has run so many chunks.
        """
        self._flush()
        if self.preview.is_open:
            self._take(Cut.HARD, text, pre_roll_chunks)
            return
        self._put_in_standby(text)
        look = cut_look(text, self.state, Cut.HARD)
        self._client.send(HardCut(look=look, pre_roll_chunks=pre_roll_chunks))

    def cut_soft(self, text: str = "") -> None:
        """Flow into what stands in the next field, or into the open preview."""
        self._flush()
        if self.preview.is_open:
            self._take(Cut.SOFT, text)
            return
        self._put_in_standby(text)
        look = cut_look(text, self.state, Cut.SOFT)
        self._client.send(SoftCut(num_chunks=self.soft_chunks, look=look))

    def _take(self, cut: Cut, text: str, pre_roll_chunks: int = 0) -> None:
        if text.strip() not in ("", self.preview.preview.prompt):  # typed, and not queued yet
            self.preview.write(text)
        self.preview.take(cut, self.soft_chunks, pre_roll_chunks)

    def _put_in_standby(self, text: str) -> None:
        """What was typed and not queued yet is what the performer means by next."""
        typed = text.strip()
        if typed and (self.state is None or typed != self.state.prompt_next):
            self._client.send(QueuePrompt(text=typed))

    def cancel(self) -> None:
        """Take back what has not landed; quiet when there is nothing."""
        state = self.state
        if state is not None and (waits(state) or state.cut.soft_chunks):
            self._client.send(CancelCut())

    def press_preset(self, preset: Preset, cut: Cut = Cut.NONE) -> None:
        """Cut to a preset: hard, soft, or its own way; an open preview takes it up instead."""
        self._flush()
        if self.preview.is_open:
            self.preview.load(preset)
            return
        if (preset.cut if cut is Cut.NONE else cut) is Cut.HARD:
            self._client.send(HardCut(look=preset.look()))
        else:
            length = preset.chunks if cut is Cut.NONE else self.soft_chunks
            self._client.send(SoftCut(num_chunks=length, look=preset.look()))

    def queue_prompt(self, text: str) -> None:
        """Put a prompt in standby: that of the preview, while it is open."""
        if self.preview.is_open:
            self.preview.write(text)
            return
        before = self.state.prompt_next if self.state is not None else ""
        self._note(PromptEdit(before, text.strip()))
        self._client.send(QueuePrompt(text=text.strip()))

    def set_soft_chunks(self, num_chunks: int) -> None:
        """Set the length of the next soft cut."""
        self.soft_chunks = min(max(num_chunks, 1), MAX_CUT_CHUNKS)
        self.soft_length_changed.emit(self.soft_chunks)

    # ------------------------------------------------------------ parameters

    def set_parameter(self, parameter_id: str, value: float) -> None:
        """Edit a parameter; it can be undone, unless it is a panic control, which acts at once."""
        row = parameter(parameter_id)
        if row.in_preset and self.preview.is_open:
            self.preview.edit(parameter_id, value)
            return
        if row.in_preset:
            before = self.values().get(parameter_id, row.default)
            self._note(ParameterEdit(parameter_id, before, row.clean(value)))
        self._put(parameter_id, value)

    def _put(self, parameter_id: str, value: float) -> None:
        """Many edits within a tick send the last one."""
        self.edits = self.edits.put(parameter_id, parameter(parameter_id).clean(value))
        self.edits_changed.emit()
        if not self._tick.isActive():
            self._tick.start()

    def toggle(self, parameter_id: str) -> None:
        """Flip a switch."""
        self.set_parameter(parameter_id, 1.0 - self.values()[parameter_id])

    def nudge(self, parameter_id: str, share: float) -> None:
        """Move a parameter by a share of its range."""
        row = parameter(parameter_id)
        value = self.values().get(parameter_id, row.default)
        self.set_parameter(parameter_id, value + share * (row.high - row.low))

    def values(self) -> dict[str, float]:
        """Return every parameter as the performer last set it."""
        known = values_as_set(self.state, self.targets())
        return {"freeze": 0.0, "black": 0.0, **known}

    def targets(self) -> dict[str, float]:
        """Return where hands have put parameters: on their way, or in the open preview."""
        prepared = self.preview.preview.values if self.preview.is_open else {}
        return {**self.edits.values(), **prepared}

    def _flush(self) -> None:
        self._tick.stop()
        self.edits, values = self.edits.flush(time.monotonic())
        if values:
            self._client.send(SetParameters(values=values))

    def _on_state(self, state: EngineState) -> None:
        self.state = state
        self.edits = self.edits.settle(state, time.monotonic())
        if self._asked_model is not None and state.worker.choice == self._asked_model:
            self.desk.revise(replace(self.show, model=self._asked_model))
            self._asked_model = None

    # ------------------------------------------------------------ in and out

    def select_source(self, source: SourceSpec) -> None:
        """Change where pictures come in, and remember it in the show."""
        self._client.send(SelectSource(source=source))
        self.desk.revise(replace(self.show, source=source))

    def set_guides(self, guides: Guides) -> None:
        """Change the pictures that steer: of the open preview, or of what is on air."""
        if self.preview.is_open:
            self.preview.steer(guides)
            return
        if self.state is not None:
            self._note(GuidesEdit(self.state.guides, guides))
        self._client.send(SetGuides(guides=guides))

    def set_output(self, output: OutputSpec) -> None:
        """Change what leaves, and remember it in the show."""
        self._client.send(SetOutput(output=output))
        self.desk.revise(replace(self.show, output=output))

    def play_model(self, choice: ModelChoice) -> None:
        """Play a model at a size; the show remembers it once it plays, not what cannot load."""
        self._asked_model = as_in_show(self.show.model, choice)
        self._client.send(ChangeModel(model=self._asked_model))

    def toggle_recording(self) -> None:
        """Start or stop recording."""
        running = self.state is not None and bool(self.state.recording)
        self._client.send(StopRecording() if running else StartRecording())

    def restart_worker(self) -> None:
        """Restart the generator; the output goes on. Without an engine, try to start one again."""
        if self._client.is_connected:
            self._client.send(RestartWorker())
        else:
            self._client.try_again()

    # ------------------------------------------------------------ what controllers press

    def press_cut(self, action: str) -> None:
        """Cut: hard, soft or cancel."""
        {"hard": self.cut_hard, "soft": self.cut_soft, "cancel": self.cancel}[action]()

    def press_cue(self, number: int) -> None:
        """Go to a cue, counted from 1."""
        names = [cue.name for cue in self.show.cues]
        if number > len(names):
            self.noticed.emit(Severity.INFO, f"Cue {number}: the show has {len(names)} cues")
        else:
            self.stand_by(names[number - 1])
            self.go()

    def panic(self) -> None:
        """Take back what waits and bring the picture back: no freeze, no black."""
        self.cancel()
        for row in ("freeze", "black"):
            if self.values()[row]:
                self.set_parameter(row, 0.0)

    def keep_bindings(self, bindings: tuple[Binding, ...]) -> None:
        """Keep the show's own bindings: into the journal at once, then into the show."""
        self.desk.revise(replace(self.show, bindings=bindings))
        self._journal(bindings=record(bindings))
        self.save()

    # ------------------------------------------------------------ shows

    @property
    def show(self) -> Show:
        """The show that is open."""
        return self.desk.show

    def save(self) -> bool:
        """Write the show, with the length of the soft cut as it is set."""
        self.desk.revise(replace(self.show, soft_cut_chunks=self.soft_chunks))
        return self.desk.save()

    def open_show(self, path: str) -> None:
        """Open another show, unpacked first if it is a zip; what is on air stays as it is."""
        if path.lower().endswith(".zip"):
            self.desk.courier.unpack(path)
        elif self.desk.open_show(path):
            self.set_soft_chunks(self.show.soft_cut_chunks)
            self._history = History()  # steps of another show
            self._asked_model = None  # asked for in another show

    # ------------------------------------------------------------ cues

    def go(self) -> None:
        """Fire the cue that stands by."""
        self._flush()
        self._client.send(Go())

    def back(self) -> None:
        """Take back a GO that has not landed, else go back a cue."""
        self._flush()
        self._client.send(Back())

    def stand_by(self, cue: str) -> None:
        """Choose what GO fires."""
        self._client.send(StandBy(cue=cue))

    def move_standby(self, by: int) -> None:
        """Let a neighbour stand by instead."""
        cue = neighbour(self.state.cues, by) if self.state is not None else ""
        if cue:
            self.stand_by(cue)

    def hold_follow(self) -> None:
        """Stop the countdown to the follow-on, or let it go on."""
        is_held = self.state is not None and self.state.cues.is_held
        self._client.send(HoldFollow(is_held=not is_held))

    # ------------------------------------------------------------ undo

    def undo(self) -> None:
        """Take the last edit back."""
        self._history, edit = past.undo(self._history)
        if edit is None:
            self.noticed.emit(Severity.INFO, "Nothing to undo")
        else:
            self._set(edit, edit.before, "Undone")

    def redo(self) -> None:
        """Do again what was undone last."""
        self._history, edit = past.redo(self._history)
        if edit is None:
            self.noticed.emit(Severity.INFO, "Nothing to redo")
        else:
            self._set(edit, edit.after, "Redone")

    def _set(self, edit: Edit, value: float | str | Guides | Show | Preview, said: str) -> None:
        if isinstance(edit, ParameterEdit) and isinstance(value, float):
            row = parameter(edit.parameter_id)
            self._put(row.id, value)
            what = f"{row.label} is {row.text(value)}"
        elif isinstance(value, Guides):
            self._client.send(SetGuides(guides=value))
            what = f"pictures: {', '.join(names_of(value)) or 'none'}"
        elif isinstance(value, Preview):
            self.preview.put(value)
            what = edit.what if isinstance(edit, PreviewEdit) else ""
        elif isinstance(value, Show):
            self.desk.put(value)
            what = edit.what if isinstance(edit, ShowEdit) else ""
        else:
            self._client.send(QueuePrompt(text=str(value)))
            what = f"next is “{value}”"
        self.noticed.emit(Severity.INFO, f"{said}: {what}")

    def _note(self, edit: Edit) -> None:
        self._history = past.noted(self._history, edit, time.monotonic())

    def _journal(self, **changes: object) -> None:
        self._store.write(msgspec.structs.replace(self._store.session, **changes))
