"""When a message came, though we looked later. PURE.

The driver says how long after the one before a message came, and we know when we took it. The first
is taken as having come when we took it, so all are as late as that one was; but none came after it
was taken, so each one that we took sooner than that makes the lateness smaller, for good.
"""

from __future__ import annotations

MAX_LATE_NS = 250_000_000  # as far as a driver falls back whose gaps are too short


def arrival_ns(before_ns: int | None, after_ns: int, now_ns: int) -> int:
    """Return when a message came: taken at `now_ns`, `after_ns` after that of `before_ns`."""
    if before_ns is None:
        return now_ns
    return min(max(before_ns + after_ns, now_ns - MAX_LATE_NS), now_ns)
