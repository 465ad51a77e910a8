"""What the worker is doing right now, for the heartbeat. Loads no torch: the heart beats before.

Thread: generator writes; heartbeat reads. Single words and numbers, so no lock is needed.
"""

from __future__ import annotations

import sys

import psutil

IDLE = "waiting for a plan"


class Progress:
    """The stage and chunk that the worker is busy with."""

    def __init__(self) -> None:
        self.stage = "starting"
        self.chunk_index = -1


def memory_bytes() -> int:
    """Return the device memory in use where there is a GPU, else that of this process."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda") and torch.cuda.is_initialized():
        return int(torch.cuda.memory_reserved())
    return int(psutil.Process().memory_info().rss)
