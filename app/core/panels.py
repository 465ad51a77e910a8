"""The panels of the window, one row each. A new panel is one row here and one in a layout. PURE.

Two of them carry the show and are *fixed*: the monitor, and the cuts with the panic row. They can
be moved and resized, and never hidden, floated or put behind a tab.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One row. `width_px` and `height_px` are what it gets where it is put anew."""

    name: str
    title: str
    width_px: int
    height_px: int
    is_fixed: bool = False
    keeps_height: bool = False  # as high as what is in it, wherever it is
    is_closed_at_first: bool = False  # where a layout of an older Segue does not know it


SIDE_PX = 368
CUTS_PX = 256
MONITOR = "monitor"
CUTS = "cuts"

PANELS: dict[str, Panel] = {
    row.name: row
    for row in (
        Panel(MONITOR, "MONITOR", 600, 400, is_fixed=True),
        Panel(CUTS, "CUTS", CUTS_PX, 480, is_fixed=True),
        Panel("prompt", "PROMPT", 600, 130, keeps_height=True),
        Panel("preview", "PREVIEW", CUTS_PX, 400),
        Panel("cues", "CUES", 900, 72, keeps_height=True),
        Panel("pads", "PADS", 900, 86),
        Panel("figures", "FIGURES", 900, 54, keeps_height=True),
        Panel("sliders", "SLIDERS", SIDE_PX, 480),
        Panel("waves", "WAVES", SIDE_PX, 240),
        Panel("source", "SOURCE", SIDE_PX, 150),
        Panel("pictures", "PICTURES", SIDE_PX, 240),
        Panel("output", "OUTPUT", SIDE_PX, 160),
        Panel("cue_list", "CUE LIST", SIDE_PX, 420, is_closed_at_first=True),
        Panel("controllers", "MIDI", SIDE_PX, 420, is_closed_at_first=True),
        Panel("models", "MODELS", SIDE_PX, 420, is_closed_at_first=True),
    )
}

FIXED = frozenset(name for name, row in PANELS.items() if row.is_fixed)
HOME = "sliders"
"""Beside this panel, as a tab, goes one that a layout does not know."""
