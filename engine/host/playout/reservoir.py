"""Frames between bursty chunks and a steady tick: those to come, and a history for the loop.

In:     frames [H, W, 4] uint8 BGRX in content order; index 0 is the first frame ever fed.
Out:    the same frames by index, not copied.
Thread: playout.
Full:   bounded by its user: the clock skips content that is too far ahead and names the oldest
        frame that it still needs; `forget_before` lets go of the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from engine.protocol.frame_ring import RingFrame


class Reservoir:
    """A stretch of content without gaps."""

    def __init__(self) -> None:
        self._frames: deque[RingFrame] = deque()
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def end(self) -> int:
        """Index of the frame that will be appended next."""
        return self._oldest + len(self._frames)

    def append(self, frames: Iterable[RingFrame]) -> None:
        """Take frames in content order."""
        self._frames.extend(frames)

    def get(self, index: int) -> RingFrame | None:
        """Return frame `index`, or None when it is forgotten or not there yet."""
        place = index - self._oldest
        return self._frames[place] if 0 <= place < len(self._frames) else None

    def forget_before(self, index: int) -> None:
        """Let go of the frames before `index`."""
        while self._frames and self._oldest < index:
            self._frames.popleft()
            self._oldest += 1
