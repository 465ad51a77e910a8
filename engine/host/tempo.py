"""How fast chunks come and when the next boundary is. PURE: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

WINDOW_S = 5.0
_KEPT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """Times of one monotonic clock, in seconds."""

    arrivals: tuple[tuple[float, int], ...] = ()  # (when, frames) of the last chunks
    boundaries: tuple[float, ...] = ()  # when the last plans were made


def arrived(tempo: Tempo, num_frames: int, now_s: float) -> Tempo:
    """Note that a chunk's frames came."""
    return replace(tempo, arrivals=(*tempo.arrivals, (now_s, num_frames))[-_KEPT:])


def crossed(tempo: Tempo, now_s: float) -> Tempo:
    """Note that a boundary was crossed."""
    return replace(tempo, boundaries=(*tempo.boundaries, now_s)[-_KEPT:])


def interrupted(tempo: Tempo) -> Tempo:
    """Forget where the beat was: the generator was lost, the next boundary is not known."""
    return replace(tempo, boundaries=())


def generation_fps(tempo: Tempo, now_s: float) -> float:
    """Return frames a second over the last `WINDOW_S`; falls to 0 when nothing comes."""
    recent = [arrival for arrival in tempo.arrivals if now_s - arrival[0] <= WINDOW_S]
    if len(recent) < 2:
        return 0.0
    first_s, last_s = recent[0][0], recent[-1][0]
    usual_s = (last_s - first_s) / (len(recent) - 1)
    span_s = max(last_s, now_s - 1.5 * usual_s) - first_s
    return sum(frames for _, frames in recent[1:]) / span_s if span_s > 0 else 0.0


def chunk_period_s(tempo: Tempo) -> float:
    """Return the usual time from boundary to boundary; 0 before it is known."""
    recent = tempo.boundaries[-8:]
    gaps = [later - earlier for earlier, later in pairwise(recent)]
    return median(gaps) if gaps else 0.0


def boundary_in_s(tempo: Tempo, now_s: float) -> float:
    """Return the estimated time to the next boundary; 0 when it is unknown or overdue."""
    period_s = chunk_period_s(tempo)
    return max(0.0, tempo.boundaries[-1] + period_s - now_s) if period_s else 0.0
