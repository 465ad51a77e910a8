"""Control maps between the preprocess thread and the chunk loop.

In:     maps of input frames, by their number in the input ring.
Out:    the maps that a chunk needs, up to a given frame.
Thread: `put` in the lanes of preprocess; the rest in generator.
Full:   forgets the oldest; nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.worker.preprocess.base import ControlMap
from engine.worker.schedule import resample_indices

_KEPT_FRAMES = 64
_MAX_THINNING = 3  # times the length of a chunk; after a longer pause the newest frames do


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """Maps [F, h, w], or pictures [F, H, W, C], of the frames `numbers`.

    `stale_frames` is how far the last is behind.
    """

    maps: ControlMap
    numbers: tuple[int, ...]
    stale_frames: int


def window_numbers(
    ready: Sequence[int], until: int, count: int, since: int | None = None
) -> tuple[int, ...]:
    """Return which ready frame serves each of the `count` frames of a chunk.

    The window ends at the newest ready frame up to `until` and begins where the one before ended,
    so that what moves in the source moves on without a jump and at its own speed, whether chunks
    come faster or slower than the source's frames: more frames are thinned out, fewer are repeated.
    Without one before, or with one long ago, it is the newest `count` frames.

    A frame that was skipped is served by the one before it, and what lies before the first ready
    frame by that one. Empty when nothing is ready.

    Args:
        ready: frame numbers, rising.
        until: newest frame that may be used.
        count: frames of a chunk.
        since: newest frame that the chunk before has used.
    """
    usable = [number for number in ready if number <= until]
    if not usable:
        return ()
    newest = usable[-1]
    is_next = since is not None and newest - since <= _MAX_THINNING * count
    first = newest - count + 1 if since is None or not is_next else min(since + 1, newest)
    wanted = (first + step for step in resample_indices(newest - first + 1, count))
    return tuple(
        next((number for number in reversed(usable) if number <= frame), usable[0])
        for frame in wanted
    )


class MapStore:
    """The newest control maps (or pictures, see `ControlForm`) of all kinds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for dictionary work only
        self._ready: dict[str, dict[int, ControlMap]] = {}
        self.num_put = 0

    def __len__(self) -> int:
        with self._lock:
            return len(set().union(*self._ready.values()))

    def put(self, number: int, maps: Mapping[str, ControlMap]) -> None:
        """Add the maps of a frame, kind → [h, w]."""
        with self._lock:
            self.num_put += 1
            for kind, control_map in maps.items():
                ready = self._ready.setdefault(kind, {})
                ready[number] = control_map
                for old in sorted(ready)[:-_KEPT_FRAMES]:
                    del ready[old]

    def drop_before(self, number: int) -> int:
        """Forget frames before `number`; returns how many."""
        with self._lock:
            stale = {old for ready in self._ready.values() for old in ready if old < number}
            for ready in self._ready.values():
                for old in stale & ready.keys():
                    del ready[old]
            return len(stale)

    def forget(self, kind: str) -> None:
        """Forget all maps of one kind."""
        with self._lock:
            self._ready.pop(kind, None)

    def at(self, kind: str, numbers: Sequence[int]) -> ControlMap | None:
        """Return the maps of these frames, or of the newest before each; None without any."""
        with self._lock:
            ready = self._ready.get(kind, {})
            rising = sorted(ready)
            maps = [
                ready[next((n for n in reversed(rising) if n <= number), rising[0])]
                for number in (numbers if rising else ())
            ]
        return np.stack(maps) if maps else None

    def window(
        self, kind: str, until: int, count: int, since: int | None = None
    ) -> ControlWindow | None:
        """Return `count` maps up to frame `until`, see `window_numbers`; None without any."""
        with self._lock:
            ready = self._ready.get(kind, {})
            numbers = window_numbers(sorted(ready), until, count, since)
            maps = [ready[number] for number in numbers]
        if not maps:
            return None
        return ControlWindow(np.stack(maps), numbers, until - numbers[-1])
