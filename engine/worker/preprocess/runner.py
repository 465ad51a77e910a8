"""Run all preprocessors on every input frame as it arrives, ahead of need.

In:     the input ring: frames [H, W, 3] RGB uint8 at model size, about 16 a second.
Out:    control maps of every kind in a `MapStore`.
Thread: preprocess.
Full:   a backlog is skipped: better a stale map than a late one. The chunk loop never waits.

All kinds run always. Together they take 4 ms a frame of 256x256 on one core of a server (2026-11),
a twentieth of it; in return another kind can be chosen from one chunk to the next, with its memory
(background, range) warm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from engine.protocol.frame_ring import RingReader
from engine.worker.preprocess.base import Preprocessor
from engine.worker.preprocess.edges import Edges
from engine.worker.preprocess.luminance import Luminance
from engine.worker.preprocess.silhouette import Silhouette
from engine.worker.preprocess.store import MapStore

_MAX_BACKLOG_FRAMES = 4  # a quarter of a second
_LOOK_EVERY_S = 0.01
_STOP_WITHIN_S = 1.0

OnError = Callable[[BaseException], None]


def default_preprocessors() -> list[Preprocessor]:
    """Return one preprocessor of every kind that `control_kind` offers."""
    return [Silhouette(), Luminance(), Edges()]


class PreprocessRunner:
    """The preprocess thread."""

    def __init__(
        self, ring: RingReader, preprocessors: Sequence[Preprocessor], on_error: OnError
    ) -> None:
        self.store = MapStore()
        self._ring = ring
        self._preprocessors = preprocessors
        self._on_error = on_error
        self._start_at = max(ring.num_written - 1, 0)  # what came before this worker is stale
        self._next = self._start_at
        self._restart = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._preprocess_thread, name="preprocess")
        self._thread.daemon = True  # must not keep a worker alive whose chunk loop has died

    def start(self) -> None:
        """Begin with the newest frame of the ring."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame in hand."""
        self._stop.set()
        self._thread.join(_STOP_WITHIN_S)

    @property
    def is_restarting(self) -> bool:
        """Whether a restart was asked for and the next frame has not come yet."""
        return self._restart.is_set()

    def restart_at(self, number: int) -> None:
        """Forget the source before frame `number`: maps, ranges, background. Returns at once."""
        self._start_at = number
        self._restart.set()
        self.store.drop_before(number + 1)  # its own map was made with the old source's memory

    def _preprocess_thread(self) -> None:
        try:
            while not self._stop.is_set():
                if not self.step():
                    self._stop.wait(_LOOK_EVERY_S)
        except Exception as error:  # noqa: BLE001 (thread entry: the worker reports it and ends)
            self._on_error(error)

    def step(self) -> bool:
        """Process the next frame; False when there is none. Only the thread calls it, and tests."""
        self._restart_if_asked()
        written = self._ring.num_written
        if written <= self._next:
            return False
        if written - self._next > _MAX_BACKLOG_FRAMES:
            self._next = written - 1
        number = self._next
        self._next += 1
        frame = self._ring.read(number)
        if frame is not None:
            maps = {p.kind: p.push(frame.pixels) for p in self._preprocessors}
            if number >= self._start_at:  # a restart may have come meanwhile
                self.store.put(number, maps)
        return True

    def _restart_if_asked(self) -> None:
        if self._restart.is_set():
            self._restart.clear()
            self._next = max(self._start_at, 0)
            for preprocessor in self._preprocessors:
                preprocessor.reset()
