"""Which still pictures steer which chunk. PURE; the part of the score that is about guides.

                  | hard cut lands        | soft cut lands        | set by hand lands
    --------------+-----------------------+-----------------------+-----------------------------
    mask, refs    | the look's, or kept   | the look's, or kept   | as set
    first frame   | in this chunk         | not used              | waits for the next hard cut
    last frame    | in chunk N from here  | in chunk N from here  | the same, if it changed

Kept where the look has none (`Look.guides` is None): a typed prompt goes on with the pictures that
are there. What was set by hand before a cut yields to a look that has guides of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from engine.protocol.guides import NO_GUIDES
from engine.protocol.values import Guides


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideState:
    """Replaced, never changed."""

    live: Guides = NO_GUIDES
    edit: Guides | None = None  # set by hand, waits for the boundary
    since: int = 0  # chunk from which the last frame is counted
    first_at: int = 0  # chunk that begins with the first frame

    @property
    def as_set(self) -> Guides:
        """What was set last, on air or not yet."""
        return self.live if self.edit is None else self.edit


def opened(guides: Guides | None) -> GuideState:
    """Return the state of a show that begins with these."""
    return GuideState(live=guides or NO_GUIDES)


def noted(state: GuideState, guides: Guides) -> GuideState:
    """Return the state with guides that were set by hand."""
    return replace(state, edit=None if guides == state.live else guides)


def edit_landed(state: GuideState, chunk_index: int) -> GuideState:
    """Return the state at a boundary: what was set by hand is live."""
    if state.edit is None:
        return state
    same_aim = _aim(state.edit) == _aim(state.live)
    since = state.since if same_aim else chunk_index
    return replace(state, live=state.edit, edit=None, since=since)


def cut_landed(
    state: GuideState, guides: Guides | None, chunk_index: int, is_hard: bool
) -> GuideState:
    """Return the state at the boundary where a cut lands.

    Args:
        state: before the boundary.
        guides: of the look, or set after the cut was asked for; None keeps those that are there.
        chunk_index: of the chunk that lands.
        is_hard: a hard cut, which begins with the first frame.
    """
    kept = edit_landed(state, chunk_index).live
    first_at = chunk_index if is_hard else state.first_at
    return GuideState(live=kept if guides is None else guides, since=chunk_index, first_at=first_at)


def in_chunk(state: GuideState, chunk_index: int) -> Guides:
    """Return the guides of one chunk: first and last frame only where they are due."""
    live = state.live
    is_last = chunk_index - state.since + 1 == live.last_frame_chunk
    return msgspec.structs.replace(
        live,
        first_frame=live.first_frame if chunk_index == state.first_at else "",
        last_frame=live.last_frame if is_last else "",
        last_frame_chunk=NO_GUIDES.last_frame_chunk,
    )


def _aim(guides: Guides) -> tuple[str, int]:
    return guides.last_frame, guides.last_frame_chunk
