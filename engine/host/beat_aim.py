"""Keeps what is known of when pictures are seen, and aims cuts that wait at their beat.

    boundary ──► holds_cut ──► playout lets the cut's first frame come on its beat ──► seen ──► hit

In:     boundaries, and what playout shows; the beat and the time as arguments.
Out:    whether a cut waits on, which chunk is due when, how well the last beat was met.
Thread: the event loop.
Full:   cannot fill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.host import lookahead
from engine.host.beat_wait import Landing, Waiting, decide, earliest_beat
from engine.host.lookahead import Lookahead
from engine.host.playout.aim import Due, reach_s
from engine.host.score import Score
from engine.protocol.beat import BeatClock, place_text
from engine.protocol.messages import PlayoutState
from engine.protocol.values import Severity

Notice = Callable[[Severity, str, str], None]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary, crossed or to come.

    Attributes:
        at_s: when.
        period_s: usual time from boundary to boundary, 0 while it is not known.
        usual_s: estimate of the look-ahead while none was measured.
    """

    at_s: float
    period_s: float
    usual_s: float


@dataclass(frozen=True, slots=True)
class Hit:
    """How well the last quantised cut met its beat."""

    beat: float
    late_s: float  # negative: before it
    held_back_s: float  # by how much it came later than it could have


@dataclass(frozen=True, slots=True)
class _Coming:
    """A cut that landed: the chunk that shows it, and the beat that it is aimed at."""

    chunk_index: int
    beat: float
    period_s: float  # usual time from chunk to chunk
    held_back_s: float  # by playout, before it
    is_pre_roll: bool


class BeatAim:
    """One cut waits at most, one is on its way to the screen at most."""

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._ahead = Lookahead()
        self._waiting: Waiting | None = None
        self._coming: _Coming | None = None
        self._playout = PlayoutState()
        self.hit: Hit | None = None

    @property
    def usual_s(self) -> float:
        """The measured look-ahead; 0 while none was."""
        return self._ahead.usual_s

    @property
    def aim_beat(self) -> float | None:
        """What the cut that waits is aimed at."""
        return self._waiting.beat if self._waiting is not None else None

    def ahead_s(self, usual_s: float) -> float:
        """Return the measured look-ahead; the estimate `usual_s` while none was measured."""
        return self._ahead.usual_s if self._ahead.is_known else usual_s

    def holds_cut(self, score: Score, clock: BeatClock, quantum: float, crossed: Boundary) -> bool:
        """Say whether the cut that waits goes on waiting; asked once at each boundary."""
        self._ahead = lookahead.planned(self._ahead, score.chunk_index, crossed.at_s)
        if score.pending is None:
            self._waiting = None
            return False
        unseen = score.pending.pre_roll_chunks
        shown_s = crossed.at_s + self.ahead_s(crossed.usual_s) + unseen * crossed.period_s
        reach = self._reach(crossed, is_held=unseen > 0)
        said = decide(self._waiting, clock, quantum, shown_s, reach)
        self._waiting = said if isinstance(said, Waiting) else None
        if isinstance(said, Landing):
            self._on_landing(score.chunk_index, unseen, said, crossed.period_s)
            if said.beat is None and quantum:
                text = "nobody says the beat: the cut does not wait for it; tap, or send MIDI clock"
                self._notice(Severity.INFO, "beat", text)
        return self._waiting is not None

    def _reach(self, boundary: Boundary, *, is_held: bool = False) -> tuple[float, float]:
        """Return period and reach, see `decide`; before a pre-roll the output is held anyway."""
        if is_held:
            return boundary.period_s, boundary.period_s
        ahead_s = self.ahead_s(boundary.usual_s)
        return boundary.period_s, reach_s(ahead_s, self._playout.speed, boundary.period_s)

    def _on_landing(self, chunk_index: int, unseen: int, landing: Landing, period_s: float) -> None:
        self._coming = None
        if landing.beat is not None:
            held_back_s = self._playout.held_back_s
            self._coming = _Coming(
                chunk_index + unseen, landing.beat, period_s, held_back_s, unseen > 0
            )

    def expected_beat(self, clock: BeatClock, quantum: float, coming: Boundary) -> float:
        """Return the beat that a cut which is asked for now will be seen on."""
        if self._waiting is not None:
            return self._waiting.beat
        shown_s = coming.at_s + self.ahead_s(coming.usual_s)
        return earliest_beat(clock, quantum, shown_s, self._reach(coming))

    def due(self, clock: BeatClock) -> Due | None:
        """Return the chunk that is on its way to its beat, if one is."""
        coming = self._coming
        if coming is None or not clock.is_known:
            return None
        return Due(coming.chunk_index, clock.when_s(coming.beat), coming.is_pre_roll)

    def shown_in_s(self, chunk_index: int, clock: BeatClock, now_s: float, usual_s: float) -> float:
        """Return when the first picture of a chunk will be on air; `usual_s` if nobody knows."""
        if not self._ahead.is_known or chunk_index not in self._ahead.planned:
            return usual_s
        shown_s = self._ahead.planned[chunk_index] + self._ahead.usual_s
        due = self.due(clock)
        if due is not None and due.chunk_index == chunk_index:
            shown_s = max(shown_s, due.at_s)
        return max(0.0, shown_s - now_s)

    def watch(self, playout: PlayoutState, clock: BeatClock) -> None:
        """Measure what was seen; pictures on the way to a beat are late by intent."""
        self._playout, coming = playout, self._coming
        self._ahead = lookahead.seen(
            self._ahead, playout.chunk_shown, playout.chunk_shown_s, counts=coming is None
        )
        if coming is not None and playout.chunk_shown >= coming.chunk_index:
            self._coming = None
            if clock.is_known:
                self._on_seen(coming, clock, playout)

    def _on_seen(self, coming: _Coming, clock: BeatClock, playout: PlayoutState) -> None:
        late_s = playout.chunk_shown_s - clock.when_s(coming.beat)
        held_back_s = playout.held_back_s - coming.held_back_s
        self.hit = Hit(coming.beat, late_s, held_back_s)
        if late_s > coming.period_s:
            place = place_text(coming.beat)
            text = f"the cut for {place} was seen {late_s * 1000:.0f} ms after it: a slow chunk"
            self._notice(Severity.WARNING, "beat", text)
