"""How the window is divided: rows, columns and tabs of panels. PURE.

An `Arrangement` has a place for *every* panel, also for one that is hidden or floats: shown again,
or docked, it is back where it was. Sizes are pixels as they were seen last; what takes the room
that is left is decided in `dock_places`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from app.core.panels import FIXED, HOME, PANELS

Path = tuple[int, ...]
"""The way from the root to a node: which part of each split."""


class Side(StrEnum):
    """Where a panel goes, seen from another."""

    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"
    ONTO = "onto"  # as a tab

    @property
    def is_along_row(self) -> bool:
        """Whether a row, not a column, has a neighbour on this side."""
        return self in (Side.LEFT, Side.RIGHT)

    @property
    def is_before(self) -> bool:
        """Whether it is the side that is read first."""
        return self in (Side.LEFT, Side.ABOVE)


class Leaf(msgspec.Struct, frozen=True, tag="tabs"):
    """Panels in one place; several are tabs. `recent` are those in front, the newest first."""

    panels: tuple[str, ...]
    recent: tuple[str, ...] = ()


class Split(msgspec.Struct, frozen=True, tag="split"):
    """A row or a column of at least two parts, each with a size in pixels."""

    is_row: bool
    parts: tuple[Leaf | Split, ...]
    sizes: tuple[float, ...]


Node = Leaf | Split


class Floating(msgspec.Struct, frozen=True):
    """A panel in a window of its own, in pixels of the desktop."""

    panel: str
    x: int
    y: int
    width: int
    height: int


class Arrangement(msgspec.Struct, frozen=True):
    """Where every panel is."""

    root: Node
    hidden: tuple[str, ...] = ()
    floating: tuple[Floating, ...] = ()


# ---------------------------------------------------------------- looking


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield every leaf with its path, in reading order."""
    if isinstance(node, Leaf):
        yield path, node
        return
    for index, part in enumerate(node.parts):
        yield from leaves(part, (*path, index))


def panels_of(node: Node) -> list[str]:
    """Return the panels of a node in reading order."""
    return [panel for _, leaf in leaves(node) for panel in leaf.panels]


def leaf_of(root: Node, panel: str) -> tuple[Path, Leaf]:
    """Return the place of a panel. Raises KeyError where there is none."""
    for path, leaf in leaves(root):
        if panel in leaf.panels:
            return path, leaf
    raise KeyError(panel)


def at(root: Node, path: Path) -> Node:
    """Return the node at a path."""
    for index in path:
        assert isinstance(root, Split)
        root = root.parts[index]
    return root


def is_docked(arrangement: Arrangement, panel: str) -> bool:
    """Return whether a panel has room inside the window."""
    floats = any(one.panel == panel for one in arrangement.floating)
    return panel not in arrangement.hidden and not floats


def front_of(leaf: Leaf, shown: tuple[str, ...]) -> str:
    """Return which of the shown panels of a leaf is in front."""
    return next((panel for panel in leaf.recent if panel in shown), shown[0])


# ---------------------------------------------------------------- mending


def put(root: Node, path: Path, node: Node) -> Node:
    """Return the tree with another node at a path."""
    if not path:
        return node
    assert isinstance(root, Split)
    parts = list(root.parts)
    parts[path[0]] = put(parts[path[0]], path[1:], node)
    return msgspec.structs.replace(root, parts=tuple(parts))


def tidied(node: Node) -> Node:
    """Return the tree without empty leaves, splits of one part and rows within rows."""
    if isinstance(node, Leaf):
        return node
    parts: list[Node] = []
    sizes: list[float] = []
    for part, size in zip(node.parts, node.sizes, strict=True):
        clean = tidied(part)
        if isinstance(clean, Split) and clean.is_row == node.is_row:
            whole = sum(clean.sizes)
            parts.extend(clean.parts)
            sizes.extend(max(one * size / whole, 1.0) for one in clean.sizes)
        elif isinstance(clean, Split) or clean.panels:
            parts.append(clean)
            sizes.append(size)
    if not parts:
        return Leaf(())
    return parts[0] if len(parts) == 1 else Split(node.is_row, tuple(parts), tuple(sizes))


def without(node: Node, panel: str) -> Node:
    """Return the tree, not tidied, with a panel taken out; its place stays as an empty leaf."""
    path, leaf = leaf_of(node, panel)
    rest = tuple(one for one in leaf.panels if one != panel)
    recent = tuple(one for one in leaf.recent if one != panel)
    return put(node, path, Leaf(rest, recent))


def completed(arrangement: Arrangement) -> Arrangement:
    """Return a layout of another Segue with exactly the panels of this one.

    What is not known here is left out, a panel that comes twice stays where it is first, and one
    that was not there yet becomes a tab. What must be seen is seen, and alone in its place.
    """
    root = arrangement.root
    seen: set[str] = set()
    for path, leaf in list(leaves(root)):
        kept = tuple(dict.fromkeys(p for p in leaf.panels if p in PANELS and p not in seen))
        seen.update(kept)
        recent = tuple(dict.fromkeys(p for p in leaf.recent if p in kept))
        root = put(root, path, Leaf(kept, recent))
    root = _with_home(tidied(root))
    new = [panel for panel in PANELS if panel not in panels_of(root)]
    root = tidied(_alone(_tabbed(root, [panel for panel in new if panel not in FIXED])))
    for panel in (panel for panel in new if panel in FIXED):
        root = tidied(Split(True, (Leaf((panel,)), root), (PANELS[panel].width_px, 600.0)))
    closed = [panel for panel in new if PANELS[panel].is_closed_at_first]
    may = [
        panel for panel in (*arrangement.hidden, *closed) if panel in PANELS and panel not in FIXED
    ]
    floating = {f.panel: f for f in arrangement.floating if f.panel in PANELS}
    return Arrangement(
        root=root,
        hidden=tuple(dict.fromkeys(may)),
        floating=tuple(f for name, f in floating.items() if name not in FIXED),
    )


def _with_home(root: Node) -> Node:
    """Let there be the panel beside which new ones go."""
    if HOME in panels_of(root):
        return root
    size = float(PANELS[HOME].width_px)
    return tidied(Split(True, (root, Leaf((HOME,))), (600.0, size)))


def _tabbed(root: Node, panels: list[str]) -> Node:
    if not panels:
        return root
    path, leaf = leaf_of(root, HOME)
    recent = leaf.recent or leaf.panels[:1]
    return put(root, path, Leaf((*leaf.panels, *panels), recent))


def _alone(root: Node) -> Node:
    """Give what must be seen a leaf of its own, left of the tabs that it was among."""
    for path, leaf in list(leaves(root)):
        must = [panel for panel in leaf.panels if panel in FIXED]
        if not must or len(leaf.panels) == 1:
            continue
        rest = Leaf(tuple(p for p in leaf.panels if p not in FIXED))
        parts = (*(Leaf((panel,)) for panel in must), rest)
        sizes = tuple(float(PANELS[panel].width_px) for panel in (*must, HOME))
        return _alone(tidied(put(root, path, Split(True, parts, sizes))))
    return root
