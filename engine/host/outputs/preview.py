"""Put the program into a small ring that the window reads.

In:     `ProgramFrame`s BGRX.
Out:    a frame ring, BGRX [H, W, 4] uint8 of at most 960x540, aspect kept; the newest wins.
Thread: `preview`.
Full:   the window misses frames; nobody waits for it.
"""

from __future__ import annotations

import cv2

from engine.host.outputs.base import Notices, Output, ProgramFrame, no_notices
from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingWriter
from engine.protocol.values import OutputSpec

MAX_WIDTH_PX = 960
MAX_HEIGHT_PX = 540
_NUM_SLOTS = 4


class PreviewOutput(Output):
    """The program for the window. `ring_path` is there from the start until `remove`."""

    def __init__(self, notices: Notices = no_notices) -> None:
        super().__init__("preview", capacity=1, notices=notices)
        self.ring_path = frame_ring.create("preview", _NUM_SLOTS, MAX_WIDTH_PX * MAX_HEIGHT_PX * 4)
        self._writer: RingWriter | None = None

    def remove(self) -> None:
        """Remove the ring for good; call after `stop`."""
        frame_ring.remove(self.ring_path)

    def _open(self, spec: OutputSpec) -> bool:
        self._writer = RingWriter(self.ring_path)
        return True

    def _write(self, frame: ProgramFrame) -> None:
        if self._writer is None:
            return
        height, width = frame.pixels.shape[:2]
        size = preview_size(width, height)
        pixels = frame.pixels
        if size != (width, height):
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
        self._writer.write(pixels, FrameMeta(media_index=frame.index, captured_ns=frame.due_ns))

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def preview_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return width and height of the preview: even, fitting, never larger than the program."""
    scale = min(1.0, MAX_WIDTH_PX / width_px, MAX_HEIGHT_PX / height_px)
    return max(2, int(width_px * scale) // 2 * 2), max(2, int(height_px * scale) // 2 * 2)
