"""A night of quantised cuts: a bursty generator, the real decisions, the real playout clock.

Nothing here decides: boundaries, aim, reservoir and speed are those of the host, in simulated time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from statistics import median

from engine.host import lookahead as ahead_of
from engine.host.beat_wait import Landing, Waiting, decide
from engine.host.lookahead import Lookahead
from engine.host.playout.aim import Aim, reach_s
from engine.host.playout.clock import Clock, Controls, Mode, fed, tick
from engine.host.playout.pace import granted, refused
from engine.protocol.beat import BeatClock

CHUNK, NATIVE_FPS = 12, 16.0


@dataclass
class Night:
    """`can_hold_back` False is how it was before: the nearest chunk, whenever it is seen."""

    generation_fps: float
    beat: BeatClock
    quantum: float
    can_hold_back: bool = True
    pre_roll: int = 0  # chunks of each cut that nobody sees
    output_fps: float = 30.0
    clock: Clock = field(default_factory=Clock)
    ahead: Lookahead = field(default_factory=Lookahead)
    waiting: Waiting | None = None
    unseen: range = range(0)
    coming: tuple[int, float] | None = None  # chunk, its beat
    errors_s: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)  # of content while it is live, of native
    left_frames: list[float] = field(default_factory=list)  # unshown, at each tick

    def play(self, seconds, seed=0, jitter_s=0.05):
        """Cut every three to eight seconds; returns the night."""
        chance, dt_s = random.Random(seed), 1 / self.output_fps
        ready_s, cut_at_s, asks = None, 5.0, False
        firsts, chunk, crossed_s, periods = {}, 0, None, [CHUNK / self.generation_fps]
        for index in range(int(seconds * self.output_fps)):
            now_s = index * dt_s
            if now_s >= cut_at_s:
                asks, cut_at_s = True, now_s + chance.uniform(3, 8)
            if ready_s is None and self._has_room(now_s):
                periods = [*periods, now_s - crossed_s][-6:] if crossed_s is not None else periods
                crossed_s, asks = now_s, self._cross(chunk, now_s, median(periods), asks)
                thinks_s = CHUNK / self.generation_fps + chance.uniform(0, jitter_s)
                ready_s, chunk = now_s + thinks_s, chunk + 1
            elif ready_s is not None and ready_s <= now_s:
                if chunk - 1 not in self.unseen:
                    firsts[chunk - 1] = self.clock.num_fed
                    self.clock = fed(self.clock, CHUNK, NATIVE_FPS, ready_s)
                ready_s = None
            self._tick(firsts, now_s, dt_s)
        return self

    def _has_room(self, now_s):
        has = self.clock.pace.has_room(self.clock.left_frames, CHUNK)
        answered = granted if has else refused
        self.clock = replace(self.clock, pace=answered(self.clock.pace, now_s))
        return has

    def _cross(self, chunk, now_s, period_s, asks):
        self.ahead = ahead_of.planned(self.ahead, chunk, now_s)
        if not asks:
            return False
        ahead_s, speed = self.ahead.usual_s or 1.0, self.clock.pace.rate_fps / NATIVE_FPS
        reach = reach_s(ahead_s, speed if self.can_hold_back else 0.0, period_s)
        reach = period_s if self.pre_roll and self.can_hold_back else reach
        shown_s = now_s + ahead_s + self.pre_roll * period_s
        said = decide(self.waiting, self.beat, self.quantum, shown_s, (period_s, reach))
        self.waiting = said if isinstance(said, Waiting) else None
        if isinstance(said, Landing):
            self.coming = (chunk + self.pre_roll, said.beat)
            self.unseen = range(chunk, chunk + self.pre_roll)
        return self.waiting is not None

    def _tick(self, firsts, now_s, dt_s):
        aim = None
        if self.coming is not None and self.can_hold_back:
            frame = firsts.get(self.coming[0], self.clock.num_fed)
            aim = Aim(frame, self.beat.when_s(self.coming[1]) - now_s, self.pre_roll > 0)
        before, was = self.clock.position, self.clock.mode
        self.clock, decision = tick(self.clock, dt_s, Controls(blend=False, aim=aim))
        if decision.frame is None:
            return
        self.left_frames.append(self.clock.left_frames)
        if was is Mode.LIVE and self.clock.mode is Mode.LIVE:
            self.speeds.append((self.clock.position - before) / dt_s / NATIVE_FPS)
        shown = max((c for c, first in firsts.items() if first <= decision.frame), default=-1)
        is_new = shown > self.ahead.newest_seen
        self.ahead = ahead_of.seen(self.ahead, shown, now_s, counts=self.coming is None)
        if is_new and self.coming is not None and shown >= self.coming[0]:
            self.errors_s.append(now_s - self.beat.when_s(self.coming[1]))
            self.coming = None
