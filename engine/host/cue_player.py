"""Play the cue list: what is due becomes a cut, what landed is told, what fades is moved.

    GO, BACK, follow-on ──► cue_list ──► conductor.obey ──► boundary ──► cue_list, fades

In:     orders of the desk, crossed boundaries, the clock.
Out:    cuts and edits for the score, `CueLanded`, prompts to prepare.
Thread: the event loop.
Full:   one cue waits at most; a newer one replaces it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from engine.errors import EngineError
from engine.host import cue_list as lists
from engine.host import fades as travel
from engine.host.conductor import Conductor
from engine.host.cue_list import CueList
from engine.host.fades import Fades
from engine.host.looks import Values
from engine.host.on_air import OnAir, resumed
from engine.protocol.cues import CueSpec, CueState
from engine.protocol.messages import (
    Back,
    CancelCut,
    CueLanded,
    Go,
    HardCut,
    HoldFollow,
    LoadCues,
    SetParameters,
    SoftCut,
    StandBy,
)
from engine.protocol.orders import ChunkPlan
from engine.protocol.values import Cut, Severity

CueCommand = LoadCues | Go | Back | StandBy | HoldFollow
_TICK_S = 0.04


@dataclass(frozen=True, slots=True)
class _Move:
    """A queued cue without a cut: when its rows move, which at once and which travel."""

    due_s: float
    cue: CueSpec
    rest: Values


class CuePlayer:
    """Owns the cue list and the fades."""

    def __init__(self, conductor: Conductor, clock: Callable[[], float] = time.monotonic) -> None:
        self.conductor = conductor
        self._clock = clock
        self._cues = CueList()
        self._fades: Fades = {}
        self._to_fade: tuple[CueSpec, Values] | None = None  # of the queued cue
        self._move: _Move | None = None  # the queued cue, if it has no cut
        conductor.on_crossed_call = self._on_crossed

    def state(self) -> CueState:
        """Return what the window shows."""
        said = lists.state_of(self._cues)
        if self._move is None:
            return said
        return structs.replace(said, moves_in_s=max(0.0, self._move.due_s - self._clock()))

    @property
    def cues(self) -> CueList:
        """The list as it stands."""
        return self._cues

    def resume(self, moment: OnAir) -> None:
        """Go on where a host that died was; its cue's follow-on counts from the start again."""
        self._set(resumed(self._cues, moment))

    def open_list(self, name: str, cues: tuple[CueSpec, ...], *, is_on_air: bool) -> None:
        """Take the list of the show; with `is_on_air` it opens with the look of the first cue.

        Raises:
            ConfigError: a cue says what cannot be.
        """
        opened = lists.opened(name, cues)
        self._set(opened if is_on_air else lists.withdrawn(opened))

    def answer(self, command: CueCommand) -> str:
        """Do what was asked; returns when it lands.

        Raises:
            ConfigError, LocalProtocolError: it cannot be; nothing changed.
        """
        now_s = self._clock()
        match command:
            case LoadCues():
                self._load(lists.loaded(self._cues, command.list_name, command.cues))
                return f"{len(command.cues)} cues"
            case Go():
                after, cue = lists.go(self._cues, now_s)
                return self._fire(after, cue)
            case Back():
                return self._go_back(now_s)
            case StandBy():
                self._set(lists.stood_by(self._cues, command.cue))
                return f"{command.cue} stands by"
            case HoldFollow():
                self._cues = lists.held(self._cues, command.is_held)
                return "the follow-on waits" if command.is_held else "the follow-on counts"

    def _load(self, after: CueList) -> None:
        """Take another list. Rows of a cue that is not in it wait for no beat: nobody sees them."""
        if self._move is not None and not after.queued:
            text = f"{self._cues.queued} left the cue list while it waited: it does not land"
            self.conductor.notice(Severity.INFO, "cues", text)
            self._move = self._to_fade = None
        self._set(after)

    # ------------------------------------------------------------ what others do to the score

    def on_cut_by_hand(self, command: HardCut | SoftCut) -> None:
        """A cut that no cue asked for waits now: it replaces a queued cue."""
        self._withdraw()
        rows = command.look.parameters if command.look is not None else {}
        self._fades = travel.without(self._fades, rows)

    def cancel(self) -> str:
        """Forget all that waits; where nothing does, stop a soft cut: its cue stays on air.

        Raises:
            LocalProtocolError: nothing waits or runs.
        """
        cut, rows = self.conductor.score.pending, self._move
        if cut is None and rows is None:
            self.conductor.obey(CancelCut())
            return "soft cut stopped where it is"
        if cut is not None:
            self.conductor.obey(CancelCut())
        self._withdraw()
        return "the cut is forgotten" if cut is not None else "the cue is forgotten"

    def on_edited(self, values: Values) -> None:
        """The performer's hand beats a fade."""
        self._fades = travel.without(self._fades, values)

    # ------------------------------------------------------------ time

    async def keep_time(self) -> None:
        """Count follow-ons down and move fades, for ever."""
        while True:
            await asyncio.sleep(_TICK_S)
            self.tick()

    def tick(self) -> None:
        """Move fades to now; fire the follow-on when it is due."""
        now_s = self._clock()
        self._fades, values = travel.sampled(self._fades, now_s)
        if values:
            self.conductor.obey(SetParameters(values=values))
        if self._move is not None and now_s >= self._move.due_s:
            self._make(self._move)
        frame = self.conductor.score.frame
        is_panic = frame["freeze"] >= 0.5 or frame["black"] >= 0.5
        self._cues, is_due = lists.ticked(self._cues, now_s, is_panic)
        if is_due:
            self._follow(now_s)

    def _follow(self, now_s: float) -> None:
        try:
            after, cue = lists.go(self._cues, now_s)
            self._fire(after, cue)
        except EngineError as error:
            self.conductor.notice(Severity.WARNING, "cues", f"the follow-on did not go: {error}")

    # ------------------------------------------------------------ firing

    def _go_back(self, now_s: float) -> str:
        after, cue = lists.went_back(self._cues, now_s)
        if cue is not None:
            return self._fire(after, cue)
        self._replace_queued()
        self._set(after)
        self._to_fade = None
        return f"{self._cues.standby or 'the end of the list'} stands by again"

    def _fire(self, after: CueList, cue: CueSpec) -> str:
        """Ask the score for the cue's cut; the list follows only when it was taken."""
        fading, rest = travel.split(cue.look.parameters) if cue.fade_s else ({}, None)
        look = cue.look if rest is None else structs.replace(cue.look, parameters=rest)
        if cue.cut is Cut.NONE:
            return self._fire_parameters(after, cue, fading, look.parameters)
        if cue.cut is Cut.HARD:
            self.conductor.obey(HardCut(look=look))
        else:
            self.conductor.obey(SoftCut(look=look, num_chunks=cue.num_chunks))
        self._move = None
        self._fades = travel.without(self._fades, cue.look.parameters)
        self._to_fade = (cue, fading)
        self.conductor.supervisor.prepare(cue.look.prompt)
        self._set(after)
        return f"{cue.name}: {cue.cut} cut at chunk {self.conductor.score.chunk_index}"

    def _fire_parameters(self, after: CueList, cue: CueSpec, fading: Values, rest: Values) -> str:
        """Without a cut there is no boundary to wait for: rows move on the beat, or at once."""
        now_s = self._clock()
        due_s = self.conductor.beats.next_move_s(now_s)
        if self._cues.queued:
            self._replace_queued()
        self._set(after)
        self._to_fade = (cue, fading)
        self._move = _Move(due_s, cue, rest)
        if due_s <= now_s:
            self._make(self._move)
            return f"{cue.name}: its parameters move"
        return f"{cue.name}: its parameters move on the beat, in {due_s - now_s:.1f} s"

    def _make(self, move: _Move) -> None:
        """Move the rows of a cue without a cut: from now on it is on air."""
        self._move = None
        if move.rest:
            self.conductor.obey(SetParameters(values=dict(move.rest)))
        self._fades = travel.without(self._fades, move.cue.look.parameters)
        self._land(self.conductor.score.chunk_index)

    def _replace_queued(self) -> None:
        """Take back what the queued cue asked for: its cut, or rows that wait for the beat."""
        if self._move is None:
            self.conductor.obey(CancelCut())
        self._move = None

    def _on_crossed(self, plan: ChunkPlan, took_cut: bool) -> None:
        opens = plan.chunk_index == 0 and self.conductor.score.pending is None
        if self._move is not None:  # the cue lands with its beat; a cut is one by hand
            if took_cut:
                self._cues = lists.overtaken(self._cues)
        elif took_cut or (opens and self._cues.queued):
            self._land(plan.chunk_index)

    def _land(self, chunk_index: int) -> None:
        now_s = self._clock()
        self._cues = lists.crossed(self._cues, now_s)
        if self._to_fade is not None:
            self._begin_fade(*self._to_fade, now_s)
            self._to_fade = None
        if self._cues.on_air:
            self.conductor.publish(CueLanded(cue=self._cues.on_air, chunk_index=chunk_index))

    def _begin_fade(self, cue: CueSpec, target: Values, now_s: float) -> None:
        conductor = self.conductor
        live = {**conductor.score.live, **conductor.score.frame}
        delay_s = conductor.picture_delay_s if cue.cut is not Cut.NONE else 0.0
        self._fades = travel.begun(self._fades, live, target, now_s, cue.fade_s, delay_s)

    def _withdraw(self) -> None:
        self._set(lists.withdrawn(self._cues))
        self._to_fade = None
        self._move = None

    def _set(self, cues: CueList) -> None:
        """Take the list as it is now; the prompt of a cue that comes to stand by is prepared."""
        self._cues, standby = cues, cues.standby
        look = lists.cue_of(self._cues, standby).look if standby else None
        prompt = look.prompt if look is not None else ""
        if look is not None and look.guides is not None:
            self.conductor.guides.announce([look.guides])  # its pictures are read by the time of GO
        if prompt != self.conductor.standby_prompt:
            self.conductor.standby_prompt = prompt
            self.conductor.supervisor.prepare(prompt)
