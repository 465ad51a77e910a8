"""Write down what is played, and offer what the last window left behind. Never in the way.

In:     every change of the show; the engine's state, from which the look on air is taken.
Out:    records in the journal, at once for an edit, once a second for what is on air; an `Offer`
        when the first state tells which engine runs.
Thread: Qt main; an append with its fsync took 0.9 ms in the middle and at most 9 ms of 200,
        2026-11-27, a busy server's disk.
Full:   a disk that refuses is told once; the show goes on.
"""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.autosave import Autosave, Offer, from_record, look_on_air, offer, to_record
from app.engine_client import EngineClient
from app.show_desk import ShowDesk
from engine.protocol.journal import Journal, last_record
from engine.protocol.messages import EngineState, HardCut, StandBy
from engine.protocol.places import autosave_folder
from engine.protocol.values import Severity

_ON_AIR_MS = 1000


class Recovery(QObject):
    """Owns the journal of the window."""

    offered = Signal(Offer)
    noticed = Signal(Severity, str)

    def __init__(self, client: EngineClient, desk: ShowDesk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._desk = desk
        self._journal = Journal(autosave_folder() / "journal.jsonl")
        self._left = autosave_folder() / "journal-left.jsonl"  # of the window before
        self._before: tuple[Autosave, bool] | None = None  # with whether that window was closed
        self._offer: Offer | None = None
        self._state: EngineState | None = None
        self._written: Autosave | None = None
        self._has_begun = False
        self._has_failed = False
        self._timer = QTimer(self, singleShot=True, interval=_ON_AIR_MS)
        self._timer.timeout.connect(self.write)

    def begin(self, was_closed: bool) -> None:
        """Put what the last window left aside, and begin to write."""
        self._has_begun = True
        self._before = self._what_was_left(was_closed)
        self._desk.changed.connect(self.write)
        self._client.state_arrived.connect(self._on_state)

    def _what_was_left(self, was_closed: bool) -> tuple[Autosave, bool] | None:
        """Return the record to offer; unsaved changes of an older window go before a mere look."""
        last = from_record(last_record(self._journal.path))
        older = from_record(last_record(self._left))
        says_something = last is not None and not (was_closed and last.is_saved)
        outweighs = older is None or older.is_saved or (last is not None and not last.is_saved)
        if last is not None and says_something and outweighs:
            self._put_aside()
            return last, was_closed
        return (older, False) if older is not None else None

    def accept(self) -> None:
        """Recover what was offered."""
        taken, self._offer = self._offer, None
        if taken is None:
            return
        if not taken.saved.is_saved:
            self._desk.recover(taken.saved.show)
        if taken.with_look and taken.saved.look is not None:
            self._client.send(HardCut(look=taken.saved.look))
            if taken.saved.standby:
                self._client.send(StandBy(cue=taken.saved.standby))
        self.noticed.emit(Severity.INFO, f"The set of {taken.saved.at} is back")
        self._left.unlink(missing_ok=True)

    def dismiss(self) -> None:
        """Leave what was offered; it is kept in a file all the same."""
        if self._offer is None:
            return
        at, self._offer = self._offer.saved.at, None
        kept = self._left.with_name(f"left-{datetime.now():%Y-%m-%d-%H%M%S}.jsonl")
        if self._left.exists():
            self._left.replace(kept)
        self.noticed.emit(Severity.INFO, f"The set of {at} is left; its journal is {kept}")

    def close(self) -> None:
        """Write the last record, if we write at all, and let the file go."""
        if self._has_begun:
            self.write()
        self._journal.close()

    # ------------------------------------------------------------ writing

    def write(self) -> None:
        """Write what there is, if it differs from what is written."""
        record = self._record()
        if self._written is not None and _same(record, self._written):
            return
        try:
            self._journal.append(to_record(record))
            self._written = record
        except OSError as error:
            if not self._has_failed:
                text = f"the journal cannot be written: {error.strerror}; make room, save often"
                self.noticed.emit(Severity.WARNING, text)
            self._has_failed = True

    def _record(self) -> Autosave:
        state = self._state
        return Autosave(
            at=f"{datetime.now():%H:%M}",
            show=self._desk.show,
            is_saved=self._desk.is_saved,
            look=look_on_air(state) if state is not None else None,
            cue=state.cues.on_air if state is not None else "",
            standby=(state.cues.queued or state.cues.standby) if state is not None else "",
            engine_pid=state.pid if state is not None else 0,
        )

    def _on_state(self, state: EngineState) -> None:
        self._state = state
        if self._before is not None:
            saved, was_closed = self._before
            self._before = None
            self._offer = offer(saved, was_closed=was_closed, engine_pid=state.pid)
            if self._offer is not None:
                self.offered.emit(self._offer)
            else:
                self._left.unlink(missing_ok=True)
        if not self._timer.isActive():
            self._timer.start()

    def _put_aside(self) -> None:
        try:
            self._journal.path.replace(self._left)
        except OSError as error:
            text = f"what the last window left cannot be put aside: {error.strerror}"
            self.noticed.emit(Severity.WARNING, text)


def _same(record: Autosave, written: Autosave) -> bool:
    """Compare all but the time."""
    names = [name for name in Autosave.__struct_fields__ if name != "at"]
    return all(getattr(record, name) == getattr(written, name) for name in names)
