"""Work beside the present stream, eagerly or as a branch of a recording. HOT.

Thread: generator.
Full:   cannot fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_URGENT = -1  # CUDA: the lower, the sooner


class Beside:
    """A second stream, whose work goes first where both want the device; none on a CPU."""

    def __init__(self, device: torch.device) -> None:
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device, priority=_URGENT)  # type: ignore[no-untyped-call]  # torch's

    @contextmanager
    def fork(self) -> Iterator[None]:
        """Do what is inside on the second stream, behind what the present one was given so far.

        Tensors that cross from one stream to the other must live until `join`.
        """
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield

    def join(self) -> None:
        """Let the present stream wait for what the second one was given so far."""
        if self._stream is not None:
            torch.cuda.current_stream().wait_stream(self._stream)
