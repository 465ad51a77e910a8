"""Named layouts: nothing of one's own is lost, the house's stay as they are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import layouts as book_of
from app.core.dock_moves import hid, moved
from app.core.dock_places import Rect
from app.core.dock_tree import Side, completed, panels_of
from app.core.layouts import FACTORY, LayoutBook, LayoutError
from app.core.panels import PANELS
from app.core.screens import back_on_screen

MINE = hid(FACTORY[0].arrangement, "figures")


@pytest.mark.parametrize("layout", FACTORY, ids=lambda layout: layout.name)
def test_a_layout_of_the_house_has_every_panel_once(layout):
    assert sorted(panels_of(layout.arrangement.root)) == sorted(PANELS)
    assert completed(layout.arrangement) == layout.arrangement
    assert layout.name in book_of.TIPS


NAMES = st.text(max_size=30)
HAND = st.one_of(
    st.tuples(st.just("keep"), NAMES | st.sampled_from(["a", "b", "Play", " A "])),
    st.tuples(st.just("delete"), st.sampled_from(["a", "b", "Play"])),
    st.tuples(st.just("choose"), st.sampled_from(["a", "Play", "Edit", "none"])),
    st.tuples(st.just("move"), st.sampled_from(sorted(PANELS)), st.sampled_from(Side)),
    st.tuples(st.just("reset"),),
)  # fmt: skip


@given(st.lists(HAND, max_size=20))
def test_names_are_there_once_and_a_book_survives_the_disk(hands):
    book = LayoutBook()
    for hand in hands:
        before = book
        try:
            match hand:
                case "keep", name:
                    now = book_of.arrangement_of(book)
                    book = book_of.kept(book, name)
                    assert book_of.arrangement_of(book) == now
                case "delete", name:
                    now = book_of.arrangement_of(book)
                    book = book_of.deleted(book, name)
                    assert book_of.arrangement_of(book) == now
                case "choose", name:
                    book = book_of.chosen(book, name)
                case "move", panel, side:
                    now = book_of.arrangement_of(book)
                    book = book_of.arranged(book, moved(now, panel, "sliders", side))
                case _:
                    book = book_of.reset(book)
        except LayoutError:
            assert book is before
        names = [one.name.casefold() for one in book_of.layouts(book)]
        assert len(set(names)) == len(names)
        assert book_of.layouts(book)[: len(FACTORY)] == FACTORY
        assert book.chosen in [one.name for one in book_of.layouts(book)]
        assert book_of.from_text(book_of.to_text(book)) == book


def test_what_was_moved_is_seen_as_changed_until_it_is_back_or_kept():
    book = book_of.arranged(LayoutBook(), MINE)
    assert book_of.is_changed(book)
    assert not book_of.is_changed(book_of.arranged(book, FACTORY[0].arrangement))
    kept = book_of.kept(book, "  my   club ")
    assert (kept.chosen, book_of.is_changed(kept)) == ("my club", False)
    again = book_of.kept(book_of.arranged(kept, FACTORY[2].arrangement), "MY CLUB")
    assert [one.name for one in again.own] == ["MY CLUB"]
    assert book_of.reset(again).own == again.own


@pytest.mark.parametrize(
    ("name", "said"),
    [(" ", "needs a name"), ("x" * 25, "24 at most"), ("perform", "of the house")],
)
def test_a_name_that_cannot_be_is_said_and_changes_nothing(name, said):
    with pytest.raises(LayoutError, match=said):
        book_of.kept(LayoutBook(), name)


def test_there_is_an_end_to_layouts_and_the_house_cannot_be_deleted():
    book = LayoutBook()
    for number in range(book_of.MAX_OWN):
        book = book_of.kept(book, f"number {number}")
    with pytest.raises(LayoutError, match="delete one first"):
        book_of.kept(book, "one more")
    with pytest.raises(LayoutError, match="cannot be deleted"):
        book_of.deleted(book, "Edit")
    with pytest.raises(LayoutError, match="there are Play, Wide"):
        book_of.chosen(book, "nowhere")


def test_the_first_layout_is_for_the_window_as_it_is():
    first = [book_of.first_choice(*size) for size in ((1024, 700), (1280, 800), (1920, 1080))]
    assert first == ["Small", "Play", "Wide"]


def bad(change):
    book = book_of.kept(book_of.arranged(LayoutBook(), MINE), "mine")
    raw = msgspec.json.decode(book_of.to_text(book))
    change(raw)
    return msgspec.json.encode(raw).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.update(version=2), "version 2"),
        (lambda raw: raw.pop("version"), "missing required field `version`"),
        (lambda raw: raw["own"][0].update(name="Play"), "one of the house's"),
        (lambda raw: raw["own"][0]["arrangement"]["root"].update(sizes=[1.0]), "do not agree"),
        (lambda raw: raw["own"][0]["arrangement"]["root"]["sizes"].__setitem__(0, -3), "-3"),
        (lambda raw: raw["own"][0]["arrangement"].update(root=7), "no file of layouts"),
        (
            lambda raw: raw["own"][0]["arrangement"].update(
                floating=[{"panel": "pads", "x": 0, "y": 0, "width": 0, "height": 1}]
            ),
            "float 0 × 1",
        ),
    ],
)
def test_a_broken_file_says_what_is_wrong_with_it(change, said):
    with pytest.raises(LayoutError, match=said):
        book_of.from_text(bad(change))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_refused_with_a_sentence(text):
    with pytest.raises(LayoutError, match="is no file of layouts"):
        book_of.from_text(text)


def test_unknown_panels_and_fields_of_a_neighbour_do_not_break_a_layout():
    def change(raw):
        arrangement = raw["own"][0]["arrangement"]
        arrangement["root"]["parts"][2]["panels"] = ["hologram", "pads"]
        arrangement["hidden"].append("hologram")
        raw["colour"] = "mauve"

    book = book_of.from_text(bad(change))
    assert sorted(panels_of(book.own[0].arrangement.root)) == sorted(PANELS)
    assert "hologram" not in book.own[0].arrangement.hidden


SCREENS = st.lists(
    st.builds(
        Rect, st.integers(-4000, 4000), st.integers(-2000, 2000), st.integers(640, 3840),
        st.integers(480, 2160),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


@given(
    st.builds(
        Rect, st.integers(-9000, 9000), st.integers(-9000, 9000), st.integers(90, 5000),
        st.integers(30, 3000),
    ),
    SCREENS,
)  # fmt: skip
def test_a_floating_panel_has_its_title_on_a_screen_that_exists(window, screens):
    after = back_on_screen(window, screens)
    assert any(
        screen.contains(after.x + dx, after.y + 10)
        for screen in screens
        for dx in range(0, after.width, 40)
    )
    assert back_on_screen(after, screens) == after


def test_one_that_is_on_a_screen_stays_and_without_screens_nothing_moves():
    screens = [Rect(0, 0, 1920, 1080), Rect(1920, 0, 1280, 1024)]
    window = Rect(2000, 100, 400, 300)
    assert back_on_screen(window, screens) == window
    assert back_on_screen(window, screens[:1]) == Rect(1520, 100, 400, 300)
    assert back_on_screen(window, []) == window
