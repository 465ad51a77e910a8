"""The panels of a real window: moved by mouse and keys, kept under names, never lost."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core import dock_moves
from app.core.layouts import FACTORY
from app.core.panels import FIXED
from tests.gui.conftest import playing, until
from tests.gui.dock_rig import (
    ALT,
    CTRL,
    NONE,
    SHIFT,
    bar_of,
    begun,
    drag,
    drag_panel,
    middle,
    place_of,
    press,
)


def test_locked_panels_stay_and_unlocked_ones_go_where_the_hand_lets_them(host, play):
    async def move():
        async with begun(host.port) as window:
            before = window.docks.area.arrangement
            drag_panel(window, "sliders", middle(place_of(window, "monitor"), 0.1))
            grip = window.docks.area.plan.grips[-1].rect
            begin = QPoint(grip.x + grip.width // 2, grip.y + grip.height // 2)
            drag(window.docks.area, begin, begin + QPoint(-80, -80))
            assert dock_moves.raised(before, "sliders") == window.docks.area.arrangement
            press(window, Qt.Key.Key_D, SHIFT)
            assert window.top_bar.lock.isChecked()
            drag_panel(window, "sliders", middle(place_of(window, "monitor"), 0.1))
            assert place_of(window, "sliders").panels == ("sliders",)
            assert place_of(window, "sliders").rect.x < place_of(window, "monitor").rect.x
            drag_panel(window, "pads", middle(place_of(window, "sliders")))
            assert place_of(window, "pads").panels == ("sliders", "pads")
            drag_panel(window, "monitor", middle(place_of(window, "sliders")))
            assert place_of(window, "monitor").panels == ("monitor",)
            press(window, Qt.Key.Key_L, CTRL | SHIFT)
            assert window.docks.area.arrangement == FACTORY[0].arrangement

    play(move())


def test_a_gap_is_dragged_and_a_panel_resized_by_keys(host, play):
    async def resize():
        async with begun(host.port) as window:
            area = window.docks.area
            window.docks.toggle_lock()
            width = place_of(window, "sliders").rect.width
            gap = next(g for g in area.plan.grips if g.is_row and g.index == 1).rect
            begin = QPoint(gap.x + gap.width // 2, gap.y + 100)
            drag(area, begin, begin - QPoint(60, 0))
            assert place_of(window, "sliders").rect.width == width + 60
            area.choose("sliders")
            press(window, Qt.Key.Key_Left, ALT | SHIFT)
            assert place_of(window, "sliders").rect.width == width + 36
            window.resize(1500, 900)
            assert place_of(window, "sliders").rect.width == width + 36
            assert area.shells["sliders"].width() == width + 36

    play(resize())


def test_keys_choose_move_tab_float_and_hide_a_panel_but_never_the_fixed_ones(host, play):
    async def walk():
        async with begun(host.port) as window:
            area = window.docks.area
            press(window, Qt.Key.Key_D, CTRL)
            assert (area.chosen, "locked" in window.notices.kept[-1][1]) == ("", True)
            press(window, Qt.Key.Key_D, SHIFT)
            seen = []
            for _ in area.seen():
                press(window, Qt.Key.Key_D, CTRL)
                seen.append(area.chosen)
            assert sorted(seen) == sorted(area.seen())
            for panel in sorted(FIXED):
                area.choose(panel)
                for key in (Qt.Key.Key_H, Qt.Key.Key_D, Qt.Key.Key_T):
                    press(window, key, CTRL | SHIFT)
                assert place_of(window, panel).panels == (panel,)
            area.choose("figures")
            press(window, Qt.Key.Key_Up, CTRL | SHIFT)
            assert place_of(window, "figures").rect.y < place_of(window, "pads").rect.y
            press(window, Qt.Key.Key_T, CTRL | SHIFT)
            assert len(place_of(window, "figures").panels) > 1
            press(window, Qt.Key.Key_H, CTRL | SHIFT)
            assert place_of(window, "figures") is None
            area.toggle_float("output")
            area.choose("output")
            before = area.arrangement.floating[0]
            press(window, Qt.Key.Key_Right, CTRL | SHIFT)
            press(window, Qt.Key.Key_Down, ALT | SHIFT)
            after = area.arrangement.floating[0]
            assert (after.x - before.x, after.height - before.height) == (24, 24)
            assert (window.output.window().x(), window.output.window().height()) == (
                after.x, after.height,
            )  # fmt: skip

    play(walk())


def test_a_floating_panel_plays_on_with_all_keys_and_docks_where_it_was(host, play):
    async def float_it():
        async with playing(host.port) as window:
            window.docks.begin(is_second=False)
            area, before = window.docks.area, window.docks.area.arrangement
            area.toggle_float("pads")
            outside = window.pads.window()
            assert outside is not window
            assert outside.windowFlags() & Qt.WindowType.FramelessWindowHint
            outside.activateWindow()
            window.pads.pads[3].setFocus()
            QTest.keyClick(window.pads.pads[3], Qt.Key.Key_B)
            await until(lambda: window.instrument.values()["black"] == 1.0)
            QTest.keyClick(window.pads.pads[3], Qt.Key.Key_B)
            QTest.mouseClick(window.pads.pads[3], Qt.MouseButton.LeftButton)
            name = window.instrument.show.presets[3].name
            await until(lambda: window.instrument.state.look_name == name)
            window.midi.set_learning(True)
            assert not any(target.startswith("pad:") for target in window.learn._boxes())
            window.midi.set_learning(False)
            outside.close()
            assert "pads" in area.arrangement.hidden
            window.docks.toggle("pads")
            assert window.pads.isVisible()
            area.toggle_float("pads")
            assert window.pads.window() is window
            assert area.arrangement == before

    play(float_it())


def test_a_panel_dragged_out_of_the_window_floats_and_is_dragged_back(host, play):
    async def out_and_in():
        async with begun(host.port) as window:
            window.docks.toggle_lock()
            drag_panel(window, "source", QPoint(-window.x() - 200, 300))
            outside = window.source.window()
            assert outside is not window
            bar = outside.bar
            goal = window.docks.area.mapToGlobal(middle(place_of(window, "cuts"), 0.9))
            QTest.mousePress(bar, Qt.MouseButton.LeftButton, NONE, QPoint(30, 10))
            for step in range(4):  # it comes with the hand, so the goal moves under it
                QTest.mouseMove(bar, bar.mapFromGlobal(goal - QPoint(3 - step, 0)))
            assert window.docks.area.shade.isVisible()
            QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, NONE, bar.mapFromGlobal(goal))
            assert window.source.window() is window
            assert place_of(window, "source").rect.x > place_of(window, "cuts").rect.x

    play(out_and_in())


def test_escape_ends_a_drag_and_the_panel_is_where_it_was(host, play):
    async def regret(window, bar, goal):
        QTest.mousePress(bar, Qt.MouseButton.LeftButton, NONE, QPoint(30, 10))
        before = window.docks.area.arrangement
        for step in range(4):
            QTest.mouseMove(bar, bar.mapFromGlobal(goal - QPoint(3 - step, 0)))
        assert window.docks.area.shade.isVisible()
        press(window, Qt.Key.Key_Escape)
        assert not window.docks.area.shade.isVisible()
        QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, NONE, bar.mapFromGlobal(goal))
        assert window.docks.area.arrangement == before

    async def out_and_in():
        async with begun(host.port) as window:
            window.docks.toggle_lock()
            goal = window.docks.area.mapToGlobal(middle(place_of(window, "cuts"), 0.9))
            window.docks.area.choose("pads")
            await regret(window, bar_of(window, "pads"), goal)
            window.docks.area.toggle_float("source")
            outside = window.source.window()
            where = outside.pos()
            await regret(window, outside.bar, goal)
            assert outside.pos() == where

    play(out_and_in())


def test_keys_and_buttons_bring_hidden_panels_and_the_tour_does_without_them(host, play):
    async def bring():
        async with begun(host.port) as window:
            window.docks.go_to("Perform")
            for key, panel in (
                (Qt.Key.Key_Slash, window.prompt),
                (Qt.Key.Key_V, window.parameters),
                (Qt.Key.Key_O, window.output),
                (Qt.Key.Key_C, window.cues.editor),
            ):
                assert not panel.isVisible()
                press(window, key)
                assert panel.isVisible()
                window.setFocus()
            assert not window.output.isVisible()
            window.docks.toggle("pads")
            window.tour.begin()
            window.tour.move_by(1)
            assert (window.tour.isVisible(), window.tour.frame.isVisible()) == (True, False)
            assert window.rect().contains(window.tour.geometry())
            window.docks.toggle("pads")
            assert window.tour.frame.isVisible()
            window.tour.close_tour()

    play(bring())


def test_what_stands_behind_a_tab_keeps_its_hands_off_the_keys(host, play):
    async def write():
        async with begun(host.port) as window:
            press(window, Qt.Key.Key_C)
            window.cues.editor.name.setFocus()
            bar = bar_of(window, "sliders")
            tab = bar.tabs()["sliders"].center().toPoint()
            QTest.mouseClick(bar, Qt.MouseButton.LeftButton, NONE, tab)
            assert window.parameters.isVisible()
            assert not window.cues.editor.isVisible()
            assert QApplication.focusWidget() is window

    play(write())
