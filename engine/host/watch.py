"""When the worker counts as lost, and how soon it is tried again. PURE: time is an argument.

    phase     | sign of life          | lost after                                  | reason
    ----------+-----------------------+---------------------------------------------+--------------
    loading   | WorkerReady           | load_s                                      | load deadline
    live      | any message           | heartbeat_s without one                     | no heartbeat
    in chunk  | ChunkReport           | max(chunk_s, chunk_factor · median chunk);  | chunk deadline
              |                       | first_chunk_s for the first after loading   |

While it loads, no heartbeat is demanded: importing libraries may hold every thread of it.

We ourselves may have been stopped (a closed lid, a debugger). When two looks lie more than
`SUSPENDED_S` apart, all clocks of the watch are set forward by the gap: nobody is killed for our
sleep.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

SUSPENDED_S = 2.0
_CHUNKS_KEPT = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the worker may be silent, in seconds."""

    load_s: float = 900.0  # tens of GB from a disk
    heartbeat_s: float = 5.0
    chunk_s: float = 10.0
    chunk_factor: float = 8.0
    first_chunk_s: float = 120.0  # warm-up and compilation
    backoff_s: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
    max_failed_loads: int = 3  # in a row, before anything was ever live


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known of one worker process. Times are those of one monotonic clock."""

    started_s: float
    looked_s: float
    ready_s: float | None = None
    heard_s: float = 0.0
    planned_s: float | None = None  # when the chunk in hand was planned
    chunks_s: tuple[float, ...] = field(default=())  # how long the last chunks took


def started(now_s: float) -> Watch:
    """Return the watch of a process that was just started."""
    return Watch(started_s=now_s, looked_s=now_s, heard_s=now_s)


def heard(watch: Watch, now_s: float) -> Watch:
    """Note a message of any kind."""
    return replace(watch, heard_s=now_s)


def ready(watch: Watch, now_s: float) -> Watch:
    """Note that the model is loaded."""
    return replace(watch, ready_s=now_s, heard_s=now_s)


def planned(watch: Watch, now_s: float) -> Watch:
    """Note that a plan was sent."""
    return replace(watch, planned_s=now_s)


def reported(watch: Watch, now_s: float) -> Watch:
    """Note that its report came."""
    if watch.planned_s is None:
        return heard(watch, now_s)
    chunks = (*watch.chunks_s, now_s - watch.planned_s)[-_CHUNKS_KEPT:]
    return replace(watch, planned_s=None, heard_s=now_s, chunks_s=chunks)


def look(watch: Watch, limits: Limits, now_s: float) -> tuple[Watch, str]:
    """Return the watch after a look, and why the worker is lost, or nothing."""
    gap_s = now_s - watch.looked_s
    if gap_s > SUSPENDED_S:
        watch = _set_forward(watch, gap_s)
    return replace(watch, looked_s=now_s), _verdict(watch, limits, now_s)


def _verdict(watch: Watch, limits: Limits, now_s: float) -> str:
    if watch.ready_s is None:
        overdue = now_s - watch.started_s > limits.load_s
        return f"not loaded within {limits.load_s:g} s" if overdue else ""
    if now_s - watch.heard_s > limits.heartbeat_s:
        return f"no heartbeat for {limits.heartbeat_s:g} s"
    deadline_s = chunk_deadline_s(watch, limits)
    if watch.planned_s is not None and now_s - watch.planned_s > deadline_s:
        return f"a chunk took longer than {deadline_s:.1f} s"
    return ""


def chunk_deadline_s(watch: Watch, limits: Limits) -> float:
    """Return how long the chunk in hand may take."""
    if not watch.chunks_s:
        return limits.first_chunk_s
    return max(limits.chunk_s, limits.chunk_factor * median(watch.chunks_s))


def backoff_s(limits: Limits, failures: int) -> float:
    """Return the wait before the next start after `failures` ≥ 1 in a row: the first is at once."""
    return limits.backoff_s[min(failures, len(limits.backoff_s)) - 1]


def _set_forward(watch: Watch, gap_s: float) -> Watch:
    return replace(
        watch,
        started_s=watch.started_s + gap_s,
        heard_s=watch.heard_s + gap_s,
        planned_s=None if watch.planned_s is None else watch.planned_s + gap_s,
    )
