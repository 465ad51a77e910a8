"""What really happened in a chunk: how long its stages took and how its picture is.

In:     spans around calls; frames [F, 3, H, W] in [0, 1].
Out:    stage → ms; `PictureStatistics`.
Thread: generator.
Full:   cannot fill; every chunk starts anew.

On a GPU a span is a pair of events in the stream, so measuring never makes the host wait; they are
read once per chunk, when the report is due. Inside a recording the events are part of it, and every
playing records them anew; stages on two streams overlap, so their times may add up to more than the
chunk's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

from engine.protocol.values import PictureStatistics
from engine.worker.progress import Progress

_SAMPLE_STRIDE = 2  # every fourth pixel says enough about a picture
_FLAT_CONTRAST = 1 / 255
NUM_PICTURE_NUMBERS = 5
_LUMINANCE = (0.299, 0.587, 0.114)  # Source: ITU-R BT.601


class Telemetry:
    """Times the stages of one chunk after the other."""

    def __init__(self, device: torch.device, progress: Progress) -> None:
        self.device = device
        self._progress = progress
        self.begin(-1)

    def begin(self, chunk_index: int, began_s: float | None = None) -> None:
        """Start a chunk whose plan came at monotonic time `began_s`; now if left out."""
        self._progress.chunk_index = chunk_index
        self._began = time.monotonic() if began_s is None else began_s
        self.host_ms: dict[str, float] = {}
        """Stage → ms that the host itself spent in it."""
        self._events: dict[str, tuple[torch.cuda.Event, torch.cuda.Event]] = {}

    @contextmanager
    def span(self, stage: str) -> Iterator[None]:
        """Time one stage; the heartbeat names it meanwhile."""
        outer, self._progress.stage = self._progress.stage, stage
        before = self._mark()
        began = time.perf_counter()
        yield
        self.host_ms[stage] = 1000 * (time.perf_counter() - began)
        after = self._mark()
        if before is not None and after is not None:
            self._events[stage] = (before, after)
        self._progress.stage = outer

    def adopt(self, spans: RecordedSpans) -> None:
        """Count the stages of a recording that was just played as stages of this chunk."""
        self.host_ms |= spans.host_ms
        self._events |= spans.events

    def elapsed_ms(self) -> float:
        """Return ms since `begin`."""
        return 1000 * (time.monotonic() - self._began)

    def stage_ms(self) -> dict[str, float]:
        """Return ms of every stage and their `total`; waits for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        stages = self.host_ms | {
            stage: before.elapsed_time(after) for stage, (before, after) in self._events.items()
        }
        return stages | {"total": self.elapsed_ms()}

    def _mark(self) -> torch.cuda.Event | None:
        if self.device.type != "cuda":
            return None
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's
        event.record()
        return event


class RecordedSpans:
    """Times the stages of a recording, each in the stream that it runs in.

    On a CPU, where nothing is recorded, spans are the host's.
    """

    def __init__(self, device: torch.device) -> None:
        self.host_ms: dict[str, float] = {}
        self.events: dict[str, tuple[torch.cuda.Event, torch.cuda.Event]] = {}
        self._is_cuda = device.type == "cuda"

    @contextmanager
    def span(self, stage: str) -> Iterator[None]:
        """Time one stage."""
        if not self._is_cuda:
            began = time.perf_counter()
            yield
            self.host_ms[stage] = 1000 * (time.perf_counter() - began)
            return
        if stage not in self.events:
            self.events[stage] = (_external_event(), _external_event())
        before, after = self.events[stage]
        before.record()
        yield
        after.record()


def _external_event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True, external=True)  # type: ignore[no-untyped-call]  # torch's


def picture_statistics(frames: Tensor) -> PictureStatistics:
    """Look at a chunk of frames [F, 3, H, W] in [0, 1].

    `finite` looks at every pixel, the rest at every fourth one.
    """
    return statistics_of(picture_numbers_no_sync(frames))


def picture_numbers_no_sync(frames: Tensor) -> Tensor:
    """Return what `statistics_of` reads, [NUM_PICTURE_NUMBERS] float32 on the frames' device."""
    small = frames[:, :, ::_SAMPLE_STRIDE, ::_SAMPLE_STRIDE].float()
    luminance = torch.einsum("fchw,c->fhw", small, _luminance(small.device))
    motion = (small[1:] - small[:-1]).abs().mean() if len(small) > 1 else small.new_zeros(())
    return torch.stack([
        small.mean(),
        luminance.std(dim=(1, 2)).mean(),
        (small.amax(1) - small.amin(1)).mean(),
        motion,
        frames.sum(dtype=torch.float32),
    ])  # fmt: skip


@lru_cache(maxsize=4)
def _luminance(device: torch.device) -> Tensor:
    """Return the weights of red, green and blue; copied to the device once."""
    with torch.inference_mode(mode=False):
        return torch.tensor(_LUMINANCE, device=device)


def statistics_of(numbers: Tensor) -> PictureStatistics:
    """Read what `picture_numbers_no_sync` found."""
    mean, contrast, saturation, moved, total = numbers.tolist()
    finite = total - total == 0  # false for NaN and infinity
    values = (mean, contrast, saturation, moved) if finite else (0.0, 0.0, 0.0, 0.0)
    return PictureStatistics(
        mean=values[0],
        contrast=values[1],
        saturation=values[2],
        motion=values[3],
        finite=finite,
    )


def fault_in(statistics: PictureStatistics, *, is_first: bool) -> str:
    """Return why a chunk must not be shown, or nothing.

    Args:
        statistics: of its frames.
        is_first: nothing is cached: a flat picture is then the model's own, and starting over
            would only bring it again.
    """
    if not statistics.finite:
        return "the picture held numbers that are not finite"
    if statistics.contrast < _FLAT_CONTRAST and not is_first:
        return f"the picture collapsed: contrast {statistics.contrast:.4f}"
    return ""
