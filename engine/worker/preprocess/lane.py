"""One thread that walks the input ring with its preprocessors.

In:     the input ring: frames [H, W, 3] RGB uint8 at model size.
Out:    what they make of them, in a `MapStore`.
Thread: one a lane, named after it.
Full:   a backlog is skipped: better a stale map than a late one. Nobody waits for a lane.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.protocol.frame_ring import RingReader
from engine.worker.preprocess.base import ControlForm, ControlMap, Frame, Preprocessor
from engine.worker.preprocess.casts import Cast
from engine.worker.preprocess.store import MapStore

_LOOK_EVERY_S = 0.01
_STOP_WITHIN_S = 1.0

OnError = Callable[[BaseException], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """How a lane works.

    Attributes:
        name: of its thread.
        max_backlog_frames: frames that may wait; more, and it goes on with the newest.
        form: what it makes of a frame.
        on_start: called once in the thread before the first frame.
    """

    name: str
    max_backlog_frames: int
    form: ControlForm = ControlForm.MAP
    on_start: Callable[[], object] | None = None


class Lane:
    """A preprocess thread."""

    def __init__(
        self, ring: RingReader, store: MapStore, cast: Cast, settings: LaneSettings, fail: OnError
    ) -> None:
        self._ring = ring
        self._store = store
        self._cast = cast
        self._settings = settings
        self._fail = fail
        self._start_at = max(ring.num_written - 1, 0)  # what came before this worker is stale
        self._next = self._start_at
        self._restart = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._lane_thread, name=settings.name)
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
        """Forget the source before frame `number`, at the next frame. Returns at once."""
        self._start_at = number
        self._restart.set()

    def _lane_thread(self) -> None:
        try:
            if self._settings.on_start is not None:
                self._settings.on_start()
            while not self._stop.is_set():
                if not self.step():
                    self._stop.wait(_LOOK_EVERY_S)
        except Exception as error:  # noqa: BLE001 (thread entry: the worker reports it and ends)
            self._fail(error)

    def step(self) -> bool:
        """Process the next frame; False when there is none. Only the thread calls it, and tests."""
        self._restart_if_asked()
        preprocessors = self._cast.on_stage()
        written = self._ring.num_written
        if not preprocessors or written <= self._next:
            return False
        if written - self._next > self._settings.max_backlog_frames:
            self._next = written - 1
        number = self._next
        self._next += 1
        frame = self._ring.read(number)
        if frame is not None:
            maps = self._made(preprocessors, frame.pixels)
            if number >= self._start_at:  # a restart may have come meanwhile
                self._store.put(number, maps)
        return True

    def _made(self, preprocessors: Sequence[Preprocessor], frame: Frame) -> dict[str, ControlMap]:
        maps = {}
        for preprocessor in preprocessors:
            try:
                maps[preprocessor.kind] = self._drawn(preprocessor, frame)
            except EngineError as error:
                if not self._cast.on_error(preprocessor.kind, error):
                    raise
        return maps

    def _drawn(self, preprocessor: Preprocessor, frame: Frame) -> ControlMap:
        control_map = preprocessor.push(frame)
        is_map = self._settings.form is ControlForm.MAP
        return control_map if is_map else preprocessor.picture()

    def _restart_if_asked(self) -> None:
        if self._restart.is_set():
            self._restart.clear()
            self._next = max(self._start_at, 0)
            self._cast.reset()
