"""Keeps the beat and says which chunk carries a cut that waits for it.

    MIDI clock of the window, taps, Link ──► sources ──► what counts ──► cuts, modulators
    boundary ──► lookahead ◄── playout: which chunk it shows first

In:     commands of apps, boundaries, what playout shows.
Out:    whether a cut waits on; `BeatState` for the window.
Thread: the event loop.
Full:   cannot fill.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import assert_never

from msgspec import structs

from engine.errors import DeviceError
from engine.host import beat_sources
from engine.host.beat_aim import BeatAim, Boundary, Notice
from engine.host.beat_sources import BeatSources
from engine.host.contracts import Playout
from engine.host.ear import EarProcess
from engine.host.link_beat import LinkBeat
from engine.host.looks import Values
from engine.host.modulation import Modulation, sampled
from engine.host.score import Score
from engine.protocol.beat import (
    LINK,
    MIDI_CLOCK,
    BeatClock,
    BeatState,
    place_text,
    quantum_text,
)
from engine.protocol.beat_commands import (
    AlignBar,
    BeatCommand,
    HearBeat,
    JoinLink,
    ListenTo,
    NudgeBeat,
    SetModulators,
    SetQuantum,
    SetTempo,
    TapBeat,
)
from engine.protocol.beat_settings import BeatSettings, check_input, check_quantum
from engine.protocol.messages import PlayoutState
from engine.protocol.modulators import FOLLOWERS, Modulator, check_modulators
from engine.protocol.orders import ChunkPlan
from engine.protocol.parameters import Applies
from engine.protocol.values import Severity

_TICK_S = 0.04
_MAX_TAP_AGE_S = 2.0  # of a hand on this machine; another machine's clock is another


class BeatDesk:
    """Owns the beat."""

    def __init__(self, notice: Notice, clock: Callable[[], float] = time.monotonic) -> None:
        self._notice = notice
        self._clock = clock
        self._sources = BeatSources()
        self._link = LinkBeat()
        self._ear = EarProcess(notice)
        self._aim = BeatAim(notice)
        self._quantum_beats = 0.0
        self._modulators: tuple[Modulator, ...] = ()
        self._of_chunk: dict[str, float] = {}  # moved rows, as in the newest plan

    def answer(self, command: BeatCommand) -> str:
        """Do what was asked; returns what became of it.

        Raises:
            ConfigError, LocalProtocolError, DeviceError: it cannot be; nothing changed.
        """
        now_s = self._clock()
        match command:
            case HearBeat():
                self._set(beat_sources.heard(self._sources, MIDI_CLOCK, command.clock, now_s))
            case TapBeat():
                self._set(beat_sources.tap(self._sources, _tap_s(command.at_s, now_s)))
            case SetTempo():
                self._set(self._with_tempo(command, now_s))
            case NudgeBeat():
                self._set(beat_sources.nudged(self._sources, command.by_beats))
            case AlignBar():
                self._set(beat_sources.aligned(self._sources, now_s))
            case SetQuantum():
                return self._set_quantum(command.quantum_beats)
            case SetModulators():
                self.set_modulators(command.modulators)
                return f"{len(command.modulators)} modulators"
            case ListenTo():
                return self._listen(check_input(command.device))
            case JoinLink():
                return self._join_link(command.is_joined)
            case _:
                assert_never(command)
        return self._said()

    @property
    def clock(self) -> BeatClock:
        """The beat that counts."""
        return beat_sources.clock(self._sources)

    def next_move_s(self, now_s: float) -> float:
        """Return when rows that wait for the beat may move: at once where nothing waits."""
        if not self._quantum_beats or not self.clock.is_known:
            return now_s
        return self.clock.next_s(now_s, self._quantum_beats)

    def state(self) -> BeatState:
        """Return what the window shows."""
        hit = self._aim.hit
        return BeatState(
            clock=self.clock,
            detail=beat_sources.detail(self._sources),
            link=self._link.state.text,
            sound=self._ear.status,
            device=self._ear.asked,
            levels=dict(self._ear.levels),
            quantum_beats=self._quantum_beats,
            lookahead_s=self._aim.usual_s,
            aim_beat=self._aim.aim_beat,
            hit_beat=hit.beat if hit is not None else None,
            hit_late_s=hit.late_s if hit is not None else 0.0,
            hit_held_back_s=hit.held_back_s if hit is not None else 0.0,
        )

    def _set_quantum(self, quantum_beats: float) -> str:
        self._quantum_beats = check_quantum(quantum_beats)
        if not quantum_beats:
            return "cuts land at the next chunk"
        if not self.clock.is_known:
            return f"cuts wait for the {quantum_text(quantum_beats)} once somebody says the beat"
        return f"cuts wait for the {quantum_text(quantum_beats)}"

    def _with_tempo(self, command: SetTempo, now_s: float) -> BeatSources:
        beat = command.beat
        if beat is not None and math.isfinite(command.at_s):
            beat += (now_s - command.at_s) * command.bpm / 60
        return beat_sources.with_tempo(self._sources, command.bpm, now_s, beat)

    def _join_link(self, is_joined: bool) -> str:
        if is_joined:
            self._link.join()
        else:
            self._link.leave()
        return f"Link: {self._link.state.text}"

    def _listen(self, device: str) -> str:
        if device != self._ear.asked:  # the same again: it is heard, or looked for already
            self._ear.listen(device)
        return "listening" if device else "nothing is listened to"

    def begin(self, settings: BeatSettings) -> None:
        """Set what the show says. Link where it is not installed is told: the show goes on."""
        if settings.quantum_beats:
            self._set_quantum(settings.quantum_beats)
        if settings.sound:
            self._listen(check_input(settings.sound))
        if settings.link:
            try:
                self._link.join()
            except DeviceError as error:
                text = f"the show follows Link: {error}; the show goes on without"
                self._notice(Severity.WARNING, "beat", text)

    @property
    def as_set(self) -> BeatSettings:
        """What a hand or the show has set."""
        return BeatSettings(
            quantum_beats=self._quantum_beats,
            link=self._link.state.is_joined,
            sound=self._ear.asked,
        )

    @property
    def own_clock(self) -> BeatClock:
        """The beat of taps, or of a tempo that was set; without a tempo there is none."""
        return self._sources.own

    def _hear_link(self, clock: BeatClock) -> None:
        self._set(beat_sources.heard(self._sources, LINK, clock, self._clock()))

    def close(self) -> None:
        """Leave Link, stop listening. Safe twice."""
        self._link.leave()
        self._ear.close()

    def _set(self, sources: BeatSources) -> None:
        self._sources, told = beat_sources.settled(sources, self._clock())
        if told:
            self._notice(Severity.INFO, "beat", told)

    def _said(self) -> str:
        clock = self.clock
        return f"{clock.bpm:.1f} bpm by {clock.source}" if clock.is_known else "no tempo yet"

    # ------------------------------------------------------------ modulators

    def set_modulators(self, modulators: tuple[Modulator, ...]) -> None:
        """Let these move parameters from now on.

        Raises:
            ConfigError: one says what cannot be; those before run on.
        """
        followed_before = _follows_sound(self._modulators)
        self._modulators = check_modulators(modulators)
        self._of_chunk = {}
        if _follows_sound(modulators) and not followed_before and not self._ear.asked:
            text = "modulators follow sound, and no input is listened to: press SOUND below them"
            self._notice(Severity.INFO, "sound", text)

    @property
    def modulators(self) -> tuple[Modulator, ...]:
        """What moves parameters."""
        return self._modulators

    @property
    def modulation(self) -> Modulation:
        """What moves parameters, with the beat that it goes by."""
        return Modulation(modulators=self._modulators, clock=self.clock, levels=self._ear.levels)

    def modulated(
        self, plan: ChunkPlan, now_s: float, period_s: float, usual_s: float
    ) -> ChunkPlan:
        """Return the plan with the moved rows as they are in the middle of its time on air."""
        middle_s = now_s + self.ahead_s(usual_s) + period_s / 2
        values = sampled(self.modulation, plan.parameters, middle_s, Applies.CHUNK)
        self._of_chunk = values
        return structs.replace(plan, parameters={**plan.parameters, **values}) if values else plan

    def moved_now(self, frame: Values) -> dict[str, float]:
        """Return where the moved rows are: of the newest chunk, and of the frame on air."""
        return {**self._of_chunk, **sampled(self.modulation, frame, self._clock(), Applies.FRAME)}

    # ------------------------------------------------------------ cuts

    def holds_cut(self, score: Score, now_s: float, period_s: float, usual_s: float) -> bool:
        """Say whether the cut that waits goes on waiting; asked once at each boundary.

        Args:
            score: as it is before the boundary.
            now_s: of the boundary.
            period_s: usual time from boundary to boundary, 0 while it is not known.
            usual_s: estimate of the look-ahead while none was measured.
        """
        crossed = Boundary(now_s, period_s, usual_s)
        return self._aim.holds_cut(score, self.clock, self._quantum_beats, crossed)

    def expected(self, boundary_s: float, period_s: float, usual_s: float) -> str:
        """Say which beat a cut that is asked for now will be seen on; empty: the next chunk.

        Args:
            boundary_s: when the next boundary is.
            period_s: usual time from boundary to boundary, 0 while it is not known.
            usual_s: as in `holds_cut`.
        """
        clock, quantum = self.clock, self._quantum_beats
        if not quantum or not clock.is_known:
            return ""
        coming = Boundary(boundary_s, period_s, usual_s)
        beat = self._aim.expected_beat(clock, quantum, coming)
        in_s = max(clock.when_s(beat) - self._clock(), 0.0)
        return f"on {place_text(beat)}, in {in_s:.1f} s"

    def ahead_s(self, usual_s: float) -> float:
        """Return the measured look-ahead; the estimate `usual_s` while none was measured."""
        return self._aim.ahead_s(usual_s)

    def shown_in_s(self, chunk_index: int, now_s: float, usual_s: float) -> float:
        """Return when the first picture of a chunk will be on air; `usual_s` if nobody knows."""
        return self._aim.shown_in_s(chunk_index, self.clock, now_s, usual_s)

    # ------------------------------------------------------------ time

    async def keep_time(self, playout: Playout) -> None:
        """Watch the sources and the picture, for ever."""
        while True:
            await asyncio.sleep(_TICK_S)
            self.watch(playout.state())
            playout.set_modulation(self.modulation)
            playout.set_due(self._aim.due(self.clock))

    def watch(self, playout: PlayoutState) -> None:
        """Let silent sources go; measure what was seen."""
        self._link.watch(self._clock(), self.clock.bpm, self._hear_link)
        self._set(self._sources)
        self._aim.watch(playout, self.clock)


def _follows_sound(modulators: tuple[Modulator, ...]) -> bool:
    return any(one.shape in FOLLOWERS for one in modulators)


def _tap_s(at_s: float, now_s: float) -> float:
    """Return when a tap was: as the hand's process says, if that can be."""
    is_likely = math.isfinite(at_s) and 0 <= now_s - at_s <= _MAX_TAP_AGE_S
    return at_s if is_likely else now_s
