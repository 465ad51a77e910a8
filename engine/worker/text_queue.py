"""What the text thread encodes next, and what the cache forgets. PURE: no torch, clock or thread.

    wanted   prompts that were announced: oldest first, they come up in the order of the show
    cued     prompts that a chunk waits for: newest first, it is what the performer means now

A cued prompt comes before all wanted ones. Both queues are bounded: of the wanted, what falls out
is named; of the cued, the oldest is no longer meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MAX_WAITING = 256


@dataclass(frozen=True, slots=True)
class TextQueue:
    """Texts that wait, each in one queue. Replaced, never changed."""

    wanted: tuple[str, ...] = ()
    cued: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.wanted) + len(self.cued)

    def want(self, text: str) -> tuple[TextQueue, str | None]:
        """Announce a text; returns the queue and the text that fell out of it, if one did."""
        if text in self.wanted or text in self.cued:
            return self, None
        wanted = (*self.wanted, text)
        dropped = wanted[0] if len(wanted) > MAX_WAITING else None
        return TextQueue(wanted[-MAX_WAITING:], self.cued), dropped

    def cue(self, text: str) -> TextQueue:
        """Say that a chunk waits for this text."""
        if self.cued and self.cued[-1] == text:
            return self
        cued = (*(other for other in self.cued if other != text), text)
        wanted = tuple(other for other in self.wanted if other != text)
        return TextQueue(wanted, cued[-MAX_WAITING:])

    def take(self) -> tuple[TextQueue, str | None]:
        """Take what to encode now; None when nothing waits."""
        if self.cued:
            return TextQueue(self.wanted, self.cued[:-1]), self.cued[-1]
        if self.wanted:
            return TextQueue(self.wanted[1:], self.cued), self.wanted[0]
        return self, None


def to_forget(
    sizes: Mapping[str, int], budget_bytes: int, keep: Collection[str]
) -> tuple[str, ...]:
    """Return the texts to forget so that the rest fits into the budget.

    Args:
        sizes: bytes by text, least recently used first.
        budget_bytes: of all texts together.
        keep: texts on air, which are never forgotten, even when they alone exceed the budget.
    """
    excess = sum(sizes.values()) - budget_bytes
    forgotten = []
    for text, size in sizes.items():
        if excess <= 0:
            break
        if text not in keep:
            forgotten.append(text)
            excess -= size
    return tuple(forgotten)
