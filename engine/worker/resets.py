"""PURE. What a cut resets: one table, one row per piece of state, one column per event.

    state                    hard cut     soft cut     source cut   fault
    -----------------------  -----------  -----------  -----------  -----------
    decode stream            reset        keep         keep         reset
    encode: video            reset        keep         reset        reset
    encode: reactive         reset        keep         reset        reset
    encode: inactive         reset        keep         reset        reset
    video noise share        reset        keep         reset        reset
    KV cache                 reset        keep         keep         reset
    cross-attention cache    reset        reset        keep         reset
    context latents          reset        keep         keep         reset
    position                 reset        keep         keep         reset
    frame counter            keep         keep         keep         keep
    seed                     plan         plan         plan         plan
    text embedding           plan         plan         plan         plan
    parameters               plan         plan         plan         plan
    guides                   plan         plan         plan         plan
    preprocessor             keep         keep         reset        keep
    input queue              flush        keep         reset        keep

`keep` is not touched. `reset` is as after loading (the cross-attention cache is computed anew from
the text of the plan). `flush` drops what is older than the newest window of input frames. `plan`
takes what the plan says: the host decided it (a hard cut's new seed, a soft cut's blend), and the
worker holds nothing of it over a boundary. A soft cut's KV cache is kept and, when the plan says
RECACHE, rewritten under the new text if that is the model's own rule (`ModelSpec.recaches`).

A fault is a reset that no cut asked for: a broken picture, or a new worker taking over a show. It
keeps the look and the seed. There is no other reset, and none is silent: `resets_for` gives each
one its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from engine.protocol.orders import ChunkPlan
from engine.protocol.values import CacheAction, Cut


class State(StrEnum):
    """The pieces of state that a worker carries from chunk to chunk."""

    DECODE_STREAM = "decode stream"
    ENCODE_VIDEO = "encode stream: video"
    ENCODE_REACTIVE = "encode stream: control, reactive"
    ENCODE_INACTIVE = "encode stream: control, inactive"
    VIDEO_NOISE = "video noise share"
    KV_CACHE = "KV cache"
    CROSS_ATTENTION = "cross-attention cache"
    CONTEXT_LATENTS = "context latents"
    POSITION = "position"
    FRAME_COUNTER = "frame counter"
    SEED = "seed"
    TEXT = "text embedding"
    PARAMETERS = "parameters"
    GUIDES = "guides"
    PREPROCESSOR = "preprocessor"
    INPUT_QUEUE = "input queue"


class Event(StrEnum):
    """What can make a reset necessary."""

    HARD_CUT = "hard cut"
    SOFT_CUT = "soft cut"
    SOURCE_CUT = "source cut"
    FAULT = "fault"


class Effect(StrEnum):
    """What an event does to a piece of state; a later one outweighs an earlier one."""

    KEEP = "keep"
    PLAN = "plan"
    FLUSH = "flush"
    RESET = "reset"


_COLUMNS: Final = (Event.HARD_CUT, Event.SOFT_CUT, Event.SOURCE_CUT, Event.FAULT)
_KEEP, _PLAN, _FLUSH, _RESET = Effect
_ROWS: Final[dict[State, tuple[Effect, Effect, Effect, Effect]]] = {
    State.DECODE_STREAM: (_RESET, _KEEP, _KEEP, _RESET),
    State.ENCODE_VIDEO: (_RESET, _KEEP, _RESET, _RESET),
    State.ENCODE_REACTIVE: (_RESET, _KEEP, _RESET, _RESET),
    State.ENCODE_INACTIVE: (_RESET, _KEEP, _RESET, _RESET),
    State.VIDEO_NOISE: (_RESET, _KEEP, _RESET, _RESET),
    State.KV_CACHE: (_RESET, _KEEP, _KEEP, _RESET),
    State.CROSS_ATTENTION: (_RESET, _RESET, _KEEP, _RESET),
    State.CONTEXT_LATENTS: (_RESET, _KEEP, _KEEP, _RESET),
    State.POSITION: (_RESET, _KEEP, _KEEP, _RESET),
    State.FRAME_COUNTER: (_KEEP, _KEEP, _KEEP, _KEEP),
    State.SEED: (_PLAN, _PLAN, _PLAN, _PLAN),
    State.TEXT: (_PLAN, _PLAN, _PLAN, _PLAN),
    State.PARAMETERS: (_PLAN, _PLAN, _PLAN, _PLAN),
    State.GUIDES: (_PLAN, _PLAN, _PLAN, _PLAN),
    State.PREPROCESSOR: (_KEEP, _KEEP, _RESET, _KEEP),
    State.INPUT_QUEUE: (_FLUSH, _KEEP, _RESET, _KEEP),
}

TABLE: Final[dict[tuple[State, Event], Effect]] = {
    (state, event): effect
    for state, effects in _ROWS.items()
    for event, effect in zip(_COLUMNS, effects, strict=True)
}
"""(state, event) → effect, for every pair."""


def events_of(plan: ChunkPlan) -> dict[Event, str]:
    """Return what happens at the boundary before the plan's chunk, each event with its reason."""
    events: dict[Event, str] = {}
    if plan.cut is Cut.HARD:
        events[Event.HARD_CUT] = plan.reset_reason or "hard cut"
    elif plan.cache_action is CacheAction.RESET:
        events[Event.FAULT] = plan.reset_reason or "reset asked for by the host"
    if plan.cut is Cut.SOFT:
        events[Event.SOFT_CUT] = "soft cut"
    if plan.source_cut:
        events[Event.SOURCE_CUT] = "the source changed"
    return events


def effect_of(state: State, events: Iterable[Event]) -> Effect:
    """Return what the events together do to a piece of state: the strongest of their effects."""
    order = list(Effect)
    return max((TABLE[state, event] for event in events), key=order.index, default=Effect.KEEP)


def resets_for(events: dict[Event, str]) -> list[tuple[State, Effect, str]]:
    """Return every reset and flush that the events ask for, with its reason, in table order."""
    due: list[tuple[State, Effect, str]] = []
    for state in State:
        effect = effect_of(state, events)
        if effect in (Effect.FLUSH, Effect.RESET):
            causes = [event for event in events if TABLE[state, event] is effect]
            due.append((state, effect, ", ".join(events[cause] for cause in causes)))
    return due
