"""Bring results of one size from the device to the host without holding up the device. HOT.

In:     a tensor on the device.
Out:    the same in host memory, ours to keep, overwritten by the next one.
Thread: generator.
Full:   cannot fill: one copy is on its way at a time.

The copy runs on a stream of its own, so that the pass that is queued behind it does not wait. It
may be part of a recording: the event behind it is the host's to wait for, whoever recorded it.
"""

from __future__ import annotations

import torch
from torch import Tensor


class HostCopy:
    """Memory for one tensor. On a CPU nothing is copied."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        if not self._is_cuda:
            return
        self._host = torch.empty(shape, dtype=dtype, pin_memory=True)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's
        self._made = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch's
        # External: inside a recording it is an event that every playing records anew.
        self._copied = torch.cuda.Event(external=True)  # type: ignore[no-untyped-call]  # torch's

    def start(self, made: Tensor) -> None:
        """Begin to copy what the present stream makes; at most as long as the memory."""
        self._source = made
        if not self._is_cuda:
            return
        self._made.record()
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(self._made)
            self._host[: len(made)].copy_(made, non_blocking=True)
            self._copied.record()

    def join(self) -> None:
        """Let the present stream wait for the copy, as a recording has to before it ends."""
        if self._is_cuda:
            torch.cuda.current_stream().wait_stream(self._stream)

    def wait(self) -> Tensor:
        """Return the copy once it is there; waits for nothing that was queued after it."""
        if not self._is_cuda:
            return self._source
        self._copied.synchronize()
        return self._host[: len(self._source)]
