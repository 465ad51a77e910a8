"""Named layouts: those of the house, one's own, and the arrangement of this moment. PURE.

The house's are read-only and have the keys F2 to F6; the first three of one's own have F7 to F9.
"""

from __future__ import annotations

import msgspec

from app.core.dock_tree import Arrangement, Leaf, Node, Split, completed, panels_of
from app.core.panels import CUTS_PX, SIDE_PX

VERSION = 1
MAX_NAME = 24
MAX_OWN = 24
NUM_KEYS = 8
"""Layouts with a key: F2 to F9."""
_MAX_DEPTH = 24
_SMALL_PX, _WIDE_PX = (1240, 740), (1680, 980)  # of the window


class Layout(msgspec.Struct, frozen=True):
    """A name and where everything is."""

    name: str
    arrangement: Arrangement


class LayoutBook(msgspec.Struct, frozen=True):
    """What is kept between two starts; `current` is there once hands have moved something."""

    version: int = VERSION
    own: tuple[Layout, ...] = ()
    chosen: str = "Play"
    current: Arrangement | None = None


def _row(*parts: tuple[Node, float]) -> Split:
    return Split(True, tuple(part for part, _ in parts), tuple(size for _, size in parts))


def _column(*parts: tuple[Node, float]) -> Split:
    return Split(False, tuple(part for part, _ in parts), tuple(size for _, size in parts))


def _one(*panels: str) -> Leaf:
    return Leaf(panels)


_STAGE = _row((_one("preview"), CUTS_PX), (_one("monitor"), 600))
_SUMMONED = ("cue_list", "controllers", "models")
_SIDE = _one("sliders", "waves", "source", "pictures", "output", *_SUMMONED)
_PLAY = Arrangement(
    root=_column(
        (
            _row(
                (_column((_STAGE, 400), (_one("prompt"), 130)), 600),
                (_one("cuts"), CUTS_PX),
                (_SIDE, SIDE_PX),
            ),
            560,
        ),
        (_one("cues"), 72),
        (_one("pads"), 86),
        (_one("figures"), 54),
    ),
    hidden=_SUMMONED,
)
_WIDE = Arrangement(
    root=_column(
        (
            _row(
                (_column((_STAGE, 600), (_one("prompt"), 130)), 1200),
                (_one("cuts"), CUTS_PX),
                (
                    _column(
                        (_one("sliders", "cue_list", "controllers", "models"), 650),
                        (_one("source", "pictures", "output", "waves"), 190),
                    ),
                    SIDE_PX,
                ),
            ),
            840,
        ),
        (_one("cues"), 72),
        (_one("pads"), 86),
        (_one("figures"), 54),
    ),
    hidden=_SUMMONED,
)
_PERFORM = Arrangement(
    root=_row(
        (
            _column(
                (_STAGE, 400),
                (_one("prompt"), 130),
                (_one("cues"), 72),
                (_one("pads"), 236),
                (_one("figures"), 54),
            ),
            900,
        ),
        (_one("cuts"), 320),
        (_SIDE, SIDE_PX),
    ),
    hidden=("prompt", "figures", "sliders", "waves", "source", "pictures", "output", *_SUMMONED),
)
_EDIT = Arrangement(
    root=_column(
        (
            _row(
                (
                    _column(
                        (
                            _row(
                                (_column((_STAGE, 400), (_one("prompt"), 130)), 600),
                                (_one("cuts"), CUTS_PX),
                            ),
                            480,
                        ),
                        (_one("cues"), 72),
                        (_one("pads"), 86),
                    ),
                    860,
                ),
                (
                    _column(
                        (_one("sliders", "waves", "controllers"), 340),
                        (_one("cue_list", "source", "pictures", "output", "models"), 340),
                    ),
                    SIDE_PX,
                ),
            ),
            640,
        ),
        (_one("figures"), 54),
    ),
)
_SMALL = Arrangement(
    root=_row(
        (
            _column(
                (_STAGE, 360),
                (_one("prompt"), 130),
                (_one("cues"), 72),
                (_one("pads"), 172),
                (_one("figures"), 54),
            ),
            640,
        ),
        (_one("cuts"), CUTS_PX),
        (_SIDE, SIDE_PX),
    ),
    hidden=("figures", "sliders", "waves", "source", "pictures", "output", *_SUMMONED),
)

FACTORY = (
    Layout("Play", _PLAY),
    Layout("Wide", _WIDE),
    Layout("Perform", _PERFORM),
    Layout("Edit", _EDIT),
    Layout("Small", _SMALL),
)
TIPS = {
    "Play": "Everything at hand, sliders and the rest as tabs",
    "Wide": "For a large screen: source and output below the sliders",
    "Perform": "A large picture, large pads, the cues and the cuts; the rest comes by its key",
    "Edit": "Every panel, cue list and sliders at once",
    "Small": "For a small screen: picture, prompt, pads and cuts",
}
_FACTORY_NAMES = tuple(layout.name for layout in FACTORY)


class LayoutError(Exception):
    """A layout that cannot be kept, gone to or read; the text says why and what to do."""


# ---------------------------------------------------------------- the book


def layouts(book: LayoutBook) -> tuple[Layout, ...]:
    """Return all layouts in the order of their keys."""
    return (*FACTORY, *book.own)


def is_factory(name: str) -> bool:
    """Return whether a layout is the house's."""
    return name in _FACTORY_NAMES


