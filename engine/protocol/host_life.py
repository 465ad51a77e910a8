"""What a worker knows of its host: who it is, whether it still lives, what it leaves behind.

The host tells its process id when it starts the worker. A worker that asked only for its parent
could be too late: a host that is killed at once is gone before the worker's first line runs.
"""

from __future__ import annotations

import os
import threading
import time

from engine.protocol import frame_ring

_HOST_PID = "SEGUE_HOST_PID"
_GONE_WITHIN_S = 0.5
_LOOK_EVERY_S = 0.02


def worker_environment() -> dict[str, str]:
    """Return this process's environment, for a worker that it starts as its host."""
    return dict(os.environ, **{_HOST_PID: str(os.getpid())})


def host_pid() -> int:
    """Return the host's process id; started by hand, that is the parent's."""
    told = os.environ.get(_HOST_PID, "")
    return int(told) if told.isdigit() else os.getppid()


def is_host_gone(pid: int) -> bool:
    """Whether the pipe ended because the host died; waits up to half a second to be sure.

    A process loses its files just before it is gone, so the first look may come too early.
    """
    stop = threading.Event()
    until_s = time.monotonic() + _GONE_WITHIN_S
    while os.getppid() == pid and time.monotonic() < until_s:
        stop.wait(_LOOK_EVERY_S)
    return os.getppid() != pid


def clean_up_after_host(pid: int) -> None:
    """Remove the rings of a host that died, opened by us or not; one that lives keeps them."""
    if is_host_gone(pid):
        frame_ring.remove_owned_by(pid)
        frame_ring.sweep()
