"""The maps that the source `visuals` can draw, for whoever offers or reads its address."""

from __future__ import annotations

from typing import Final

MAPS: Final = (
    "dancer", "blobs", "lit dancer", "soft luminance", "dancer outline", "camera person", "jumper",
    "depth spheres", "two dancers", "hand", "depth floor", "depth tunnel", "blobs outline",
    "scene edges", "scene lines", "flow figure", "flow field", "fade", "filled", "nobody",
)  # fmt: skip
"""The names in `CONTROL_KINDS` of `engine/visuals/controls.py`, which loads torch."""
