"""What every source is: something that delivers pictures at its own rate.

Out:    frames [H, W, 3] uint8 RGB, upright, square pixels; the size may change between frames.
Thread: one thread calls `open`, `advance`, `picture`, `close`; any thread may call `interrupt`.
Full:   cannot fill: a frame that nobody asks the picture of is overtaken by the next.

A source waits for its own frames: a file for its timestamps, a camera or NDI for the device. What
is shown when, retries and stalls are the business of `feed.py` and `runner.py`.

    open ──► advance ──► picture ──► advance ──► advance ──► picture ──► … ──► close
              True        convert      True     True (the first was overtaken)

`test_pattern.py` is the example to read; `tests/contract/test_sources.py` runs them all.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from engine.protocol.frame_ring import Frame


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A picture and where it stands in its stream. `captured_ns` is CLOCK_MONOTONIC."""

    pixels: Frame
    media_index: int
    captured_ns: int


class Source(ABC):
    """One stream of pictures; see the module's text for the order of calls."""

    is_live: ClassVar[bool] = True
    """True when frames come from outside: then silence is a stall and a loss is retried."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._interrupted = threading.Event()

    @property
    @abstractmethod
    def name(self) -> str:
        """What people read in a notice, for example ``camera 0``."""

    @property
    def num_lost(self) -> int:
        """Frames that were sent but never reached us, as far as the source can know."""
        return 0

    @abstractmethod
    def open(self) -> None:
        """Acquire the device or file; may take a few seconds. Safe again after `close`.

        Raises:
            SourceError: it is not there or cannot be read; one sentence with the remedy.
        """

    @abstractmethod
    def advance(self, timeout_s: float) -> bool:
        """Wait until the next frame is due and make it the current one.

        Returns:
            False when none came within about `timeout_s`.

        Raises:
            SourceError: the source is gone; `close` it and `open` it again to find it back.
        """

    @abstractmethod
    def picture(self) -> SourceFrame:
        """Return the current frame, converted; the caller owns the pixels.

        Only after an `advance` that returned True. Costly for some sources, so only called for
        frames that are wanted.

        Raises:
            SourceError: the frame cannot be converted.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the device or file. Safe at any time and twice."""

    def interrupt(self) -> None:
        """Make a waiting `open` or `advance` return soon; the source is about to be closed."""
        self._interrupted.set()
