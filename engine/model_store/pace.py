"""How fast bytes come and when they will all be here. PURE: time is an argument."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 10.0


class Pace:
    """The rate over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done_bytes: int, now_s: float) -> None:
        """Remember how far it is; going back, as when a file starts over, begins afresh."""
        if self._seen and done_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, done_bytes))
        while now_s - self._seen[0][0] > _WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()

    def rate_bytes_s(self) -> float:
        """Return bytes a second; 0 while that cannot be told."""
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def left_s(self, total_bytes: int) -> float | None:
        """Return seconds to go; None while that cannot be told."""
        rate = self.rate_bytes_s()
        return max(total_bytes - self._seen[-1][1], 0) / rate if rate > 0 else None
