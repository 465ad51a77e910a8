"""Where the panels lie: nothing overlaps, all is inside, a drag does what the hand does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.dock_hands import dragged, drop_at, grip_of
from app.core.dock_moves import moved, resized
from app.core.dock_places import GAP_PX, Limits, Rect, limits_of, plan
from app.core.dock_tree import Leaf, Side, Split, leaf_of
from app.core.layouts import FACTORY
from app.core.panels import FIXED, PANELS

ALL = tuple(PANELS)
PLAY = FACTORY[0].arrangement
LIMITS = {
    name: Limits(120, row.height_px, most_height=row.height_px)
    if row.keeps_height
    else Limits(120, 60)
    for name, row in PANELS.items()
}
SHOWN = st.sets(st.sampled_from(ALL)).map(lambda some: some | FIXED)
ROOTS = st.sampled_from([layout.arrangement for layout in FACTORY])


def overlap(a, b):
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return across > 0 and down > 0


@settings(max_examples=150)
@given(ROOTS, SHOWN, st.integers(0, 2600), st.integers(0, 1500))
def test_places_and_gaps_lie_inside_and_never_over_each_other(arrangement, shown, width, height):
    room = Rect(7, 9, width, height)
    whole = plan(arrangement.root, room, LIMITS, shown)
    assert sorted(whole.shown) == sorted(shown)
    least = limits_of(arrangement.root, LIMITS, shown)
    if width < least.least_width or height < least.least_height:
        return
    rects = [place.rect for place in whole.places] + [grip.rect for grip in whole.grips]
    for number, rect in enumerate(rects):
        assert room.x <= rect.x
        assert rect.x + rect.width <= room.x + room.width
        assert room.y <= rect.y
        assert rect.y + rect.height <= room.y + room.height
        assert not any(overlap(rect, other) for other in rects[:number])
    for place in whole.places:
        assert place.front in place.panels
        assert place.body.width >= LIMITS[place.front].least_width - 1
        assert place.body.height >= LIMITS[place.front].least_height - 1


@given(st.integers(900, 2600), st.integers(-800, 800), st.integers(0, 3))
def test_a_dragged_gap_goes_with_the_hand_as_far_as_there_is_room(width, by, which):
    names = ("prompt", "monitor", "cuts", "pads", "sliders")
    root = Split(True, tuple(Leaf((name,)) for name in names), (150.0, 300.0, 120.0, 130.0, 140.0))
    limits = {name: Limits(100, 60, 500 if name == "cuts" else 2000) for name in names}
    room = Rect(0, 0, width, 500)
    before = plan(root, room, limits, names)
    grip = before.grips[which]
    sizes = dragged(grip, by)
    assert sum(sizes.values()) == width - 4 * GAP_PX
    assert all(sizes[n] >= min(100, grip.spans[n][1]) for n in sizes)
    went = sum(list(sizes.values())[: which + 1]) - sum(one for _, one in grip.spans[: which + 1])
    assert abs(went) <= abs(by)
    assert went * by >= 0
    arrangement = resized(PLAY.__class__(root), (), sizes)
    after = plan(arrangement.root, room, limits, names)
    assert after.grips[which].rect.x == grip.rect.x + went


def test_a_part_of_a_fixed_width_passes_the_push_on():
    names = ("monitor", "cuts", "sliders")
    root = Split(True, tuple(Leaf((name,)) for name in names), (600.0, 256.0, 368.0))
    limits = {"monitor": Limits(320), "cuts": Limits(256, 0, 256), "sliders": Limits(300)}
    whole = plan(root, Rect(0, 0, 1244, 500), limits, names)
    assert dragged(whole.grips[1], -50) == {0: 550.0, 1: 256.0, 2: 418.0}
    assert dragged(whole.grips[1], -5000) == {0: 320.0, 1: 256.0, 2: 648.0}
    assert dragged(whole.grips[1], 5000)[2] == 300.0


def test_the_gap_that_makes_a_panel_wider_is_the_one_before_it_or_behind_the_first():
    whole = plan(PLAY.root, Rect(0, 0, 1248, 700), LIMITS, ALL)
    path, _ = leaf_of(PLAY.root, "sliders")
    grip, sign = grip_of(whole, path, is_row=True)
    assert (grip.index, sign) == (1, -1)
    path, _ = leaf_of(PLAY.root, "preview")
    grip, sign = grip_of(whole, path, is_row=True)
    assert (grip.path, grip.index, sign) == (path[:-1], 0, 1)
    assert grip_of(whole, (), is_row=True) is None


@pytest.mark.parametrize(
    ("at", "side"),
    [((0.5, 0.1), Side.ABOVE), ((0.5, 0.9), Side.BELOW), ((0.1, 0.5), Side.LEFT),
     ((0.9, 0.5), Side.RIGHT), ((0.5, 0.5), Side.ONTO)],
)  # fmt: skip
def test_where_in_a_panel_it_is_let_go_says_on_which_side_it_goes(at, side):
    room = Rect(0, 0, 1248, 700)
    whole = plan(PLAY.root, room, LIMITS, ALL)
    rect = whole.place_of("sliders").rect
    point = (rect.x + int(at[0] * rect.width), rect.y + int(at[1] * rect.height))
    drop = drop_at(PLAY, whole, room, "pads", point)
    if at[0] > 0.8:  # the edge of the window is nearer
        drop = drop_at(PLAY, whole, room, "pads", (point[0] - 10, point[1]))
    assert (drop.target in whole.place_of("sliders").panels, drop.side) == (True, side)
    assert moved(PLAY, "pads", drop.target, drop.side) != PLAY


def test_nothing_goes_onto_the_monitor_the_edge_takes_all_and_outside_is_nowhere():
    room = Rect(0, 0, 1248, 700)
    whole = plan(PLAY.root, room, LIMITS, ALL)
    rect = whole.place_of("monitor").rect
    middle = (rect.x + rect.width // 2, rect.y + rect.height // 2)
    assert drop_at(PLAY, whole, room, "pads", middle) is None
    assert drop_at(PLAY, whole, room, "monitor", middle) is None
    assert drop_at(PLAY, whole, room, "pads", (2, 300))[:2] == ("", Side.LEFT)
    assert drop_at(PLAY, whole, room, "pads", (-5, 300)) is None
