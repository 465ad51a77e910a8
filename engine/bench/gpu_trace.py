"""What the device did during some chunks: how long it was busy, and with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

_NUM_NAMED = 12


@dataclass(frozen=True, slots=True)
class Trace:
    """Share of the time in which a kernel or copy ran, and the longest ones: name → ms a chunk."""

    busy_share: float
    kernels_ms: dict[str, float]
    num_kernels: int


def traced(run_chunk: Callable[[], None], count: int, path: Path | None) -> Trace:
    """Run chunks under the profiler.

    Args:
        run_chunk: runs one.
        count: how many.
        path: where a Chrome trace is written; None for nowhere.
    """
    torch.cuda.synchronize()
    kinds = [ProfilerActivity.CUDA, ProfilerActivity.CPU]
    with profile(activities=kinds, acc_events=True) as profiler:
        for _ in range(count):
            run_chunk()
        torch.cuda.synchronize()
    if path is not None:
        profiler.export_chrome_trace(str(path))
    spans, names = [], Counter[str]()
    for event in profiler.events() or ():
        if event.device_type == DeviceType.CUDA:
            spans.append((event.time_range.start, event.time_range.end))
            names[event.name[:70]] += event.time_range.elapsed_us()
    kernels = {name: us / 1000 / count for name, us in names.most_common(_NUM_NAMED)}
    return Trace(busy_share(spans), kernels, len(spans) // count)


def busy_share(spans: Iterable[tuple[float, float]]) -> float:
    """Return the share of the time from the first start to the last end that spans cover. PURE."""
    ordered = sorted(spans)
    if not ordered:
        return 0.0
    covered, reached = 0.0, ordered[0][0]
    for start, end in ordered:
        covered += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return covered / max(reached - ordered[0][0], 1e-9)
