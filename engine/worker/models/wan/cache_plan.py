"""PURE. Which slots of the KV cache one pass moves, writes and attends, and at which positions.

The cache has `window` slots of one latent frame each: first the sink frames, then the newest
latents in order. A pass over N latent frames is one of three kinds:

    pass     when                               moves               writes        state after
    -------  ---------------------------------  ------------------  ------------  ------------
    chunk    first denoising step of a chunk;   drops the E oldest  the N slots   cached + N-E
             a given context after a reset      after the sink (E   that follow   position + N
                                                of them do not fit)
    repeat   later steps, clean pass            nothing             those again   unchanged
    recache  prompt switch, N recent latents    nothing             last N slots  unchanged

Every pass attends slots 0 .. cached (after the pass). Query positions are

    ABSOLUTE  position of the latent frame since the reset; keys keep the phase they were written
              with. The numbers grow without end.
    WINDOW    slot numbers; keys are kept unrotated and turned by their present slot, so positions
              stay below `window` however long the show runs.

Sink slots are left alone by a recache when `recache_keeps_sink`, and by repeats when
`repeat_keeps_sink`; neither holds for a pass over latents that start at position 0, which is what
fills the sink.  Source: Self-Forcing, LongLive and KREA Realtime inference code.
"""

from dataclasses import dataclass
from enum import Enum


class Positions(Enum):
    """What the time position of a cached key is."""

    ABSOLUTE = "absolute"
    WINDOW = "window"


class ContextWrite(Enum):
    """How finished latents get into the cache."""

    CLEAN_PASS = "clean pass"  # one more pass over the finished chunk
    RECOMPUTE = "recompute"  # the whole context anew before every chunk
    NONE = "none"  # what the last denoising step wrote stays


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRule:
    """How a model was trained to read and write its cache."""

    positions: Positions = Positions.WINDOW
    context_write: ContextWrite = ContextWrite.CLEAN_PASS
    recache_keeps_sink: bool = True
    repeat_keeps_sink: bool = False


SELF_FORCING = CacheRule(positions=Positions.ABSOLUTE)
LONGLIVE = CacheRule(positions=Positions.ABSOLUTE, repeat_keeps_sink=True)
LONGLIVE_ENDLESS = CacheRule(positions=Positions.WINDOW, repeat_keeps_sink=True)
KREA = CacheRule(positions=Positions.ABSOLUTE, context_write=ContextWrite.RECOMPUTE)
"""Every recompute begins with a reset, so absolute positions stay within the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheWindow:
    """Number of slots, and how many of them belong to sink frames."""

    window_latents: int
    sink_latents: int = 0

    def __post_init__(self) -> None:
        """Refuse a window without room for anything but sinks."""
        if not 0 <= self.sink_latents < self.window_latents:
            raise ValueError(
                f"cache window of {self.window_latents} latents with {self.sink_latents} sink "
                "latents: the window must be larger than the sink"
            )


@dataclass(frozen=True, slots=True)
class CacheState:
    """How far the cache has come, in latent frames."""

    cached: int = 0
    """Valid slots, counted from slot 0."""
    position: int = 0
    """Latent frames since the reset, those no longer cached included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """What one pass does to the cache; all numbers are latent frames or slots."""

    evict: int
    """Latents that leave, directly after the sink; what follows them moves down."""
    write_start: int
    """First slot that is written."""
    write_stop: int
    """One past the last slot of the pass, and of what it attends."""
    write_skip: int
    """Leading latents of the pass that are not written, their slots being protected."""
    query_positions: tuple[int, ...]
    """Time position of each latent frame of the pass."""
    after: CacheState

    @property
    def num_latents(self) -> int:
        """Latent frames of the pass."""
        return len(self.query_positions)


def plan_chunk(rule: CacheRule, window: CacheWindow, state: CacheState, count: int) -> PassPlan:
    """Plan the first pass over `count` new latent frames.

    Raises:
        ValueError: the new latents do not fit beside the sink.
    """
    room = window.window_latents - window.sink_latents
    if not 0 < count <= room:
        raise ValueError(
            f"a chunk of {count} latents does not fit in a cache window of "
            f"{window.window_latents} with {window.sink_latents} sink latents"
        )
    evict = max(0, state.cached + count - window.window_latents)
    after = CacheState(state.cached + count - evict, state.position + count)
    return PassPlan(
        evict=evict,
        write_start=after.cached - count,
        write_stop=after.cached,
        write_skip=0,
        query_positions=_positions(rule, after, count),
        after=after,
    )


def plan_repeat(rule: CacheRule, window: CacheWindow, state: CacheState, count: int) -> PassPlan:
    """Plan another pass over the newest `count` latent frames.

    Raises:
        ValueError: fewer than `count` latents are cached.
    """
    return _rewrite(rule, window, state, count, keep_sink=rule.repeat_keeps_sink)


def plan_recache(rule: CacheRule, window: CacheWindow, state: CacheState, count: int) -> PassPlan:
    """Plan one pass that rewrites the newest `count` cached latents under a new prompt.

    Raises:
        ValueError: fewer than `count` latents are cached.
    """
    return _rewrite(rule, window, state, count, keep_sink=rule.recache_keeps_sink)


def _rewrite(
    rule: CacheRule, window: CacheWindow, state: CacheState, count: int, *, keep_sink: bool
) -> PassPlan:
    if not 0 < count <= state.cached:
        raise ValueError(
            f"cannot rewrite {count} latents: {state.cached} are cached; run a first pass before"
        )
    start = state.cached - count
    is_protected = keep_sink and state.position > count
    skip = min(max(window.sink_latents - start, 0), count) if is_protected else 0
    return PassPlan(
        evict=0,
        write_start=start + skip,
        write_stop=state.cached,
        write_skip=skip,
        query_positions=_positions(rule, state, count),
        after=state,
    )


def _positions(rule: CacheRule, after: CacheState, count: int) -> tuple[int, ...]:
    """Positions of the newest `count` latents in the state after their pass."""
    end = after.position if rule.positions is Positions.ABSOLUTE else after.cached
    return tuple(range(end - count, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPlan:
    """Which finished latents make up a recomputed context: one head, then the recent ones."""

    needs_anchor: bool
    """The head is the re-encoded frame before `recent`; otherwise the first latent of the show."""
    recent: range
    """Indices of finished latents since the reset."""

    @property
    def num_latents(self) -> int:
        """Latents of the context."""
        return 1 + len(self.recent)


def plan_context(finished: int, chunk: int, count: int, *, keep_first: bool) -> ContextPlan:
    """Choose the context that is recomputed before the next chunk.

    Args:
        finished: latents finished since the reset, at least one chunk.
        chunk: latents of a chunk.
        count: latents the context holds when enough are finished.
        keep_first: head the context with the first latent for ever.

    Source: KREA Realtime inference code.
    """
    is_early = finished - chunk < count
    recent = range(max(1, finished - count + 1), finished)
    return ContextPlan(needs_anchor=not (is_early or keep_first), recent=recent)
