"""Keep what is on air on the disk, so that a host that was killed is followed by one that goes on.

In:     the score, the cue list and the models, twice a second.
Out:    a record when they changed; the last one says that the show is over.
Thread: the event loop decides, a helper thread reads the show's file and writes.
Full:   a disk that refuses is told once; the show goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from engine.host.conductor import Conductor
from engine.host.cue_player import CuePlayer
from engine.host.on_air import Models, OnAir, on_air, resumable, to_record
from engine.protocol.beat_commands import SetTempo
from engine.protocol.journal import Journal, last_record
from engine.protocol.messages import SetParameters
from engine.protocol.places import autosave_folder
from engine.protocol.values import ModelChoice, Severity

ShowNames = Callable[[], ModelChoice]
"""Says which model the show names by now; may read the disk."""

_PERIOD_S = 0.5


class Memory:
    """Writes one journal, that of the hosts on `port`."""

    def __init__(
        self, conductor: Conductor, cues: CuePlayer, show: tuple[str, ShowNames], port: int
    ) -> None:
        self._conductor = conductor
        self._cues = cues
        self._show, self._show_names = show
        self._models = Models(conductor.models.playing, self._show_names())
        self._journal = Journal(_path(port))
        self._keeps = port != 0  # a port by chance is never found again
        self._written: OnAir | None = None

    async def keep(self) -> None:
        """Write what changed, until the show ends."""
        while self._keeps:
            await asyncio.sleep(_PERIOD_S)
            if self._conductor.score.version:  # before the first chunk nothing was on air
                await self._write(is_over=False)

    async def end(self) -> None:
        """Write that the show is over, if it ever began; once it did, nobody goes on with it."""
        if self._keeps and self._conductor.score.version:
            await self._write(is_over=True)
        self._journal.close()

    async def _write(self, *, is_over: bool) -> None:
        in_file = await asyncio.to_thread(self._show_names)
        score, beats = self._conductor.score, self._conductor.beats
        beat = (beats.as_set, beats.own_clock)
        self._models = self._models.now(self._conductor.models.playing, in_file)
        moment = on_air(
            score, self._cues.cues, beat, self._show, models=self._models, is_over=is_over
        )
        if moment == self._written:
            return
        try:
            await asyncio.to_thread(self._journal.append, to_record(moment))
        except OSError as error:
            text = f"what is on air cannot be kept for a restart: {error.strerror}; make room"
            self._conductor.notice(Severity.WARNING, "memory", text)
        self._written = moment


def remembered(show: str, port: int) -> OnAir | None:
    """Return what the host on `port` that died was playing of this show; None when it ended."""
    return resumable(last_record(_path(port)), show)


def resume(moment: OnAir, conductor: Conductor, cues: CuePlayer) -> None:
    """Set what the look of the opening does not: panic controls, the cue list, the tempo."""
    conductor.obey(SetParameters(values=moment.panic))
    cues.resume(moment)
    clock = moment.clock
    if clock.is_known:
        conductor.beats.answer(SetTempo(bpm=clock.bpm, beat=clock.beat, at_s=clock.at_s))
    where = f" in cue {moment.cue}" if moment.cue else ""
    text = f"the show goes on where it was{where}: “{moment.look.prompt}”, seed {moment.look.seed}"
    conductor.notice(Severity.WARNING, "host", text)


def _path(port: int) -> Path:
    return autosave_folder() / f"on-air-{port}.jsonl"
