"""Whatever hands do to the panels: none is lost, none comes twice, the fixed ones are seen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import dock_moves as moves
from app.core.dock_tree import (
    Arrangement,
    Floating,
    Leaf,
    Side,
    Split,
    completed,
    leaves,
    panels_of,
)
from app.core.layouts import FACTORY
from app.core.panels import FIXED, PANELS

ALL = tuple(PANELS)
NAMES = st.sampled_from(ALL)
SIDES = st.sampled_from(Side)
HAND = st.one_of(
    st.tuples(st.just("move"), NAMES, NAMES, SIDES),
    st.tuples(st.just("edge"), NAMES, SIDES),
    st.tuples(st.just("step"), NAMES, SIDES),
    st.tuples(st.just("tab"), NAMES),
    st.tuples(st.just("raise"), NAMES),
    st.tuples(st.just("show"), NAMES),
    st.tuples(st.just("hide"), NAMES),
    st.tuples(st.just("float"), NAMES),
    st.tuples(st.just("dock"), NAMES),
)
START = st.sampled_from([layout.arrangement for layout in FACTORY])


def shown(arrangement):
    floating = {one.panel for one in arrangement.floating}
    return tuple(p for p in ALL if p not in arrangement.hidden and p not in floating)


def done(arrangement, hand):
    match hand:
        case "move", panel, target, side:
            return moves.moved(arrangement, panel, target, side)
        case "edge", panel, side:
            return moves.moved_to_edge(arrangement, panel, side)
        case "step", panel, side:
            return moves.stepped(arrangement, panel, side, shown(arrangement))
        case "tab", panel:
            return moves.tabbed_with_neighbour(arrangement, panel, shown(arrangement))
        case "raise", panel:
            return moves.raised(arrangement, panel)
        case "show", panel:
            return moves.shown_again(arrangement, panel)
        case "hide", panel:
            return moves.hid(arrangement, panel)
        case "float", panel:
            return moves.floated(arrangement, Floating(panel, 0, 0, 300, 200))
        case "dock", panel:
            return moves.docked(arrangement, panel)


def is_tidy(node):
    if isinstance(node, Leaf):
        return bool(node.panels)
    rows_in_rows = any(isinstance(p, Split) and p.is_row == node.is_row for p in node.parts)
    fits = len(node.parts) == len(node.sizes) > 1 and min(node.sizes) > 0
    return fits and not rows_in_rows and all(map(is_tidy, node.parts))


@settings(max_examples=150)
@given(START, st.lists(HAND, max_size=25))
def test_no_hand_loses_a_panel_or_the_monitor_and_the_cuts(arrangement, hands):
    for hand in hands:
        arrangement = done(arrangement, hand)
        assert sorted(panels_of(arrangement.root)) == sorted(ALL)
        assert shown(arrangement) >= ()
        assert set(shown(arrangement)) >= FIXED
        assert is_tidy(arrangement.root)
        for _, leaf in leaves(arrangement.root):
            assert len(leaf.panels) == 1 or not FIXED & set(leaf.panels)
            assert set(leaf.recent) <= set(leaf.panels)


@given(START, NAMES)
def test_hidden_or_floating_and_back_is_where_it_was(arrangement, panel):
    there = moves.shown_again(arrangement, panel)
    assert moves.shown_again(moves.hid(there, panel), panel) == there
    away = moves.floated(there, Floating(panel, 5, 5, 300, 200))
    assert moves.docked(away, panel) == there
    assert (away == there) == (panel in FIXED)


@settings(max_examples=60)
@given(START, NAMES, st.sampled_from([Side.LEFT, Side.RIGHT, Side.ABOVE, Side.BELOW]))
def test_arrow_keys_lead_to_an_edge_and_stop_there(arrangement, panel, side):
    arrangement = moves.shown_again(arrangement, panel)
    for _ in range(40):
        after = moves.stepped(arrangement, panel, side, shown(arrangement))
        if after == arrangement:
            break
        arrangement = after
    else:
        pytest.fail("it never stops")
    root = arrangement.root
    seen = [p for p in panels_of(root) if p in shown(arrangement)]
    assert isinstance(root, Split)
    assert (seen[0] if side.is_before else seen[-1]) == panel
    assert root.is_row == side.is_along_row


def test_a_step_goes_past_a_neighbour_into_a_column_and_out_of_tabs():
    column = Split(False, (Leaf(("pads",)), Leaf(("cues",))), (1.0, 1.0))
    tabs = Leaf(("sliders", "source"))
    start = Arrangement(Split(True, (column, Leaf(("cuts",)), tabs), (1.0, 1.0, 1.0)))
    once = moves.stepped(start, "source", Side.LEFT, ALL)
    assert panels_of(once.root) == ["pads", "cues", "cuts", "source", "sliders"]
    twice = moves.stepped(once, "source", Side.LEFT, ALL)
    assert panels_of(twice.root) == ["pads", "cues", "source", "cuts", "sliders"]
    inside = moves.stepped(twice, "source", Side.LEFT, ALL)
    assert panels_of(inside.root.parts[0]) == ["pads", "cues", "source"]
    assert not inside.root.parts[0].is_row


def test_places_that_are_not_seen_are_stepped_over():
    row = Split(True, (Leaf(("pads",)), Leaf(("cues",)), Leaf(("cuts",))), (1.0, 1.0, 1.0))
    after = moves.stepped(Arrangement(row), "cuts", Side.LEFT, ("pads", "cuts"))
    assert panels_of(after.root) == ["cuts", "pads", "cues"]


TREES = st.recursive(
    st.builds(
        Leaf,
        st.lists(NAMES | st.sampled_from(["old", "new"]), max_size=4).map(tuple),
        st.lists(NAMES, max_size=3).map(tuple),
    ),
    lambda parts: st.lists(parts, min_size=1, max_size=4).flatmap(
        lambda found: st.builds(
            Split, st.booleans(), st.just(tuple(found)), st.just((100.0,) * len(found))
        )
    ),
    max_leaves=8,
)  # fmt: skip


@given(TREES, st.lists(NAMES, max_size=4).map(tuple))
def test_a_layout_of_another_segue_gets_exactly_our_panels(root, hidden):
    after = completed(Arrangement(root, hidden, (Floating("monitor", 0, 0, 9, 9),)))
    assert sorted(panels_of(after.root)) == sorted(ALL)
    assert set(shown(after)) >= FIXED
    assert is_tidy(after.root)
    assert all(
        len(leaf.panels) == 1 or not FIXED & set(leaf.panels) for _, leaf in leaves(after.root)
    )
    assert completed(after) == after
