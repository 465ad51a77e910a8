"""Bring the selected source into the input ring, one frame per model tick.

In:     a `SourceSpec`, at any time.
Out:    frames [height_px, width_px, 3] uint8 RGB in the input ring, at the model's rate; between
        two frames of a slower or silent source its last frame is written again.
Thread: `source` (ticks, fits, writes) and one `source-reader` per selected source (feed.py).
Full:   the ring overwrites its oldest; the worker takes what is newest when it needs it.

A change of source is not a gap: the old one plays on until the new one has delivered its first
frame. A source that stalls leaves its last frame standing, and is tried again every two seconds.
"""

from __future__ import annotations

import threading
import time

from engine.errors import SourceError
from engine.host.mailbox import Latest
from engine.host.sources.base import SourceFrame
from engine.host.sources.feed import Feed, Notices
from engine.host.sources.fit import fit
from engine.host.sources.kinds import make_source
from engine.protocol.frame_ring import Frame, FrameMeta, RingWriter
from engine.protocol.messages import SourceState
from engine.protocol.values import Severity, SourceSpec

_JOIN_S = 1.0


class SourceRunner:
    """Owns whatever source is selected. Every public method may be called from any thread."""

    def __init__(
        self, input_ring: str, width_px: int, height_px: int, fps: float, notices: Notices
    ) -> None:
        self._size_px = (width_px, height_px)
        self._fps = fps
        self._notices = notices
        self._ring = RingWriter(input_ring)
        self._wanted: Latest[SourceSpec] = Latest()
        self._new_ring: Latest[tuple[RingWriter, tuple[int, int]]] = Latest()
        self._source_cut: Latest[bool] = Latest()
        self._playing: Feed | None = None
        self._opening: Feed | None = None
        self._refused: SourceState | None = None
        self._taken: SourceFrame | None = None
        self._fitted: tuple[Frame, FrameMeta] | None = None
        self._source_size_px = (0, 0)
        self._delivered = 0
        self._has_changed = False
        self._newest: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._source_thread, name="source", daemon=True)

    def start(self) -> None:
        """Start the tick."""
        self._thread.start()

    def stop(self) -> None:
        """End the tick and close the source. Safe twice and before `start`."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S * 3)
        if not self._thread.is_alive():
            self._ring.close()

    def select(self, spec: SourceSpec) -> None:
        """Change to `spec` at the next tick; never waits."""
        self._wanted.put(spec)

    def newest_frame(self) -> int | None:
        """Return the ring number of the newest frame; None when no source has delivered yet."""
        return self._newest

    def move(self, input_ring: str, width_px: int, height_px: int) -> None:
        """Write to another ring from the next tick on, at this size; the source plays on.

        Raises:
            RemoteProtocolError: there is no such ring; the old one stays.
        """
        self._new_ring.put((RingWriter(input_ring), (width_px, height_px)))

    def is_moving(self) -> bool:
        """Return whether the newest frame is still of the ring before."""
        return self._new_ring.peek() is not None

    def take_source_cut(self) -> bool:
        """Return True once after another source began to play, or playing ended."""
        return self._source_cut.try_take() is not None

    def input_fps(self) -> float:
        """Return the rate at which the playing source delivers, measured."""
        playing = self._playing
        return playing.state().rate_fps if playing is not None else 0.0

    def state(self) -> SourceState:
        """Return the source as it is now; a source that is being opened comes first.

        `delivered` counts frames that reached the ring, `dropped` those that the source knows to be
        lost on the way. Frames left out because the model is slower than the source are neither.
        """
        if self._refused is not None:
            return self._refused
        feed = self._opening or self._playing
        if feed is None:
            return SourceState()
        state = feed.state()
        width, height = self._source_size_px
        return SourceState(
            spec=feed.spec,
            status="opening" if feed is self._opening and state.status == "live" else state.status,
            message=state.message,
            width_px=width,
            height_px=height,
            delivered=self._delivered,
            dropped=state.num_lost,
        )

    def _source_thread(self) -> None:
        due_s = time.monotonic()
        try:
            while not self._stop.is_set():
                self._tick()
                due_s = max(due_s + 1.0 / self._fps, time.monotonic() - 1.0)
                self._stop.wait(max(0.0, due_s - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - thread entry: the show goes on without a source
            self._notices(
                Severity.FAULT, "source", f"the source stage stopped ({error!r}); restart Segue"
            )
        finally:
            self._newest = None
            self._drop(self._opening)
            self._drop(self._playing)

    def _tick(self) -> None:
        moving = self._new_ring.peek()
        if moving is not None:
            self._move_to(*moving)
        spec = self._wanted.try_take()
        if spec is not None:
            self._change_to(spec)
        self._swap_when_it_delivers()
        frame = self._playing.newest.try_take() if self._playing is not None else None
        if frame is not None:
            self._take_in(frame)
        if self._playing is not None and self._fitted is not None:
            self._newest = self._ring.write(*self._fitted)
        if moving is not None:  # told only now, when `newest_frame` is already of the new ring
            self._new_ring.try_take()
        if self._has_changed:  # told only now, when `newest_frame` is already of the new source
            self._has_changed = False
            self._source_cut.put(True)

    def _move_to(self, ring: RingWriter, size_px: tuple[int, int]) -> None:
        self._ring.close()
        self._ring, self._size_px, self._newest = ring, size_px, None
        if self._taken is not None and self._fitted is not None:
            self._fit(self._taken)

    def _change_to(self, spec: SourceSpec) -> None:
        self._refused = None
        # A camera cannot be opened twice, so selecting what runs already must not open it again.
        if _runs(self._opening, spec):
            return
        self._drop(self._opening)
        self._opening = None
        if spec.kind == "none":
            self._play(None)
        elif not _runs(self._playing, spec):
            self._begin_to_open(spec)

    def _begin_to_open(self, spec: SourceSpec) -> None:
        try:
            source = make_source(spec, self._size_px)
        except SourceError as error:
            self._refused = SourceState(spec=spec, status="failed", message=str(error))
            self._notices(Severity.WARNING, "source", str(error))
            return
        self._opening = Feed(source, spec, 2 * self._fps, self._notices)
        self._opening.start()

    def _swap_when_it_delivers(self) -> None:
        if self._opening is not None and self._opening.newest.peek() is not None:
            ready, self._opening = self._opening, None
            self._play(ready)

    def _play(self, feed: Feed | None) -> None:
        if self._playing is None and feed is None:
            return
        self._drop(self._playing)
        self._playing = feed
        self._has_changed = True
        if feed is None:
            self._fitted = None
            self._newest = None

    def _take_in(self, frame: SourceFrame) -> None:
        self._source_size_px = (frame.pixels.shape[1], frame.pixels.shape[0])
        self._fit(frame)
        self._delivered += 1

    def _fit(self, frame: SourceFrame) -> None:
        meta = FrameMeta(media_index=frame.media_index, captured_ns=frame.captured_ns)
        self._taken, self._fitted = frame, (fit(frame.pixels, *self._size_px), meta)

    def _drop(self, feed: Feed | None) -> None:
        if feed is not None:
            feed.stop()
            if self._stop.is_set():
                feed.join(_JOIN_S)


def _runs(feed: Feed | None, spec: SourceSpec) -> bool:
    return feed is not None and feed.spec == spec and feed.state().status != "failed"
