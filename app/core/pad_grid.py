"""How many pads lie in a row. PURE."""

from __future__ import annotations

_COLUMNS = (12, 6, 4, 3, 2)
"""A row of pads lies as its keys do where it can: twelve, or the half of them."""
_BEST_ASPECT = 1.7
LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 72, 78
GAP_PX = 8


def columns(width_px: int, height_px: int, num_pads: int) -> int:
    """Return how many pads lie in a row of some room.

    As many as fill the room best with pads a little wider than high, none narrower than its name
    needs; where they do not all fit, the rows scroll.
    """
    fitting = [n for n in _COLUMNS if _pad_width(width_px, n) >= LEAST_WIDTH_PX] or [_COLUMNS[-1]]
    whole = [n for n in fitting if _pad_height(height_px, num_pads, n) >= LEAST_HEIGHT_PX]
    if not whole:
        return fitting[0]
    return min(whole, key=lambda n: _strangeness(width_px, height_px, num_pads, n))


def _pad_width(width_px: int, num: int) -> float:
    return (width_px - GAP_PX * (num - 1)) / num


def _pad_height(height_px: int, num_pads: int, num: int) -> float:
    rows = max(-(-num_pads // num), 1)
    return (height_px - GAP_PX * (rows - 1)) / rows


def _strangeness(width_px: int, height_px: int, num_pads: int, num: int) -> float:
    aspect = _pad_width(width_px, num) / max(_pad_height(height_px, num_pads, num), 1.0)
    return max(aspect / _BEST_ASPECT, _BEST_ASPECT / max(aspect, 0.01))
