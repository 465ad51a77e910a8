"""How long from a boundary until the first picture of its chunk is on air. PURE.

Measured, not added up: playout says which chunk it shows for the first time, and when. The median
of the last few is free of the one chunk that was held up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

_KEPT = 5
_MAX_UNSEEN = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookahead:
    """`planned` are the chunks that were not seen yet, with the time of their boundary."""

    planned: Mapping[int, float] = field(default_factory=dict)
    delays_s: tuple[float, ...] = ()
    newest_seen: int = -1

    @property
    def is_known(self) -> bool:
        """Whether a chunk was seen."""
        return bool(self.delays_s)

    @property
    def usual_s(self) -> float:
        """Return the usual delay; 0 while it is not known."""
        return median(self.delays_s) if self.delays_s else 0.0


def planned(ahead: Lookahead, chunk_index: int, now_s: float) -> Lookahead:
    """Note that the boundary before a chunk was crossed."""
    kept = list(ahead.planned.items())[1 - _MAX_UNSEEN :]
    return Lookahead(
        planned={**dict(kept), chunk_index: now_s},
        delays_s=ahead.delays_s,
        newest_seen=ahead.newest_seen,
    )


def seen(ahead: Lookahead, chunk_index: int, shown_s: float, *, counts: bool = True) -> Lookahead:
    """Note that the first picture of a chunk was on air; the same chunk counts once.

    One that does not count was held back: its delay is no usual one.
    """
    if chunk_index <= ahead.newest_seen:
        return ahead
    crossed_s = ahead.planned.get(chunk_index)
    delays_s = ahead.delays_s
    if counts and crossed_s is not None and shown_s >= crossed_s:
        delays_s = (*delays_s, shown_s - crossed_s)[-_KEPT:]
    return Lookahead(
        planned={n: s for n, s in ahead.planned.items() if n > chunk_index},
        delays_s=delays_s,
        newest_seen=chunk_index,
    )
