"""Work on a GPU, recorded once and played back without the host. HOT.

Thread: generator. What is recorded reads and writes memory that stays where it is.
Full:   beyond `_MAX_GRAPHS` recordings work runs as it is, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar, cast

import torch

_MAX_GRAPHS = 64
Result = TypeVar("Result")


class _Recording(NamedTuple):
    graph: torch.cuda.CUDAGraph
    result: object
    work: Callable[[], object]  # it holds the tensors that the recording reads


class Graphs:
    """Recordings by key. On a device that records nothing, work simply runs."""

    def __init__(self, device: torch.device) -> None:
        self.is_on = device.type == "cuda"
        self._graphs: dict[Hashable, _Recording] = {}
        self._pool = torch.cuda.graph_pool_handle() if self.is_on else None
        self.num_recorded = 0
        self.num_unrecorded = 0

    def has(self, key: Hashable) -> bool:
        """Whether work of this key would be played back."""
        return key in self._graphs

    def run(self, key: Hashable, work: Callable[[], Result], *, is_warm: bool = False) -> Result:
        """Do `work`; the second and later times for the same key, by playing it back.

        Args:
            key: equal keys mean equal shapes, memory and constants.
            work: is done twice the first time, so it must not read what it writes.
            is_warm: all its kernels have run before, so it is recorded without being done first,
                and may read what it writes.

        Returns:
            What `work` returned; played back it is the same memory every time, to be read before
            the next call.
        """
        if not self.is_on:
            return work()
        if key not in self._graphs:
            if len(self._graphs) >= _MAX_GRAPHS:
                self.num_unrecorded += 1
                return work()
            self._graphs[key] = self._record(work, is_warm=is_warm)
        recording = self._graphs[key]
        recording.graph.replay()
        return cast(Result, recording.result)

    def _record(self, work: Callable[[], object], *, is_warm: bool) -> _Recording:
        if not is_warm:
            work()  # compiles kernels and lets libraries make their plans
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Other threads (sources, preprocessors) may allocate meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            result = work()
        self.num_recorded += 1
        return _Recording(graph, result, work)
