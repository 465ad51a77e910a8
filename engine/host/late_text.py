"""What the performer is told of texts that are late. PURE.

A text is late once, however many chunks it misses: it is told when it begins, when it turns out
that it cannot be encoded, and when it is on air.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocol.orders import ChunkReport
from engine.protocol.values import LatePrompt, Severity

_SHOWN_CHARACTERS = 60

Said = tuple[tuple[Severity, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateTexts:
    """What was told. Replaced, never changed.

    Attributes:
        num_chunks: chunks of the show that were made under another text than planned.
        in_a_row: of these the last ones without a break.
        told: what was said since the break.
    """

    num_chunks: int = 0
    in_a_row: int = 0
    told: frozenset[LatePrompt] = frozenset()


def reported(late: LateTexts, report: ChunkReport) -> tuple[LateTexts, Said]:
    """Take in a report; returns what is to be told now."""
    if not report.late_prompts:
        after = LateTexts(num_chunks=late.num_chunks)
        return after, (_landed(late.in_a_row),) if late.in_a_row else ()
    new = [prompt for prompt in report.late_prompts if prompt not in late.told]
    after = LateTexts(
        num_chunks=late.num_chunks + 1,
        in_a_row=late.in_a_row + 1,
        told=late.told.union(new),
    )
    return after, tuple(_late(prompt) for prompt in new)


def _late(prompt: LatePrompt) -> tuple[Severity, str]:
    if prompt.failure:
        return Severity.FAULT, (
            f"{cannot_be_encoded(prompt.text, prompt.failure)}; the picture keeps the prompt "
            "before it; ask for it again to try again"
        )
    return Severity.WARNING, (
        f"{_quoted(prompt.text)} is not encoded yet; the picture keeps the prompt before it "
        "until it is"
    )


def cannot_be_encoded(text: str, reason: str) -> str:
    """Return the beginning of a sentence on a prompt that has no rows."""
    return f"{_quoted(text)} cannot be encoded: {reason}"


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return f"“{short}”"


def _landed(num_chunks: int) -> tuple[Severity, str]:
    count = "1 chunk" if num_chunks == 1 else f"{num_chunks} chunks"
    return Severity.INFO, f"the text is on air, {count} late"
