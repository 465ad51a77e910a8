"""How a model and the size of its picture are written as text. PURE.

`krea-14b` is a row; `krea-14b-vace` is the same row with a VACE stack, which takes control pictures
and stills. `832x480` is a size: width, then height, in pixels.
"""

from __future__ import annotations

import re
from typing import Final

VACE_SUFFIX: Final = "-vace"
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})", re.ASCII)


def with_vace(name: str) -> str:
    """Return the name of a row with a VACE stack on top; `name` has none yet."""
    return name + VACE_SUFFIX


def without_vace(name: str) -> str:
    """Return the name of the row below the VACE stack; the name itself where there is none."""
    return name.removesuffix(VACE_SUFFIX)


def has_vace(name: str) -> bool:
    """Return whether a name is that of a row with a VACE stack."""
    return name.endswith(VACE_SUFFIX)


def pixels_text(width_px: int, height_px: int) -> str:
    """Return a size as it is written, and as `pixels_of` reads it."""
    return f"{width_px}x{height_px}"


def pixels_of(text: str) -> tuple[int, int] | None:
    """Return width and height in pixels, 1 to 99999 each; None where the text is no size."""
    found = _SIZE.fullmatch(text)
    return (int(found[1]), int(found[2])) if found is not None else None
