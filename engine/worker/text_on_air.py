"""The text that chunks are made under, and what is owed to a text that is late.

In:     plans, at their boundary; rows of the prompt book.
Out:    text rows for the sampler; the events of the boundary, for the reset table.
Thread: generator.
Full:   cannot fill.

    the plan's text    on air at this boundary   reset table sees           recache
    -----------------+-------------------------+--------------------------+----------------------
    as before          what was                  the plan's events          none
    encoded            the plan's                the plan's events          if the plan says so
    late               what was                  all but the hard cut       owed
    late, now there    the plan's                and the hard cut, if owed  if owed

A late hard cut waits as a whole: a new picture of the old text would be neither look. The first
text of a worker is waited for: nothing it could keep is on air. A replay waits for every text and
is late where the take was, so that it gives the same pictures.
"""

from __future__ import annotations

from torch import Tensor

from engine.protocol.orders import ChunkPlan
from engine.protocol.parameters import PROMPT_MIXINGS
from engine.protocol.values import CacheAction, LatePrompt, WeightedPrompt
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.prompts import MixedText, PromptBook
from engine.worker.resets import Event, events_of
from engine.worker.text_mix import Mixing

_WARM_UP = (WeightedPrompt(text="", weight=1.0),)


class TextOnAir:
    """Owns which text the sampler works under."""

    def __init__(self, prompts: PromptBook, sampler: ChunkSampler, *, recaches: bool) -> None:
        """`recaches`: the model rewrites its context when the text changes, see `ModelSpec`."""
        self.mix: tuple[WeightedPrompt, ...] = ()
        self.late: tuple[LatePrompt, ...] = ()  # of the last plan
        self._mixing = Mixing.LINEAR
        self._prompts = prompts
        self._sampler = sampler
        self._recaches = recaches
        self._was_taken = False
        self._owed_cut = ""  # reason of a hard cut that waits for its text
        self._owes_recache = False
        self._is_recache_due = False

    def warm_up(self) -> tuple[WeightedPrompt, ...]:
        """Set and return a text to warm up with; it stays if the first text cannot be encoded.

        Raises:
            ValueError: it cannot be encoded, so nothing can.
        """
        mixed = self._prompts.wait_mixed(_WARM_UP)
        if mixed.rows is None:
            raise ValueError(f"the text encoder does not work: {mixed.late[0].failure}")
        self._set(_WARM_UP, Mixing.LINEAR, mixed.rows)
        return _WARM_UP

    def forget(self) -> None:
        """Wait for the next plan's text as for the first."""
        self._was_taken = False

    def take(self, plan: ChunkPlan) -> dict[Event, str]:
        """Put the plan's text on air if it is there; returns what happens at this boundary."""
        meant = plan.text if plan.recorded_text is None else plan.recorded_text
        mixing = mixing_of(plan)
        was_late = meant != plan.text  # in the take
        is_kept = meant == self.mix and (was_late or len(meant) < 2 or mixing is self._mixing)
        mixed = MixedText(None) if is_kept else self._mixed(plan, meant, mixing)
        self._was_taken = True
        self.late = mixed.late
        if mixed.rows is not None:
            self._set(meant, mixing, mixed.rows)
        is_late = bool(mixed.late) or was_late
        return self._owe(plan) if is_late else self._pay(plan, changes=mixed.rows is not None)

    def recache_if_due(self) -> None:
        """Rewrite the context under a text that came on air, after the resets of its boundary."""
        if self._is_recache_due and self._recaches:
            self._sampler.recache()

    def _mixed(
        self, plan: ChunkPlan, meant: tuple[WeightedPrompt, ...], mixing: Mixing
    ) -> MixedText:
        if self._was_taken and plan.recorded_text is None:
            return self._prompts.try_mixed(meant, mixing)
        return self._prompts.wait_mixed(meant, mixing)

    def _set(self, mix: tuple[WeightedPrompt, ...], mixing: Mixing, rows: Tensor) -> None:
        self._sampler.set_text(rows.to(self._sampler.model.device))
        self.mix, self._mixing = mix, mixing

    def _owe(self, plan: ChunkPlan) -> dict[Event, str]:
        events = events_of(plan)
        self._owed_cut = events.pop(Event.HARD_CUT, self._owed_cut)
        self._owes_recache |= plan.cache_action is CacheAction.RECACHE
        self._is_recache_due = False
        return events

    def _pay(self, plan: ChunkPlan, *, changes: bool) -> dict[Event, str]:
        is_asked = self._owes_recache or plan.cache_action is CacheAction.RECACHE
        self._is_recache_due = changes and is_asked
        owed = {Event.HARD_CUT: f"{self._owed_cut}, late"} if self._owed_cut else {}
        self._owed_cut, self._owes_recache = "", False
        return {**owed, **events_of(plan)}


def mixing_of(plan: ChunkPlan) -> Mixing:
    """Return how the plan mixes several prompts."""
    return Mixing(PROMPT_MIXINGS[int(plan.parameters.get("prompt_mixing", 0.0))])
