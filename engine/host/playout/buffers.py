"""Output-size buffers that come back by themselves.

A fresh 1080p array costs 1.9 ms of page faults, more than copying it (two cores, 2026-11). So a
buffer is leased: whoever uses its pixels holds the `Lease`, and when the last holder lets go, the
buffer is free again.

Thread: any. Taking and freeing are single deque operations.
Full:   cannot fill: with nothing free a new buffer is made; at most `NUM_FREE` wait for reuse.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from engine.protocol.frame_ring import Frame

NUM_FREE = 8


class Lease:
    """A buffer in use. `buffer` is for whoever fills it, `pixels` is the read-only view."""

    def __init__(self, buffer: Frame, free: deque[Frame]) -> None:
        self.buffer = buffer
        self.pixels = buffer.view()
        self.pixels.flags.writeable = False
        self._free = free

    def __del__(self) -> None:
        self._free.append(self.buffer)


class BufferPool:
    """Buffers [height_px, width_px, 4] uint8 of one size."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px = width_px
        self.height_px = height_px
        self._free: deque[Frame] = deque(maxlen=NUM_FREE)

    def take(self) -> Lease:
        """Return a buffer with arbitrary content."""
        try:
            buffer = self._free.pop()
        except IndexError:
            buffer = np.empty((self.height_px, self.width_px, 4), np.uint8)
        return Lease(buffer, self._free)
