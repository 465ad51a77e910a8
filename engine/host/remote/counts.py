"""How much came from afar, and what of it was refused: counted, and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.protocol.messages import RemoteState
from engine.protocol.values import Severity

Notice = Callable[[Severity, str, str], None]
_NOTICE_EVERY_S = 1.0  # a sender gone wild is told about once a second; the counter has them all


@dataclass(slots=True)
class Counts:
    """Owned by the event loop; `said_s` is when the performer was told last."""

    notice: Notice
    osc_at: str = ""
    page_at: str = ""
    received: int = 0
    refused: int = 0
    dropped: int = 0
    last_refusal: str = ""
    said_s: float = float("-inf")

    def refuse(self, reason: str, sender: str, now_s: float) -> None:
        """Count one that changed nothing, and tell the performer, not too often."""
        self.refused += 1
        self.last_refusal = f"{reason} (from {sender})"
        if now_s - self.said_s >= _NOTICE_EVERY_S:
            self.said_s = now_s
            self.notice(Severity.WARNING, "remote", self.last_refusal)

    def state(self, osc_listeners: int, pages: int) -> RemoteState:
        """Return what the window shows."""
        return RemoteState(
            osc_at=self.osc_at, page_at=self.page_at, osc_listeners=osc_listeners, pages=pages,
            received=self.received, refused=self.refused, dropped=self.dropped,
            last_refusal=self.last_refusal,
        )  # fmt: skip
