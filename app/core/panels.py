"""The panels of the window, one row each. A new panel is one row here and one in a layout. PURE.

Two of them carry the show and are *fixed*: the monitor, and the cuts with the panic row. They can
be moved and resized, and never hidden, floated or put behind a tab.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One row. `width_px` and `height_px` are what it gets where it is put anew.

    But for the fixed ones no panel insists on more than that.
    """

    name: str
    title: str
    tip: str
    width_px: int
    height_px: int
    is_fixed: bool = False
    keeps_height: bool = False  # as high as what is in it, wherever it is
    is_willed: bool = False  # comes and goes by itself: it is seen while it has something to say
    is_closed_at_first: bool = False  # where a layout of an older Segue does not know it


SIDE_PX = 368
CUTS_PX = 256
MONITOR = "monitor"
CUTS = "cuts"

PANELS: dict[str, Panel] = {
    row.name: row
    for row in (
        Panel(MONITOR, "Monitor", "What is on air", 600, 400, is_fixed=True),
        Panel(CUTS, "Cuts", "Cuts, beat, panic row", CUTS_PX, 480, is_fixed=True),
        Panel("prompt", "Prompt", "Now and next (/)", 600, 130, keeps_height=True),
        Panel("preview", "Preview", "Seen while it is open (A)", CUTS_PX, 400, is_willed=True),
        Panel(
            "cues",
            "Cues",
            "GO; seen once the show has cues",
            900,
            72,
            keeps_height=True,
            is_willed=True,
        ),
        Panel("pads", "Pads", "Presets (1 … =)", 900, 86),
        Panel("figures", "Figures", "Rates, delays, backends", 1000, 54, keeps_height=True),
        Panel("sliders", "Sliders", "Parameters (V)", SIDE_PX, 480),
        Panel("waves", "Waves", "Modulators and sound (W)", SIDE_PX, 240),
        Panel("source", "Source", "What comes in (I)", SIDE_PX, 150),
        Panel("pictures", "Pictures", "Pictures that steer (P)", SIDE_PX, 240),
        Panel("output", "Output", "What leaves (O)", SIDE_PX, 160),
        Panel("cue_list", "Cue list", "Write the cues (C)", SIDE_PX, 420, is_closed_at_first=True),
        Panel(
            "controllers", "MIDI", "Controllers (Shift L)", SIDE_PX, 420, is_closed_at_first=True
        ),
        Panel("models", "Models", "List and get models (M)", SIDE_PX, 420, is_closed_at_first=True),
    )
}

FIXED = frozenset(name for name, row in PANELS.items() if row.is_fixed)
HOME = "sliders"
"""Beside this panel, as a tab, goes one that a layout does not know."""
