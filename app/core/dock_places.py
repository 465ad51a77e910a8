"""Where every panel lies in a window of some size. PURE.

A row gives each part the size that it had, within what the part can be; what is left goes to the
part with the monitor, so that a larger window is a larger picture. A row without the monitor
keeps the proportions of its parts. All sizes are pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.core.dividing import ENDLESS_PX, divided
from app.core.dock_tree import Leaf, Node, Path, Split, front_of, panels_of
from app.core.panels import FIXED, MONITOR

GAP_PX = 10
BAR_PX = 26  # of tabs


class Rect(NamedTuple):
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int

    def contains(self, x: int, y: int) -> bool:
        """Return whether a point lies inside."""
        return 0 <= x - self.x < self.width and 0 <= y - self.y < self.height


class Limits(NamedTuple):
    """How small and how large something can be."""

    least_width: int = 0
    least_height: int = 0
    most_width: int = ENDLESS_PX
    most_height: int = ENDLESS_PX

    def along(self, is_row: bool) -> tuple[int, int]:
        """Return the least and the most along a row, or along a column."""
        if is_row:
            return self.least_width, self.most_width
        return self.least_height, self.most_height


@dataclass(frozen=True, slots=True)
class Place:
    """A leaf that is seen: its tabs, which is in front, where, and how high its bar is."""

    panels: tuple[str, ...]
    front: str
    rect: Rect
    bar_px: int

    @property
    def body(self) -> Rect:
        """The room of the panel in front, below the bar."""
        x, y, width, height = self.rect
        bar = min(self.bar_px, height)
        return Rect(x, y + bar, width, height - bar)


@dataclass(frozen=True, slots=True)
class Grip:
    """A gap that can be dragged: between two parts of the split at `path`."""

    path: Path
    parts: tuple[int, ...]  # all that are seen
    spans: tuple[tuple[int, int], ...]  # where each begins and how long it is
    limits: tuple[tuple[int, int], ...]
    index: int  # among `parts`: the gap behind it
    is_row: bool
    rect: Rect


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole window."""

    places: tuple[Place, ...]
    grips: tuple[Grip, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The panels that have a place, also behind a tab, in reading order."""
        return tuple(panel for place in self.places for panel in place.panels)

    def place_of(self, panel: str) -> Place | None:
        """Return the place of a panel; None for one that has none."""
        return next((place for place in self.places if panel in place.panels), None)


def limits_of(
    node: Node, limits: Mapping[str, Limits], shown: Collection[str], handle_px: int = 0
) -> Limits | None:
    """Return what a node can be; None when nothing of it is shown.

    Of tabs the one in front counts. `handle_px` is the height of the bar of a place without tabs.
    """
    if isinstance(node, Leaf):
        seen = tuple(panel for panel in node.panels if panel in shown)
        if not seen:
            return None
        own = limits[front_of(node, seen)]
        bar = BAR_PX if len(seen) > 1 else handle_px
        return own._replace(
            least_height=own.least_height + bar,
            most_height=min(own.most_height + bar, ENDLESS_PX),
        )
    found = [limits_of(part, limits, shown, handle_px) for part in node.parts]
    return _together([one for one in found if one is not None], node.is_row)


def _together(parts: Sequence[Limits], is_row: bool) -> Limits | None:
    if not parts:
        return None
    gaps = GAP_PX * (len(parts) - 1)
    along = [part.along(is_row) for part in parts]
    across = [part.along(not is_row) for part in parts]
    least = sum(low for low, _ in along) + gaps
    most = min(sum(high for _, high in along) + gaps, ENDLESS_PX)
    least_across, most_across = max(low for low, _ in across), max(high for _, high in across)
    if is_row:
        return Limits(least, least_across, most, most_across)
    return Limits(least_across, least, most_across, most)


# ---------------------------------------------------------------- the whole window


def plan(
    root: Node,
    room: Rect,
    limits: Mapping[str, Limits],
    shown: Collection[str],
    handle_px: int = 0,
) -> Plan:
    """Lay the shown panels out in the room."""
    places: list[Place] = []
    grips: list[Grip] = []

    def lay(node: Node, rect: Rect, path: Path) -> None:
        if isinstance(node, Leaf):
            seen = tuple(panel for panel in node.panels if panel in shown)
            bar = BAR_PX if len(seen) > 1 else handle_px
            places.append(Place(seen, front_of(node, seen), rect, bar))
            return
        found = {i: limits_of(part, limits, shown, handle_px) for i, part in enumerate(node.parts)}
        spans = {i: one.along(node.is_row) for i, one in found.items() if one is not None}
        for grip, index, part in _divide(node, rect, path, spans):
            lay(node.parts[index], part, (*path, index))
            if grip is not None:
                grips.append(grip)

    if limits_of(root, limits, shown, handle_px) is not None:
        lay(root, room, ())
    return Plan(tuple(places), tuple(grips))


def _divide(
    node: Split, rect: Rect, path: Path, limits: Mapping[int, tuple[int, int]]
) -> list[tuple[Grip | None, int, Rect]]:
    """Return each shown part with its room and the grip behind it."""
    order = tuple(limits)
    length, begin = (rect.width, rect.x) if node.is_row else (rect.height, rect.y)
    lengths = divided(
        length - GAP_PX * (len(order) - 1),
        [node.sizes[index] for index in order],
        [limits[index] for index in order],
        [_holds(node.parts[index], {MONITOR}) for index in order],
        [_holds(node.parts[index], FIXED) for index in order],
    )
    spans = []
    for size in lengths:
        spans.append((begin, size))
        begin += size + GAP_PX
    whole = Grip(path, order, tuple(spans), tuple(limits.values()), 0, node.is_row, rect)
    found: list[tuple[Grip | None, int, Rect]] = []
    for n, index in enumerate(order):
        gap = _slice(rect, node.is_row, sum(spans[n]), GAP_PX)
        grip = replace(whole, index=n, rect=gap) if n + 1 < len(order) else None
        found.append((grip, index, _slice(rect, node.is_row, *spans[n])))
    return found


def _slice(rect: Rect, is_row: bool, begin: int, length: int) -> Rect:
    if is_row:
        return Rect(begin, rect.y, length, rect.height)
    return Rect(rect.x, begin, rect.width, length)


def _holds(node: Node, panels: Collection[str]) -> bool:
    return not set(panels).isdisjoint(panels_of(node))
