"""Keep one source going: open it, read it, open it again when it is lost.

In:     a `Source` that nobody else touches.
Out:    `newest`: SourceFrame, converted, at most `max_fps` a second; the newest overwrites.
Thread: `source-reader`, one per selected source, so that a slow open or a dead cable never holds
        up the source that is playing. Reading attributes is allowed from any thread.
Full:   `newest` holds one frame; frames that come faster than `max_fps` are not even converted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import SourceError
from engine.host.mailbox import Latest
from engine.host.sources.base import Source, SourceFrame
from engine.protocol.values import Severity, SourceSpec

Notices = Callable[[Severity, str, str], None]

RETRY_S = 2.0
STALLED_AFTER_S = 1.0
_WAIT_S = 0.1
_RATE_OVER_FRAMES = 30


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed at one moment. `status` is one of opening, live, stalled, failed."""

    status: str
    message: str = ""
    num_lost: int = 0
    rate_fps: float = 0.0


class Feed:
    """Runs `source` from `start` to `stop`; `max_fps` bounds what is converted."""

    def __init__(self, source: Source, spec: SourceSpec, max_fps: float, notices: Notices) -> None:
        self.spec = spec
        self.newest: Latest[SourceFrame] = Latest()
        self._source = source
        self._notices = notices
        self._min_gap_s = 1.0 / max_fps
        self._message = ""
        self._is_open = False
        self._has_given_up = False
        self._num_lost = 0  # kept here: a source may only be asked by its own thread
        self._rate = _Rate()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._reader_thread, name="source-reader", daemon=True
        )

    def start(self) -> None:
        """Begin to open the source."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to close the source and leave; returns at once."""
        self._stop.set()
        self._source.interrupt()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread after `stop`."""
        self._thread.join(timeout_s)

    def state(self) -> FeedState:
        """Return what the feed is doing."""
        now_s = time.monotonic()
        rate_fps = self._rate.fps(now_s)
        if self._has_given_up:
            return FeedState("failed", self._message, self._num_lost)
        if not self._is_open:
            return FeedState(self._status_while_closed(), self._message, self._num_lost)
        if self._is_silent(now_s):
            return FeedState("stalled", self._silence_text(), self._num_lost, rate_fps)
        return FeedState("live", "", self._num_lost, rate_fps)

    def _status_while_closed(self) -> str:
        if self._rate.any:
            return "stalled"
        return "failed" if self._message else "opening"

    def _is_silent(self, now_s: float) -> bool:
        return self._source.is_live and self._rate.silent_s(now_s) > STALLED_AFTER_S

    def _silence_text(self) -> str:
        return f"{self._source.name} has sent nothing for a second; its last frame stays"

    def _reader_thread(self) -> None:
        try:
            while not self._stop.is_set() and not self._has_given_up:
                self._run_until_lost()
        except Exception as error:  # noqa: BLE001 - thread entry: a broken driver ends this feed only
            self._give_up(f"{self._source.name} broke down ({error!r}); select it again")
        finally:
            self._source.close()
            self._is_open = False

    def _run_until_lost(self) -> None:
        try:
            self._source.open()
            self._is_open = True
            self._read()
        except SourceError as error:
            self._is_open = False
            self._source.close()
            self._lose(str(error))

    def _read(self) -> None:
        wanted_at_s = 0.0
        while not self._stop.is_set():
            if not self._source.advance(_WAIT_S):
                self._say_it_is_silent()
                continue
            self._say_it_is_back()
            now_s = time.monotonic()
            self._rate.count(now_s)
            if now_s >= wanted_at_s:
                self.newest.put(self._source.picture())
                self._num_lost = self._source.num_lost
                wanted_at_s = max(wanted_at_s, now_s - self._min_gap_s) + self._min_gap_s

    def _say_it_is_silent(self) -> None:
        if not self._message and self._is_silent(time.monotonic()):
            self._message = self._silence_text()
            self._notices(Severity.WARNING, "source", self._message)

    def _lose(self, reason: str) -> None:
        if self._stop.is_set():
            return
        if not self._source.is_live:
            self._give_up(reason)
            return
        if not self._message:  # once per loss, not once per try
            self._notices(Severity.WARNING, "source", reason)
        self._message = reason
        self._stop.wait(RETRY_S)

    def _give_up(self, reason: str) -> None:
        self._message = reason
        self._has_given_up = True
        self._notices(Severity.WARNING, "source", reason)

    def _say_it_is_back(self) -> None:
        if self._message:
            self._notices(Severity.INFO, "source", f"{self._source.name} is back")
        self._message = ""


class _Rate:
    """Measures frames a second over the last frames. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._times_s: tuple[float, ...] = ()  # replaced as a whole: readers never see half of it

    @property
    def any(self) -> bool:
        return bool(self._times_s)

    def count(self, now_s: float) -> None:
        self._times_s = (*self._times_s[-_RATE_OVER_FRAMES:], now_s)

    def silent_s(self, now_s: float) -> float:
        times = self._times_s
        return now_s - times[-1] if times else 0.0

    def fps(self, now_s: float) -> float:
        times = self._times_s
        if len(times) < 2 or now_s - times[-1] > STALLED_AFTER_S:
            return 0.0
        return (len(times) - 1) / max(times[-1] - times[0], 1e-3)
