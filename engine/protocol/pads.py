"""Presets as the host knows them, so that a remote can play them when no window is there.

The window resolves a show's presets into these (`Show.pad_specs`); the host keeps the last ones.
"""

from __future__ import annotations

from engine.protocol.values import Cut, Look, Value

MAX_PADS = 500


class PadSpec(Value, frozen=True, kw_only=True):
    """One preset: what it cuts to, how it likes to be cut to, and how its pad looks."""

    name: str
    look: Look
    cut: Cut = Cut.HARD
    num_chunks: int = 4  # length of a soft cut
    colour: str = ""  # #rrggbb
    picture: str = ""  # full path of an image file; empty for none
