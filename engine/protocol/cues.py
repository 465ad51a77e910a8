"""Cues as the host plays them: self-contained, so that the host needs no show to go on.

The window resolves a show's cues into these (`Show.cue_specs`) and sends them; the host keeps them
while windows come and go.
"""

from __future__ import annotations

from engine.protocol.values import Cut, Look, Value

MAX_CUES = 500
MAX_FADE_S = 600.0
MAX_FOLLOW_S = 24 * 3600.0


class CueSpec(Value, frozen=True, kw_only=True):
    """One step of a show. `cut` none moves parameters only and leaves the picture its way."""

    name: str  # unique in its list
    look: Look  # its parameters are those that the cue shall move, no others
    cut: Cut = Cut.HARD
    num_chunks: int = 4  # length of a soft cut
    fade_s: float = 0.0  # how long continuous parameters travel; 0: with the cut
    follow_s: float | None = None  # on air for so long, then GO by itself; None: waits for a hand
    note: str = ""


class CueState(Value, frozen=True, kw_only=True):
    """Where the cue list stands. Names; empty for none."""

    list_name: str = ""
    names: tuple[str, ...] = ()
    on_air: str = ""  # the tally is red on it
    queued: str = ""  # fired, waits for its boundary
    moves_in_s: float | None = None  # until the rows of a queued cue without a cut move
    standby: str = ""  # GO fires it; its prompt is encoded
    follow_in_s: float | None = None  # to the follow-on; None: none counts
    is_held: bool = False  # the follow-on waits until it is let go
