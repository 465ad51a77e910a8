"""What was told: by the worker, for the window; and to the performer, lest it is said twice."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from engine.host.late_text import LateTexts
from engine.protocol.orders import ChunkReport
from engine.protocol.values import Severity

LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.FAULT: logging.ERROR,
}
_SAME_S = 5.0


@dataclass(slots=True, kw_only=True)
class Told:
    """What the worker said last."""

    report: ChunkReport | None = None
    resets: int = 0
    chunks: int = 0
    discarded_in_a_row: int = 0
    late: LateTexts = field(default_factory=LateTexts)


class Said:
    """The notices of the last five seconds."""

    def __init__(self) -> None:
        self._at_s: dict[tuple[str, str], float] = {}

    def is_news(self, subject: str, text: str, now_s: float) -> bool:
        """Note a notice; returns False when the same was said just now."""
        if now_s - self._at_s.get((subject, text), -_SAME_S) < _SAME_S:
            return False
        self._at_s = {key: s for key, s in self._at_s.items() if now_s - s < _SAME_S}
        self._at_s[subject, text] = now_s
        return True
