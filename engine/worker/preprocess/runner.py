"""Run preprocessors on input frames as they arrive, ahead of need.

In:     the input ring: frames [H, W, 3] RGB uint8 at model size, about 16 a second.
Out:    control maps in a `MapStore`, of every kind that runs.
Thread: preprocess, and preprocess-costly for what one core does not do in a frame's time.
Full:   a backlog is skipped: better a stale map than a late one. The chunk loop never waits.

The kinds of the first lane run always: another one can be chosen from one chunk to the next, with
its memory warm. A kind of the second lane runs while it is chosen. It has a thread of its own
because it may take longer than a frame lasts: that makes its own maps stale and nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.protocol.frame_ring import RingReader
from engine.urgency import give_way_further
from engine.worker.preprocess.base import ControlForm, Preprocessor
from engine.worker.preprocess.casts import Build, CostlyCast, StandingCast
from engine.worker.preprocess.lane import Lane, LaneSettings, OnError
from engine.worker.preprocess.store import MapStore

_MAX_BACKLOG_FRAMES = 4  # a quarter of a second
_MAX_COSTLY_BACKLOG_FRAMES = 1  # it is late anyhow: always the newest


class PreprocessRunner:
    """The preprocess threads.

    Args:
        ring: of the source.
        preprocessors: those that run always.
        on_error: hears of an error that ends a thread, in that thread.
        costly: kind → how to build what runs only while it is chosen.
        form: what the model takes.
    """

    def __init__(
        self,
        ring: RingReader,
        preprocessors: Sequence[Preprocessor],
        on_error: OnError,
        *,
        costly: Mapping[str, Build] | None = None,
        form: ControlForm = ControlForm.MAP,
    ) -> None:
        self.store = MapStore()
        self._standing = StandingCast(preprocessors)
        self._costly = CostlyCast(costly or {})
        self._kinds = ("", "")  # to steer, for a mask
        self._kept: tuple[str, ...] = ()
        first = LaneSettings(name="preprocess", max_backlog_frames=_MAX_BACKLOG_FRAMES, form=form)
        second = LaneSettings(
            name="preprocess-costly", max_backlog_frames=_MAX_COSTLY_BACKLOG_FRAMES, form=form,
            on_start=give_way_further,
        )  # fmt: skip
        self.lane = Lane(ring, self.store, self._standing, first, on_error)
        own_ring = RingReader(ring.path)  # a reader belongs to one thread
        self.costly_lane = Lane(own_ring, self.store, self._costly, second, on_error)

    def start(self) -> None:
        """Begin with the newest frame of the ring."""
        for lane in self._lanes:
            lane.start()

    def stop(self) -> None:
        """End the threads after the frames in hand."""
        for lane in self._lanes:
            lane.stop()

    def want(self, kind: str, mask_kind: str = "") -> None:
        """Say whose maps are asked for, to steer and for a mask; empty for none.

        Generator thread; returns at once.
        """
        self._run((kind, mask_kind), self._kept)

    def keep(self, kinds: Sequence[str]) -> None:
        """Let these run whether they are asked for or not. Generator thread; returns at once."""
        self._run(self._kinds, tuple(kinds))

    def _run(self, kinds: tuple[str, str], kept: tuple[str, ...]) -> None:
        before, wanted = (*self._kinds, *self._kept), (*kinds, *kept)
        self._kinds, self._kept = kinds, kept
        if wanted == before:
            return
        for fresh in {*wanted} & self._costly.kinds - {*before}:
            self.store.forget(fresh)  # from when it was wanted before
        self._costly.want(*wanted)

    @property
    def refusal(self) -> str:
        """Why the kind that shall steer cannot be, in a sentence; empty when it can."""
        return self.refusal_of(self._kinds[0])

    def refusal_of(self, kind: str) -> str:
        """Why a wanted kind cannot be, in a sentence; empty when it can."""
        return self._costly.refusal_of(kind)

    @property
    def is_restarting(self) -> bool:
        """Whether a restart was asked for and the next frame has not come yet."""
        return self.lane.is_restarting

    def restart_at(self, number: int) -> None:
        """Forget the source before frame `number`: maps, ranges, background. Returns at once."""
        for lane in (self.lane, self.costly_lane):
            lane.restart_at(number)
        self.store.drop_before(number + 1)  # its own map was made with the old source's memory

    @property
    def _lanes(self) -> tuple[Lane, ...]:
        return (self.lane, self.costly_lane) if self._costly.kinds else (self.lane,)
