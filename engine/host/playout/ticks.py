"""When output frames are due: absolute deadlines at an exact rational rate. PURE.

Deadline of tick n is `origin + (n - first) / rate` in whole nanoseconds, so nothing accumulates:
after ten hours of 30000/1001 the deadline is as exact as at the start.

What `next_tick` does, by how far the next deadline lies behind now:

    behind                      | next index            | told in `Tick`
    ----------------------------+-----------------------+------------------------------------------
    not at all (still ahead)    | as planned            | –
    less than one interval      | as planned, emit now  | – (`is_late` counts it when it is emitted)
    one interval up to 1 s      | skips what is past    | num_missed: ticks that will never be sent
    more than 1 s (suspended)   | as planned            | stalled_s; the deadlines start anew at now

Skipping keeps the receiver's clock true: after a hiccup the frame that is due now goes out, not a
burst of old ones. Timecodes are the deadlines in units of 100 ns: rising and exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

NS_PER_S = 1_000_000_000
STALL_NS = NS_PER_S
_LATE_SHARE = 4  # a tick is late when it left more than 1/4 interval after its deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The deadlines of one output rate. `next_index` is the tick that was not emitted yet."""

    rate: Fraction  # output frames a second
    origin_ns: int  # deadline of tick `first_index`
    first_index: int = 0
    next_index: int = 0

    @property
    def interval_ns(self) -> int:
        """Time between two ticks, rounded down; for tolerances, never for deadlines."""
        return self._span_ns(1)

    def deadline_ns(self, index: int) -> int:
        """Return when tick `index` is due, on the clock of `origin_ns`."""
        return self.origin_ns + self._span_ns(index - self.first_index)

    def is_late(self, index: int, emitted_ns: int) -> bool:
        """Return whether tick `index` missed its deadline when it left at `emitted_ns`."""
        return emitted_ns - self.deadline_ns(index) > self.interval_ns // _LATE_SHARE

    def _span_ns(self, num_ticks: int) -> int:
        return num_ticks * NS_PER_S * self.rate.denominator // self.rate.numerator


@dataclass(frozen=True, slots=True)
class Tick:
    """One output frame to make: emit it at `due_ns`."""

    index: int
    due_ns: int
    num_missed: int = 0  # ticks before it that were skipped
    stalled_s: float = 0.0  # above 0: the deadlines were set anew after a stall this long

    @property
    def timecode_100ns(self) -> int:
        """The deadline in units of 100 ns."""
        return self.due_ns // 100


def next_tick(ticks: Ticks, now_ns: int) -> tuple[Ticks, Tick]:
    """Return the tick to emit next, as the table above says, and the state after it."""
    index = ticks.next_index
    behind_ns = now_ns - ticks.deadline_ns(index)
    if behind_ns > STALL_NS:
        anew = replace(ticks, origin_ns=now_ns, first_index=index, next_index=index + 1)
        return anew, Tick(index, now_ns, stalled_s=behind_ns / NS_PER_S)
    num_missed = 0
    if behind_ns >= ticks.interval_ns:
        num_missed = _num_past(ticks, now_ns)
    index += num_missed
    tick = Tick(index, ticks.deadline_ns(index), num_missed)
    return replace(ticks, next_index=index + 1), tick


def with_rate(ticks: Ticks, rate: Fraction) -> Ticks:
    """Return deadlines at another rate that go on from the tick that is next."""
    index = ticks.next_index
    return Ticks(rate=rate, origin_ns=ticks.deadline_ns(index), first_index=index, next_index=index)


def _num_past(ticks: Ticks, now_ns: int) -> int:
    """Return how many ticks from the next one on are past, not counting the one due now."""
    elapsed = Fraction(now_ns - ticks.origin_ns, NS_PER_S) * ticks.rate
    return max(0, ticks.first_index + int(elapsed) - ticks.next_index)
