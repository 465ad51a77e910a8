"""How fast content plays, and whether the generator may make more. PURE.

The generator delivers bursts: one chunk, then nothing for a while. Content must flow evenly. Once
a chunk, at the moment it arrives, we see how many frames were left unshown. That low-water mark
is free of the burst's sawtooth, and it is the only thing that is steered:

    wanted rate = capability + (frames left - margin) / settling time     clamped to 0.5 … 1 native
    rate        → wanted rate, with a time constant of 0.5 s

`margin` frames lie between us and an underrun. It grows when jitter eats it (each underrun adds
0.1 s) and shrinks slowly: constant delay beats low delay.

Capability is what the generator could do if nobody made it wait: frames a second over the last
chunks, without the time in which `has_room` refused it. Without that correction two followers
would follow each other down: slow playout throttles the generator, which looks slow.

    generator    | has_room              | playout rate        | frames left when a chunk comes
    -------------+-----------------------+---------------------+-------------------------------
    faster       | refuses until in need | native              | margin + 1
    0.5 … 1      | always                | that of generation  | margin
    below 0.5    | always                | 0.5 native          | 0: holds at each chunk
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean, median

MIN_SPEED = 0.5  # of native
_UNKNOWN_SPEED = 0.75  # of native, before the second chunk tells
_BASE_MARGIN_S = 0.25
_MAX_MARGIN_S = 0.75
_MARGIN_STEP_S = 0.1
_MARGIN_DECAY = 1 / 600  # seconds a second
_SLEW_S = 0.5
_SETTLE_S = 2.0
_CYCLES_KEPT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Rates in content frames a second, times in seconds of one monotonic clock."""

    native_fps: float = 16.0
    rate_fps: float = 0.0  # now; 0 before the first chunk
    wanted_fps: float = 0.0
    margin_s: float = _BASE_MARGIN_S
    chunk_frames: int = 0  # of the newest chunk
    cycles_s: tuple[float, ...] = ()  # seconds a frame, of the last chunks
    last_arrival_s: float | None = None
    refused_at_s: float | None = None
    waited_s: float = 0.0  # in which has_room refused, since the last arrival

    @property
    def margin_frames(self) -> float:
        """Frames that should be left when a chunk arrives."""
        return self.margin_s * self.native_fps

    @property
    def target_delay_frames(self) -> int:
        """Frames that should lie unshown right after a chunk arrived."""
        return self.chunk_frames + math.ceil(self.margin_frames)

    @property
    def cycle_s(self) -> float | None:
        """Seconds the generator needs for a frame; None before it is known.

        Mean of what lies near the median: a restart or one hiccup does not count.
        """
        if not self.cycles_s:
            return None
        middle = median(self.cycles_s)
        return fmean(c for c in self.cycles_s if middle / 2 <= c <= middle * 2)

    @property
    def capability_fps(self) -> float:
        """Frames a second the generator could make, as far as known."""
        cycle_s = self.cycle_s
        return 1 / cycle_s if cycle_s else _UNKNOWN_SPEED * self.native_fps

    def has_room(self, left_frames: float, num_frames: int) -> bool:
        """Return whether a chunk of `num_frames`, begun now, would come none too early."""
        lead_frames = float(num_frames)
        if self.cycle_s is not None:  # frames that will be shown until it arrives
            lead_frames = min(1.05 * self.native_fps * self.cycle_s, 2.0) * num_frames
        return left_frames <= self.margin_frames + 1 + lead_frames


def arrived(
    pace: Pace, num_frames: int, native_fps: float, left_frames: float, now_s: float
) -> Pace:
    """Return the pace after a chunk of `num_frames` came while `left_frames` were unshown."""
    measured = replace(
        _with_cycle(granted(pace, now_s), num_frames, now_s),
        native_fps=native_fps, chunk_frames=num_frames, last_arrival_s=now_s, waited_s=0.0,
    )  # fmt: skip
    settle_s = max(_SETTLE_S, 3 * num_frames / measured.capability_fps)
    steered = measured.capability_fps + (left_frames - measured.margin_frames) / settle_s
    wanted_fps = min(max(steered, MIN_SPEED * native_fps), native_fps)
    return replace(measured, wanted_fps=wanted_fps, rate_fps=pace.rate_fps or wanted_fps)


def advance(pace: Pace, dt_s: float) -> Pace:
    """Return the pace `dt_s` later."""
    share = 1 - math.exp(-dt_s / _SLEW_S)
    rate_fps = pace.rate_fps + (pace.wanted_fps - pace.rate_fps) * share
    margin_s = max(_BASE_MARGIN_S, pace.margin_s - dt_s * _MARGIN_DECAY)
    return replace(pace, rate_fps=rate_fps, margin_s=margin_s)


def underran(pace: Pace) -> Pace:
    """Return the pace after the frames ran out: wider margin, unless the generator is too slow."""
    if pace.capability_fps < MIN_SPEED * pace.native_fps:
        return pace
    return replace(pace, margin_s=min(_MAX_MARGIN_S, pace.margin_s + _MARGIN_STEP_S))


def refused(pace: Pace, now_s: float) -> Pace:
    """Return the pace after the generator was told to wait."""
    return pace if pace.refused_at_s is not None else replace(pace, refused_at_s=now_s)


def granted(pace: Pace, now_s: float) -> Pace:
    """Return the pace after the generator was told to go on."""
    if pace.refused_at_s is None:
        return pace
    waited_s = pace.waited_s + now_s - pace.refused_at_s
    return replace(pace, refused_at_s=None, waited_s=waited_s)


def _with_cycle(pace: Pace, num_frames: int, now_s: float) -> Pace:
    if pace.last_arrival_s is None:
        return pace
    cycle_s = (now_s - pace.last_arrival_s - pace.waited_s) / num_frames
    cycles_s = (*pace.cycles_s, max(cycle_s, 1e-4))[-_CYCLES_KEPT:]
    return replace(pace, cycles_s=cycles_s)
