"""How long work takes on a GPU, without the time to launch it."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch

_WARM_UPS = 2


def median_ms(work: Callable[[], object], repeats: int = 10) -> float:
    """Return the median ms of work on the present device.

    The calls are recorded and played back, as passes are: backends differ in how long they take to
    launch (one call of FlashAttention-4 0.2 ms, cuDNN 0.05), and in a recording that is nothing.
    """
    for _ in range(_WARM_UPS):
        work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    times: list[float] = []
    for _ in range(repeats):
        began = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's
        ended = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's
        began.record()
        graph.replay()
        ended.record()
        ended.synchronize()
        times.append(began.elapsed_time(ended))
    return statistics.median(times)
