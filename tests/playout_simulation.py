"""A generator and an output that share simulated time: for tests of the playout clock.

The generator is bursty: it thinks for `num_frames / generation_fps` seconds and some jitter, then
delivers a whole chunk, then asks for room as the real conductor does.
"""

import random
from dataclasses import dataclass, replace

from engine.host.playout.clock import Clock, Controls, fed, tick
from engine.host.playout.pace import granted, refused


@dataclass
class Moment:
    """One output tick: the clock after it and what it decided."""

    at_s: float
    clock: Clock
    decision: object
    controls: Controls


class BurstyGenerator:
    """Feeds a clock; stands still during `outage` (begin_s, end_s)."""

    def __init__(self, generation_fps, chunk=12, native_fps=16.0, jitter_s=0.08, outage=None):
        self.chunk, self.native_fps, self.jitter_s = chunk, native_fps, jitter_s
        self.think_s = chunk / generation_fps
        self.outage = outage or (float("inf"), float("inf"))
        self.random = random.Random(f"{generation_fps} {chunk} {native_fps}")
        self.ready_at_s = self._think_from(0.0)

    def advance(self, clock, now_s):
        """Return the clock with everything delivered up to `now_s`."""
        while True:
            if self.ready_at_s is None:
                if not clock.pace.has_room(clock.left_frames, self.chunk):
                    return replace(clock, pace=refused(clock.pace, now_s))
                clock = replace(clock, pace=granted(clock.pace, now_s))
                self.ready_at_s = self._think_from(now_s)
            if self.ready_at_s > now_s:
                return clock
            clock = fed(clock, self.chunk, self.native_fps, self.ready_at_s)
            at_s, self.ready_at_s = self.ready_at_s, None
            if clock.pace.has_room(clock.left_frames, self.chunk):
                self.ready_at_s = self._think_from(at_s)

    def _think_from(self, at_s):
        begin_s, end_s = self.outage
        ready_s = at_s + self.think_s + self.random.uniform(0, self.jitter_s)
        return ready_s if ready_s < begin_s or at_s > end_s else end_s + self.think_s


def play(generator, output_fps, seconds, controls=lambda now_s: Controls(blend=False)):
    """Return the moments of `seconds` of output."""
    clock, moments, dt_s = Clock(), [], 1 / float(output_fps)
    for index in range(int(seconds / dt_s)):
        now_s = index * dt_s
        clock = generator.advance(clock, now_s)
        wishes = controls(now_s)
        clock, decision = tick(clock, dt_s, wishes)
        moments.append(Moment(now_s, clock, decision, wishes))
    return moments


def brightness(moments, of_frame):
    """Return what a viewer sees: the mixed value of each moment, black = 0, with HELD kept."""
    values, held, last = [], 0.0, 0.0
    for moment in moments:
        if moment.decision.keep_previous:
            held = last
        shares = moment.decision.shares
        last = sum(s.weight * (held if s.frame < 0 else of_frame(s.frame)) for s in shares)
        values.append(last)
    return values
