"""On which screen the clean output goes, and panels that float. PURE.

For the clean output screens are names; an empty one is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.dock_places import Rect

_HANDLE_PX = 80  # of a title that a hand can take
_TITLE_PX = 26


def next_screen(screens: Sequence[str], own: str, shown: str) -> str:
    """Return where one key press moves the clean output: the other screens, ours, off.

    Args:
        screens: all that are there.
        own: the screen with the instrument on it: covered last, for keys go on to work.
        shown: where the clean output is; empty for nowhere.
    """
    order = [name for name in screens if name != own] + [name for name in screens if name == own]
    at = order.index(shown) + 1 if shown in order else 0
    return order[at] if at < len(order) else ""


def lost_text(screen: str) -> str:
    """Return what to say when the screen with the clean output is gone."""
    return f"Screen {screen} is gone and the clean output with it; it comes back with the screen"


def back_on_screen(window: Rect, screens: Sequence[Rect]) -> Rect:
    """Return where a window goes so that a hand can take it: where it is, if enough is on a screen.

    One whose screen is gone goes to the nearest, no larger than that.

    Args:
        window: in pixels of the desktop.
        screens: all that are there, without what the system keeps for itself; the first is ours.
    """
    if not screens or any(_shared_px(window, screen) >= _HANDLE_PX for screen in screens):
        return window
    return inside_screen(window, min(screens, key=lambda screen: _distance_px(window, screen)))


def inside_screen(window: Rect, screen: Rect) -> Rect:
    """Return the place nearest to a window's at which the whole of it is on a screen."""
    width, height = min(window.width, screen.width), min(window.height, screen.height)
    x = min(max(window.x, screen.x), screen.x + screen.width - width)
    y = min(max(window.y, screen.y), screen.y + screen.height - height)
    return Rect(x, y, width, height)


def _shared_px(window: Rect, screen: Rect) -> int:
    """Return how many pixels of the window's upper edge, where its title is, a screen shows."""
    is_high_enough = screen.y <= window.y <= screen.y + screen.height - _TITLE_PX
    right = min(window.x + window.width, screen.x + screen.width)
    return max(right - max(window.x, screen.x), 0) if is_high_enough else 0


def _distance_px(window: Rect, screen: Rect) -> int:
    across = max(screen.x - window.x, window.x - (screen.x + screen.width), 0)
    down = max(screen.y - window.y, window.y - (screen.y + screen.height), 0)
    return across + down
