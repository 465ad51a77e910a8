"""Looks into the preview ring sixty times a second and hands on each new frame, once.

In:     ring of BGRX [H, W, 4] uint8, written by the host.
Out:    QImage Format_RGB32 over the copied frame; no pixel is touched here.
Thread: Qt main. A copy of 960x540 takes well under a millisecond.
Full:   latest wins; frames in between are never seen.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from engine.errors import RemoteProtocolError
from engine.protocol.frame_ring import Frame, RingReader

_PERIOD_MS = 16


class PreviewFeed(QObject):
    """The newest program frame of the engine that we are attached to."""

    frame_arrived = Signal(QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader: RingReader | None = None
        self._path = ""
        self._num_seen = 0
        self._pixels: Frame | None = None  # QImage does not own what it shows
        self._timer = QTimer(self, interval=_PERIOD_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    def follow(self, path: str) -> None:
        """Read from this ring from now on; empty for none."""
        if path == self._path:
            return
        self._path = path
        self._close()
        self._num_seen = 0
        if path:
            self._timer.start()
        else:
            self._timer.stop()

    def _on_tick(self) -> None:
        reader = self._reader or self._open()
        if reader is None or reader.num_written == self._num_seen:
            return
        self._num_seen = reader.num_written
        frame = reader.latest()
        if frame is None or frame.pixels.shape[2] != 4:
            return
        self._pixels = frame.pixels
        height, width, _ = frame.pixels.shape
        image = QImage(frame.pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.frame_arrived.emit(image)

    def _open(self) -> RingReader | None:
        try:
            self._reader = RingReader(self._path)
        except RemoteProtocolError:  # not there yet, or gone: the engine's link says so
            return None
        return self._reader

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
