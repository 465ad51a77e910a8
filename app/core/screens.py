"""On which screen the clean output goes. PURE. Screens are names; an empty one is none."""

from __future__ import annotations

from collections.abc import Sequence


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