def arrangement_of(book: LayoutBook) -> Arrangement:
    """Return the arrangement of this moment."""
    if book.current is not None:
        return book.current
    return next((one.arrangement for one in layouts(book) if one.name == book.chosen), _PLAY)


def is_changed(book: LayoutBook) -> bool:
    """Return whether hands moved something since the layout was chosen."""
    return book.current is not None


def arranged(book: LayoutBook, arrangement: Arrangement) -> LayoutBook:
    """Return the book with another arrangement of this moment."""
    kept = next((one.arrangement for one in layouts(book) if one.name == book.chosen), None)
    current = None if arrangement == kept else arrangement
    return msgspec.structs.replace(book, current=current)


def chosen(book: LayoutBook, name: str) -> LayoutBook:
    """Return the book at a layout, as it was kept. Raises LayoutError for an unknown one."""
    if all(one.name != name for one in layouts(book)):
        names = ", ".join(one.name for one in layouts(book))
        raise LayoutError(f"There is no layout “{name}”; there are {names}")
    return msgspec.structs.replace(book, chosen=name, current=None)


def kept(book: LayoutBook, name: str) -> LayoutBook:
    """Return the book with the arrangement of this moment kept under a name.

    One's own layout of that name is replaced.

    Raises:
        LayoutError: no name, too long a name, one of the house's, or too many layouts.
    """
    name = " ".join(name.split())
    if not name:
        raise LayoutError("A layout needs a name: write one, then press Enter")
    if len(name) > MAX_NAME:
        raise LayoutError(
            f"“{name}” has {len(name)} letters; a layout's name has {MAX_NAME} at most"
        )
    if name.casefold() in (one.casefold() for one in _FACTORY_NAMES):
        raise LayoutError(
            f"“{name}” is a layout of the house and stays as it is; take another name"
        )
    new = Layout(name, arrangement_of(book))
    same = [one for one in book.own if one.name.casefold() == name.casefold()]
    own = tuple(new if one in same else one for one in book.own)
    if not same:
        own = (*book.own, new)
    if len(own) > MAX_OWN:
        raise LayoutError(f"There are {MAX_OWN} layouts already; delete one first")
    return msgspec.structs.replace(book, own=own, chosen=name, current=None)


def deleted(book: LayoutBook, name: str) -> LayoutBook:
    """Return the book without a layout; what is on screen stays as it is.

    Raises LayoutError for one of the house's, or one that is not there.
    """
    if is_factory(name):
        raise LayoutError(f"“{name}” is a layout of the house and cannot be deleted")
    if all(one.name != name for one in book.own):
        raise LayoutError(f"There is no layout “{name}” to delete")
    now = arrangement_of(book)
    own = tuple(one for one in book.own if one.name != name)
    if name != book.chosen:
        return msgspec.structs.replace(book, own=own)
    return arranged(msgspec.structs.replace(book, own=own, chosen=_FACTORY_NAMES[0]), now)


def first_choice(width_px: int, height_px: int) -> str:
    """Return the house's layout for a window of some size, in pixels."""
    if width_px < _SMALL_PX[0] or height_px < _SMALL_PX[1]:
        return "Small"
    return "Wide" if width_px >= _WIDE_PX[0] and height_px >= _WIDE_PX[1] else "Play"


def reset(book: LayoutBook, name: str = "Play") -> LayoutBook:
    """Return the book at a layout of the house; one's own layouts stay."""
    return chosen(book, name)


# ---------------------------------------------------------------- as text


def to_text(book: LayoutBook) -> str:
    """Return the book as JSON."""
    return msgspec.json.format(msgspec.json.encode(book), indent=1).decode() + "\n"


def from_text(text: str) -> LayoutBook:
    """Return the book, each layout with exactly the panels that this Segue has.

    Raises:
        LayoutError: the text is none of ours; the sentence says what is wrong with it.
    """
    try:
        version = msgspec.json.decode(text.encode(), type=_Versioned).version
        if version != VERSION:
            raise LayoutError(f"is of version {version}, and this Segue reads version {VERSION}")
        book = msgspec.json.decode(text.encode(), type=LayoutBook)
        own = tuple(Layout(one.name, _checked(one.arrangement)) for one in book.own)
        current = None if book.current is None else _checked(book.current)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise LayoutError(f"is no file of layouts: {error}") from error
    names = [one.name.casefold() for one in (*FACTORY, *own)]
    if len(set(names)) < len(names) or len(own) > MAX_OWN:
        raise LayoutError("has a name twice, one of the house's, or too many layouts")
    return msgspec.structs.replace(book, own=own, current=current)


class _Versioned(msgspec.Struct, frozen=True):
    version: int


def _checked(arrangement: Arrangement) -> Arrangement:
    _check(arrangement.root, 0)
    for one in arrangement.floating:
        if not (0 < one.width < 100_000 and 0 < one.height < 100_000):
            raise LayoutError(f"lets “{one.panel}” float {one.width} × {one.height} pixels large")
    return completed(arrangement)


def _check(node: Node, depth: int) -> None:
    if isinstance(node, Leaf):
        return
    if depth > _MAX_DEPTH or len(node.parts) != len(node.sizes) or not node.parts:
        raise LayoutError("has a row whose parts and sizes do not agree")
    if not all(0 < size < 100_000 for size in node.sizes):
        sizes = ", ".join(f"{size:g}" for size in node.sizes)
        names = ", ".join(panels_of(node))
        raise LayoutError(f"gives {names} the sizes {sizes}: each must be 1 to 99999 pixels")
    for part in node.parts:
        _check(part, depth + 1)
