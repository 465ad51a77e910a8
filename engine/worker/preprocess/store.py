"""Control maps between the preprocess thread and the chunk loop.

In:     maps of input frames, by their number in the input ring.
Out:    the newest whole window of maps up to a given frame.
Thread: `put` in preprocess; `window` and `drop_before` in generator.
Full:   forgets the oldest; nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.worker.preprocess.base import ControlMap

_KEPT_FRAMES = 64


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """Maps [F, h, w] of consecutive frames; `stale_frames` is how far `last` is behind."""

    maps: ControlMap
    first: int
    last: int
    stale_frames: int


def window_numbers(ready: Sequence[int], until: int, count: int) -> tuple[int, ...]:
    """Return which ready frame serves each of the `count` newest frames up to `until`.

    The window ends at the newest ready frame. A frame that was skipped is served by the one before
    it, and what lies before the first ready frame by that one. Empty when nothing is ready.

    Args:
        ready: frame numbers, rising.
        until: newest frame that may be used.
        count: length of the window.
    """
    usable = [number for number in ready if number <= until]
    if not usable:
        return ()
    newest = usable[-1]
    wanted = range(newest - count + 1, newest + 1)
    return tuple(
        next((number for number in reversed(usable) if number <= frame), usable[0])
        for frame in wanted
    )


class MapStore:
    """The newest control maps of all kinds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for dictionary work only
        self._ready: dict[int, Mapping[str, ControlMap]] = {}
        self.num_put = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._ready)

    def put(self, number: int, maps: Mapping[str, ControlMap]) -> None:
        """Add the maps of a frame, kind → [h, w]."""
        with self._lock:
            self._ready[number] = maps
            self.num_put += 1
            for old in sorted(self._ready)[:-_KEPT_FRAMES]:
                del self._ready[old]

    def drop_before(self, number: int) -> int:
        """Forget frames before `number`; returns how many."""
        with self._lock:
            stale = [old for old in self._ready if old < number]
            for old in stale:
                del self._ready[old]
            return len(stale)

    def window(self, kind: str, until: int, count: int) -> ControlWindow | None:
        """Return the newest window of `count` maps up to frame `until`; None without any."""
        with self._lock:
            numbers = window_numbers(sorted(self._ready), until, count)
            maps = [self._ready[number][kind] for number in numbers]
        if not maps:
            return None
        last = numbers[-1]
        return ControlWindow(np.stack(maps), last - count + 1, last, until - last)
