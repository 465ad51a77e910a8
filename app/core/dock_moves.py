"""What hands do to the panels: each function returns another arrangement. PURE.

Whatever is done, in whatever order, every panel keeps exactly one place, and the fixed ones are
seen: what would break that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from app.core.dock_tree import (
    Arrangement,
    Floating,
    Leaf,
    Node,
    Path,
    Side,
    Split,
    at,
    is_docked,
    leaf_of,
    leaves,
    panels_of,
    put,
    tidied,
    without,
)
from app.core.panels import FIXED, PANELS

_MAX_STEPS = 40  # over hidden places; more than any tree has


def can_move(arrangement: Arrangement, panel: str, target: str, side: Side) -> bool:
    """Return whether a panel may go to that side of another, or onto it."""
    if target not in panels_of(arrangement.root) or panel == target:
        return False
    return side is not Side.ONTO or not FIXED & {panel, target}


def moved(arrangement: Arrangement, panel: str, target: str, side: Side) -> Arrangement:
    """Return with a panel beside another, or as a tab of it; it is docked and seen then."""
    if not can_move(arrangement, panel, target, side):
        return arrangement
    root = without(arrangement.root, panel)
    path, leaf = leaf_of(root, target)
    if side is Side.ONTO:
        panels = (*leaf.panels, panel)
        root = put(root, path, Leaf(panels, (panel, *(leaf.recent or leaf.panels[:1]))))
    else:
        root = _beside(root, path, panel, side)
    return _seen(msgspec.structs.replace(arrangement, root=tidied(root)), panel)


def moved_to_edge(arrangement: Arrangement, panel: str, side: Side) -> Arrangement:
    """Return with a panel along a whole edge of the window."""
    if side is Side.ONTO:
        return arrangement
    root = tidied(without(arrangement.root, panel))
    root = tidied(_beside(root, (), panel, side))
    return _seen(msgspec.structs.replace(arrangement, root=root), panel)


def _beside(root: Node, path: Path, panel: str, side: Side) -> Node:
    """Put a panel beside the node at a path, which gives it half of its room at most."""
    natural = _natural(panel, side)
    room = _room(root, path, side.is_along_row)
    size = min(natural, room / 2) if room else natural
    rest = max(room - size, size) if room else 2 * size
    pair = ((Leaf((panel,)), size), (at(root, path), rest))
    ordered = pair if side.is_before else pair[::-1]
    parts, sizes = tuple(part for part, _ in ordered), tuple(size for _, size in ordered)
    return put(root, path, Split(side.is_along_row, parts, sizes))


def _natural(panel: str, side: Side) -> float:
    row = PANELS[panel]
    return float(row.width_px if side.is_along_row else row.height_px)


def _room(root: Node, path: Path, along_row: bool) -> float:
    """Return how long the node at a path is along a row or column; 0 where nobody knows."""
    for end in range(len(path), 0, -1):
        parent = at(root, path[: end - 1])
        assert isinstance(parent, Split)
        if parent.is_row == along_row:
            return parent.sizes[path[end - 1]]
    return 0.0


# ---------------------------------------------------------------- step by step


def stepped(
    arrangement: Arrangement, panel: str, side: Side, shown: Collection[str]
) -> Arrangement:
    """Return with a panel one place further: what an arrow key does.

    Out of its tabs; past a neighbour; into a column or row that lies there; out of its own; at last
    along the edge of the window. Places that are not `shown` are stepped over, unseen.
    """
    if side is Side.ONTO or not is_docked(arrangement, panel):
        return arrangement
    before, after = _picture(arrangement.root, shown), arrangement
    for _ in range(_MAX_STEPS):
        root = _stepped_once(after.root, panel, side)
        if root == after.root:
            return arrangement  # it is at the edge, or only unseen places lay there
        after = msgspec.structs.replace(after, root=root)
        if _picture(root, shown) != before:
            return after
    return arrangement


def _stepped_once(root: Node, panel: str, side: Side) -> Node:
    path, leaf = leaf_of(root, panel)
    if len(leaf.panels) > 1:
        return tidied(_beside(without(root, panel), path, panel, side))
    for end in range(len(path), 0, -1):
        parent, index = at(root, path[: end - 1]), path[end - 1]
        assert isinstance(parent, Split)
        neighbour = index - 1 if side.is_before else index + 1
        if parent.is_row == side.is_along_row and 0 <= neighbour < len(parent.parts):
            if end == len(path):
                changed = _past(parent, index, neighbour, panel)
                return tidied(put(root, path[: end - 1], changed))
            place = index if side.is_before else index + 1
            return tidied(_lifted(root, path[: end - 1], place, panel, side))
    if isinstance(root, Split) and len(path) == 1 and root.is_row == side.is_along_row:
        return root
    if isinstance(root, Leaf):
        return root
    return tidied(_beside(tidied(without(root, panel)), (), panel, side))


def _past(parent: Split, index: int, neighbour: int, panel: str) -> Split:
    """Swap a leaf with its neighbour, or let it in where that is a row or column."""
    parts, sizes = list(parent.parts), list(parent.sizes)
    other = parts[neighbour]
    if isinstance(other, Leaf):
        parts[index], parts[neighbour] = parts[neighbour], parts[index]
        sizes[index], sizes[neighbour] = sizes[neighbour], sizes[index]
    else:
        size = _natural(panel, Side.RIGHT if other.is_row else Side.BELOW)
        parts[neighbour] = Split(other.is_row, (*other.parts, parts[index]), (*other.sizes, size))
        del parts[index], sizes[index]
    return Split(parent.is_row, tuple(parts), tuple(sizes))


def _lifted(root: Node, path: Path, place: int, panel: str, side: Side) -> Node:
    """Take a leaf out of where it is and put it into the split at `path`."""
    parent = at(without(root, panel), path)
    assert isinstance(parent, Split)
    parts, sizes = list(parent.parts), list(parent.sizes)
    parts.insert(place, Leaf((panel,)))
    sizes.insert(place, _natural(panel, side))
    return put(root, path, Split(parent.is_row, tuple(parts), tuple(sizes)))


def _picture(node: Node, shown: Collection[str]) -> object:
    """Return what of a tree is seen, without sizes."""
    if isinstance(node, Leaf):
        return tuple(panel for panel in node.panels if panel in shown) or None
    seen = [part for part in (_picture(part, shown) for part in node.parts) if part]
    if len(seen) < 2:
        return seen[0] if seen else None
    return (node.is_row, *seen)


def tabbed_with_neighbour(
    arrangement: Arrangement, panel: str, shown: Collection[str]
) -> Arrangement:
    """Return with a panel as a tab of the one before it in reading order, or after it."""
    order = [
        p for p in panels_of(arrangement.root) if p == panel or (p in shown and p not in FIXED)
    ]
    if panel in FIXED or panel not in order:
        return arrangement
    own = leaf_of(arrangement.root, panel)[1].panels
    here = order.index(panel)
    others = [p for p in (*reversed(order[:here]), *order[here:]) if p not in own]
    return moved(arrangement, panel, others[0], Side.ONTO) if others else arrangement


# ---------------------------------------------------------------- hide, show, float


def raised(arrangement: Arrangement, panel: str) -> Arrangement:
    """Return with a panel before the other tabs of its place."""
    path, leaf = leaf_of(arrangement.root, panel)
    recent = (panel, *(one for one in leaf.recent if one != panel))
    if recent == leaf.recent or len(leaf.panels) == 1:
        return arrangement
    root = put(arrangement.root, path, Leaf(leaf.panels, recent))
    return msgspec.structs.replace(arrangement, root=root)


def shown_again(arrangement: Arrangement, panel: str) -> Arrangement:
    """Return with a panel seen: not hidden, and before the other tabs; a floating one floats on."""
    hidden = tuple(one for one in arrangement.hidden if one != panel)
    return raised(msgspec.structs.replace(arrangement, hidden=hidden), panel)


def hid(arrangement: Arrangement, panel: str) -> Arrangement:
    """Return with a panel hidden; a fixed one stays."""
    if panel in FIXED or panel in arrangement.hidden:
        return arrangement
    return msgspec.structs.replace(arrangement, hidden=(*arrangement.hidden, panel))


def floated(arrangement: Arrangement, window: Floating) -> Arrangement:
    """Return with a panel in a window of its own; a fixed one stays."""
    if window.panel in FIXED:
        return arrangement
    others = tuple(one for one in arrangement.floating if one.panel != window.panel)
    hidden = tuple(one for one in arrangement.hidden if one != window.panel)
    return msgspec.structs.replace(arrangement, floating=(*others, window), hidden=hidden)


def docked(arrangement: Arrangement, panel: str) -> Arrangement:
    """Return with a floating panel back where it was."""
    rest = tuple(one for one in arrangement.floating if one.panel != panel)
    if rest == arrangement.floating:
        return arrangement
    return raised(msgspec.structs.replace(arrangement, floating=rest), panel)


def _seen(arrangement: Arrangement, panel: str) -> Arrangement:
    return shown_again(docked(arrangement, panel), panel)


def on_screens(arrangement: Arrangement, mend: Callable[[Floating], Floating]) -> Arrangement:
    """Return with every floating panel where `mend` puts it."""
    floating = tuple(mend(one) for one in arrangement.floating)
    return msgspec.structs.replace(arrangement, floating=floating)


def resized(arrangement: Arrangement, path: Path, sizes: dict[int, float]) -> Arrangement:
    """Return with other sizes, in pixels, for some parts of the split at a path."""
    split = at(arrangement.root, path)
    assert isinstance(split, Split)
    new = tuple(max(sizes.get(index, size), 1.0) for index, size in enumerate(split.sizes))
    root = put(arrangement.root, path, Split(split.is_row, split.parts, new))
    return msgspec.structs.replace(arrangement, root=root)


def next_panel(arrangement: Arrangement, panel: str, shown: Collection[str]) -> str:
    """Return the panel after this one in reading order, floating ones last; the first after all."""
    docked_ones = [p for _, leaf in leaves(arrangement.root) for p in leaf.panels if p in shown]
    order = [p for p in docked_ones if is_docked(arrangement, p)]
    order += [one.panel for one in arrangement.floating if one.panel in shown]
    if panel not in order:
        return order[0]
    return order[(order.index(panel) + 1) % len(order)]
