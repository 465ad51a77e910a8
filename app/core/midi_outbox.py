"""What waits to be sent to one device: small ones choke on bursts, so it leaves slowly. PURE.

A light that changes again before it was sent is sent once, with its newest value and in the place
of the first. System exclusive messages are never merged or reordered.
"""

from __future__ import annotations

MAX_WAITING = 2048  # a page of an eight by eight grid is 64; beyond this the oldest goes
_SYSEX = 0xF0


class Outbox:
    """Messages of one device in the order in which they leave."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: dict[tuple[int, ...], bytes] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: bytes) -> None:
        """Add a whole message; one for the same light replaces what waits."""
        self._waiting[self._key(message)] = message
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self.dropped += 1

    def take(self) -> bytes | None:
        """Return what leaves next, None when nothing waits."""
        if not self._waiting:
            return None
        return self._waiting.pop(next(iter(self._waiting)))

    def _key(self, message: bytes) -> tuple[int, ...]:
        if message[0] < _SYSEX and len(message) == 3:
            return message[0], message[1]
        self._number += 1  # every one is its own
        return -1, self._number
