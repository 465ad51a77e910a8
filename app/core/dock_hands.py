"""What a hand on a gap or a title does: sizes while it drags, and where a panel goes. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.core.dock_moves import can_move
from app.core.dock_places import Grip, Plan, Rect
from app.core.dock_tree import Arrangement, Path, Side

_EDGE_PX = 18  # of the window: a panel that is let go there takes the whole edge


def dragged(grip: Grip, by: int) -> dict[int, float]:
    """Return new sizes of the parts when a gap is dragged by so many pixels.

    What cannot give way passes the push on to its neighbour, as far as there is any that can.
    """
    sizes = [length for _, length in grip.spans]
    before = list(range(grip.index, -1, -1))
    after = list(range(grip.index + 1, len(sizes)))
    shrinking, growing = (before, after) if by < 0 else (after, before)
    can_give = sum(max(sizes[n] - grip.limits[n][0], 0) for n in shrinking)
    can_take = sum(max(grip.limits[n][1] - sizes[n], 0) for n in growing)
    amount = min(abs(by), can_give, can_take)
    _push(sizes, shrinking, amount, lambda n: sizes[n] - grip.limits[n][0], -1)
    _push(sizes, growing, amount, lambda n: grip.limits[n][1] - sizes[n], 1)
    return {index: float(sizes[n]) for n, index in enumerate(grip.parts)}


def _push(
    sizes: list[int], order: Sequence[int], amount: int, room: Callable[[int], int], sign: int
) -> None:
    for n in order:
        step = min(max(room(n), 0), amount)
        sizes[n] += sign * step
        amount -= step


def grip_of(whole: Plan, path: Path, is_row: bool) -> tuple[Grip, int] | None:
    """Return the gap that makes the panel at a path wider (or higher), and which way it goes then.

    None when the panel has no neighbour in that direction.
    """
    for end in range(len(path), 0, -1):
        for grip in whole.grips:
            if grip.path == path[: end - 1] and grip.is_row == is_row:
                own = grip.parts.index(path[end - 1])
                if grip.index == own - 1:
                    return grip, -1
                if own == 0 and grip.index == 0:
                    return grip, 1
    return None


class Drop(NamedTuple):
    """Where a panel goes that is let go now: `target` is empty for an edge of the window."""

    target: str
    side: Side
    rect: Rect


def drop_at(
    arrangement: Arrangement, whole: Plan, room: Rect, panel: str, point: tuple[int, int]
) -> Drop | None:
    """Return where a panel goes that is let go at a point; None where it may not go."""
    x, y = point
    if not room.contains(x, y):
        return None
    edge = _side_of(room, x, y, _EDGE_PX, _EDGE_PX)
    if edge is not None:
        return Drop("", edge, _half(room, edge, 4))
    place = next((one for one in whole.places if one.rect.contains(x, y)), None)
    if place is None:
        return None
    target = next((one for one in place.panels if one != panel), "")
    if not target:
        return None
    rect = place.rect
    side = _side_of(rect, x, y, rect.width // 4, rect.height // 4) or Side.ONTO
    if side is Side.ONTO and (
        panel in place.panels or not can_move(arrangement, panel, target, side)
    ):
        return None
    return Drop(target, side, _half(rect, side, 2))


def _side_of(rect: Rect, x: int, y: int, width: int, height: int) -> Side | None:
    """Return near which side of a rectangle a point lies, within a margin."""
    near = {
        Side.LEFT: (x - rect.x) / max(width, 1),
        Side.RIGHT: (rect.x + rect.width - x) / max(width, 1),
        Side.ABOVE: (y - rect.y) / max(height, 1),
        Side.BELOW: (rect.y + rect.height - y) / max(height, 1),
    }
    side = min(near, key=lambda one: near[one])
    return side if near[side] < 1.0 else None


def _half(rect: Rect, side: Side, share: int) -> Rect:
    x, y, width, height = rect
    match side:
        case Side.LEFT:
            return Rect(x, y, width // share, height)
        case Side.RIGHT:
            return Rect(x + width - width // share, y, width // share, height)
        case Side.ABOVE:
            return Rect(x, y, width, height // share)
        case Side.BELOW:
            return Rect(x, y + height - height // share, width, height // share)
        case Side.ONTO:
            return rect
