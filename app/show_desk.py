"""The show as a document: opened, edited, saved; its prompts and cues told to the engine.

What is on air is not its business: that changes only by cuts and GO.
Thread: Qt main.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core import cue_edits
from app.core.deck import new_preset
from app.core.history import ShowEdit
from app.core.session import recovered_bindings
from app.engine_client import EngineClient, Link, LinkStatus
from app.pad_pictures import save_picture
from app.session_store import SessionStore, own_copy
from app.show_courier import ShowCourier
from engine.errors import EngineError, ShowError
from engine.protocol.beat_commands import SetModulators
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.messages import EngineState, LoadCues, LoadPads, PreparePrompts
from engine.protocol.modulators import Modulator
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.values import Severity


class ShowDesk(QObject):
    """Owns the show. Signals are past tense."""

    show_opened = Signal(Show)  # its pads are others
    cues_changed = Signal(Show)
    copied = Signal(str, str)  # the folder it was opened from, the folder of the own copy
    edited = Signal(object)  # a ShowEdit, to be undone
    changed = Signal()  # the show, or whether it is as its files are
    noticed = Signal(Severity, str)

    def __init__(
        self, client: EngineClient, store: SessionStore, show: Show, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._store = store
        self.show = replace(show, bindings=recovered_bindings(store.session, show))
        self.is_saved = self.show == show  # as its files are
        self.courier = ShowCourier(self)
        self.courier.noticed.connect(self.noticed)
        client.link_changed.connect(self._on_link_changed)

    # ------------------------------------------------------------ files

    def open_show(self, path: str) -> bool:
        """Open another show's pads, cues and bindings; what is on air stays as it is."""
        try:
            show = load_show(path)
        except ShowError as error:
            self.noticed.emit(Severity.WARNING, str(error))
            return False
        if not self.is_saved and not self.save():  # nothing that was made is lost by a next show
            return False
        self._adopt(show)
        for remark in show.remarks:
            self.noticed.emit(Severity.INFO, remark)
        return True

    def pack(self) -> None:
        """Write the show as one file, saved first when it has changes."""
        if (self.is_saved or self.save()) and self.show.folder is not None:
            self.courier.pack(self.show.folder)

    def save(self) -> bool:
        """Write the show; a factory show becomes a copy of the performer's own."""
        try:
            saved = save_show(own_copy(self.show))
        except (ShowError, OSError) as error:
            self.noticed.emit(Severity.WARNING, f"Not saved, kept in the journal: {error}")
            return False
        was = self.show.folder
        is_copy = saved.folder != was
        if is_copy:
            self.copied.emit(str(was or ""), str(saved.folder))
        self._adopt(saved)
        text = f"Saved {saved.name} in {saved.folder}"
        if is_copy:
            text += ": a copy of your own; the show that it was stays as it is"
        self.noticed.emit(Severity.INFO, text)
        return True

    def revise(self, show: Show) -> None:
        """Take a show with changes that are not to be undone: source, output, model, bindings."""
        self._set(show, is_saved=self.is_saved and show == self.show)

    def recover(self, show: Show) -> None:
        """Take a show with changes that a window before us did not save."""
        self._set(show, is_saved=False)
        self._announce()
        self._remember_place(show)
        self.show_opened.emit(show)

    def put(self, show: Show) -> None:
        """Take a show as it was or will be, by undo or redo.

        Where it is saved stays, and so does what is not to be undone, see `revise`.
        """
        here = self.show
        self._take(
            replace(
                show, folder=here.folder, files=here.files, read_only=here.read_only,
                source=here.source, output=here.output, model=here.model, bindings=here.bindings,
                soft_cut_chunks=here.soft_cut_chunks,
            )
        )  # fmt: skip

    # ------------------------------------------------------------ cues and snapshots

    def add_cue(self, preset: str, after: str = "") -> str:
        """Add a cue that goes to a preset; returns its name, empty when it was refused."""
        added: list[Cue] = []

        def change(show: Show) -> Show:
            after_it, cue = cue_edits.with_cue(show, preset, after)
            added.append(cue)
            return after_it

        return added[0].name if self._edit("a new cue", change) else ""

    def add_all_pads(self) -> None:
        """Add a cue for each preset that has none."""
        self._edit("cues of all pads", cue_edits.with_all_pads)

    def remove_cue(self, name: str) -> None:
        """Remove a cue; its preset stays."""
        self._edit("removing a cue", lambda show: cue_edits.without_cue(show, name))

    def move_cue(self, name: str, by: int) -> None:
        """Move a cue down, or up for negative `by`."""
        self._edit(f"moving {name}", lambda show: cue_edits.moved(show, name, by))

    def change_cue(self, name: str, cue: Cue) -> bool:
        """Change a cue; returns whether it can be so."""
        what = f"changing {name}" if cue.name == name else "renaming a cue"
        return self._edit(what, lambda show: cue_edits.with_changed(show, name, cue))

    def store_look(self, state: EngineState | None, picture: QImage) -> None:
        """Keep the look on air as a new preset, with its picture for the pad, and save."""
        if state is None or not state.prompt_now:
            return
        preset = new_preset(self.show, state)
        self._edit(
            f"storing {preset.name}",
            lambda show: replace(show, presets=(*show.presets, preset)),
        )
        self._save_with_picture(preset, picture)

    def snapshot(self, state: EngineState | None, picture: QImage) -> None:
        """Keep the look on air as a preset and a cue after the one that is on air; save."""
        if state is None or not state.prompt_now:
            return
        after = state.cues.on_air or (self.show.cues[-1].name if self.show.cues else "")
        kept, preset = cue_edits.with_snapshot(self.show, state, after)
        self._edit(f"the snapshot {preset.name}", lambda _: kept)
        self._save_with_picture(preset, picture)

    def _save_with_picture(self, preset: Preset, picture: QImage) -> None:
        if not self.save() or self.show.folder is None or picture.isNull():
            return
        name = f"{self.show.files[preset.name]}.jpg"
        if save_picture(picture, self.show.folder / name):
            shown = replace(preset, picture=name)
            self._set(replace(self.show, presets=(*self.show.presets[:-1], shown)), is_saved=False)
            self.save()

    def set_beat(self, what: str, before: BeatSettings, after: BeatSettings) -> None:
        """Keep what was set on the engine; undo brings `before` back."""
        self.revise(replace(self.show, beat=before))
        self._edit(what, lambda show: replace(show, beat=after))

    def _edit(self, what: str, change: Callable[[Show], Show]) -> bool:
        """Change the show, or say why not."""
        before = self.show
        try:
            after = change(before)
        except EngineError as error:
            self.noticed.emit(Severity.WARNING, f"Not changed: {error}")
            return False
        self._take(after)
        self.edited.emit(ShowEdit(what, before, after))
        return True

    def set_modulators(self, what: str, modulators: tuple[Modulator, ...]) -> bool:
        """Change what moves parameters by itself; returns whether it can be so."""
        return self._edit(what, lambda show: replace(show, modulators=modulators))

    # ------------------------------------------------------------ the engine

    def _on_link_changed(self, link: Link) -> None:
        if link.status is LinkStatus.LIVE:
            self._announce()

    def _announce(self, *, with_pads: bool = True) -> None:
        """Let the engine prepare the prompts of all pads, and play from our cues."""
        if self._client.is_connected and with_pads:
            self._client.send(PreparePrompts(texts=self.show.prompts, guides=self.show.guides))
            self._client.send(LoadPads(pads=self.show.pad_specs))
        if self._client.is_connected:
            self._client.send(LoadCues(cues=self.show.cue_specs, list_name=self.show.name))
            self._client.send(SetModulators(modulators=self.show.modulators))

    def _take(self, show: Show) -> None:
        pads_differ = show.presets != self.show.presets
        self._set(show, is_saved=self.is_saved and show == self.show)
        self._announce(with_pads=pads_differ)
        (self.show_opened if pads_differ else self.cues_changed).emit(show)

    def _adopt(self, show: Show) -> None:
        """Take a show that is as its files are."""
        self._set(show, is_saved=True)
        self._announce()
        self._remember_place(show)
        self.show_opened.emit(show)

    def _set(self, show: Show, *, is_saved: bool) -> None:
        self.show, self.is_saved = show, is_saved
        self.changed.emit()

    def _remember_place(self, show: Show) -> None:
        self._store.write(
            msgspec.structs.replace(self._store.session, show=str(show.folder or ""), bindings=None)
        )
