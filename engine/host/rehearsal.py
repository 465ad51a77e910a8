"""Prompts of the show that the worker shall know before they are cut to. PURE.

    announced ──► told to the worker, one at a time ──► read: the next one

One at a time, because orders share a pipe with the plans: a chunk never waits behind a hundred
prompts, and the worker encodes them in the order of the show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.host.looks import clean_prompt

MAX_PROMPTS = 200  # the worker's queue holds 256


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Replaced, never changed.

    Attributes:
        prompts: of the show, in its order, each once.
        num_told: how many of them this worker was told.
        in_hand: the one it has not read yet; None when nothing is.
    """

    prompts: tuple[str, ...] = ()
    num_told: int = 0
    in_hand: str | None = None


def announced(rehearsal: Rehearsal, prompts: Sequence[str]) -> Rehearsal:
    """Return a rehearsal of these prompts, from the first one on; at most `MAX_PROMPTS`.

    Raises:
        ConfigError: a prompt is longer than anyone reads.
    """
    wanted = dict.fromkeys(clean_prompt(text.strip()) for text in prompts)
    kept = tuple(text for text in wanted if text)[:MAX_PROMPTS]
    return replace(rehearsal, prompts=kept, num_told=0)


def begun(rehearsal: Rehearsal) -> Rehearsal:
    """Return the rehearsal with a worker that knows nothing yet."""
    return Rehearsal(prompts=rehearsal.prompts)


def told(rehearsal: Rehearsal) -> tuple[Rehearsal, str | None]:
    """Return what to tell the worker now; None while it reads, and when it was told all."""
    if rehearsal.in_hand is not None or rehearsal.num_told == len(rehearsal.prompts):
        return rehearsal, None
    text = rehearsal.prompts[rehearsal.num_told]
    return replace(rehearsal, num_told=rehearsal.num_told + 1, in_hand=text), text


def read(rehearsal: Rehearsal, text: str) -> Rehearsal:
    """Note that the worker read a prompt, ours or another."""
    return replace(rehearsal, in_hand=None) if text == rehearsal.in_hand else rehearsal
