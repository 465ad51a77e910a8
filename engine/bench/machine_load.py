"""What else the machine does while something is measured: a contended run is never called clean."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import psutil

CLEAN_CORES = 0.1
"""Cores that others may use in a clean run: the system's own housekeeping stays below."""
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What others used between two looks at the machine.

    Attributes:
        others_cores: mean number of cores that other processes used, time stolen included.
        num_cores: cores of the machine.
        names: busiest other processes, name and cores.
        load_average: of the last minute, at the end.
    """

    others_cores: float
    num_cores: int
    names: tuple[tuple[str, float], ...]
    load_average: float

    @property
    def is_clean(self) -> bool:
        """Whether times measured meanwhile say what this machine can do."""
        return self.others_cores <= CLEAN_CORES


class LoadWatch:
    """Looks at the machine now and again at `stop`."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy_s, self._own_s = _busy_s(), _own_s()
        self._processes = _process_times()

    def stop(self) -> Load:
        """Return what others used since this was made."""
        wall_s = max(time.monotonic() - self._began, 1e-3)
        own_s = _own_s() - self._own_s
        return Load(
            others_cores=others_cores(_busy_s() - self._busy_s, own_s, wall_s),
            num_cores=os.cpu_count() or 1,
            names=busiest(self._processes, _process_times(), wall_s),
            load_average=psutil.getloadavg()[0],
        )


def others_cores(busy_s: float, own_s: float, wall_s: float) -> float:
    """Return the mean number of cores that others used in `wall_s`, of all time that was used."""
    return max(0.0, busy_s - own_s) / wall_s


Times = dict[int, tuple[str, float]]
"""Process → name and CPU seconds."""


def busiest(before: Times, after: Times, wall_s: float) -> tuple[tuple[str, float], ...]:
    """Return name and cores of the processes that used most between two looks, busiest first."""
    used = [
        (name, (seconds - before.get(pid, (name, 0.0))[1]) / wall_s)
        for pid, (name, seconds) in after.items()
    ]
    used = [(name, cores) for name, cores in used if cores > 0.01]
    return tuple(sorted(used, key=lambda row: -row[1])[:_NAMED])


def _busy_s() -> float:
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # within user, nice
    return float(sum(times) - idle - guests)


def _own_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _process_times() -> Times:
    """CPU times of all other processes that may be looked at."""
    found: Times = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if process.pid != os.getpid() and times is not None:
            found[process.pid] = (process.info["name"], times.user + times.system)
    return found
