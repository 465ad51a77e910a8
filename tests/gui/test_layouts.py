"""Layouts of a real window: the house's, the performer's own, and their file."""

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core import dock_moves
from app.core.dock_tree import Floating
from app.core.layouts import FACTORY, LayoutBook, to_text
from tests.gui.conftest import until
from tests.gui.dock_rig import CTRL, NONE, SHIFT, SMALL, begun, press


@pytest.mark.parametrize("layout", FACTORY, ids=lambda layout: layout.name)
def test_a_layout_of_the_house_gives_every_panel_the_room_it_needs(host, play, layout):
    async def look():
        async with begun(host.port) as window:
            window.cues.editor.all.click()
            window.instrument.preview.toggle()
            await until(lambda: window.preview.panel.isVisible() and window.cues.strip.isVisible())
            window.docks.go_to(layout.name)
            least = window.layout().minimumSize()
            assert (least.width() <= SMALL[0], least.height() <= SMALL[1]) == (True, True)
            area = window.docks.area
            for place in area.plan.places:
                shell, needs = area.shells[place.front], area.shells[place.front].limits()
                assert shell.isVisible()
                assert area.rect().contains(shell.geometry()), place.front
                assert shell.width() >= needs.least_width, place.front
                assert shell.height() >= needs.least_height, place.front
            assert window.monitor.isVisible()
            assert window.panic.isVisible()
            window.instrument.preview.toggle()

    play(look())


def test_a_small_screen_has_a_layout_that_fits_and_the_menu_in_its_bar(host, play):
    async def look():
        async with begun(host.port) as window:
            window.docks.go_to("Small")
            await until(lambda: window.minimumHeight() <= 700)
            window.resize(1024, 700)
            await until(lambda: (window.width(), window.height()) == (1024, 700))
            bar = window.top_bar
            assert bar.menu.isVisible()
            assert bar.lock.isVisible()
            assert not bar.controllers.isVisible()
            assert bar.menu.geometry().right() <= bar.width()
            window.resize(1440, 900)
            await until(bar.controllers.isVisible)

    play(look())


def test_a_layout_is_kept_under_a_name_without_a_dialog_and_is_there_after_a_restart(host, play):
    async def keep():
        async with begun(host.port) as window:
            press(window, Qt.Key.Key_D)
            assert QApplication.activeModalWidget() is None
            window.docks.bar.panels["figures"].click()
            assert not window.hud.isVisible()
            QTest.keyClicks(window.docks.bar.name, "club night")
            QTest.keyClick(window.docks.bar.name, Qt.Key.Key_Return)
            press(window, Qt.Key.Key_D)
            press(window, Qt.Key.Key_F4)
            assert (window.docks.book.chosen, window.hud.isVisible()) == ("Perform", False)
            press(window, Qt.Key.Key_F2)
            assert window.hud.isVisible()
            press(window, Qt.Key.Key_F9)
            assert "F9 has no layout yet" in window.notices.kept[-1][1]
            window.docks.toggle_lock()
            window.docks.area.choose("pads")
            press(window, Qt.Key.Key_Up, CTRL | SHIFT)
            moved = window.docks.area.arrangement
        async with begun(host.port) as window:
            assert window.docks.area.arrangement == moved
            assert not window.docks.area.is_unlocked  # a show begins with panels that stay
            press(window, Qt.Key.Key_F7)
            assert (window.docks.book.chosen, window.hud.isVisible()) == ("club night", False)
            window.docks.keep("Play")
            assert "of the house" in window.notices.kept[-1][1]
            window.docks.bar.delete.click()
            assert (window.docks.book.own, window.hud.isVisible()) == ((), False)

    play(keep())


@pytest.mark.parametrize("text", ["no json", '{"version": 9}', "\udcff"])
def test_a_file_that_is_none_is_one_sentence_and_is_kept(host, play, segue_home, text):
    segue_home.mkdir()
    path = segue_home / "layouts.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    async def start():
        async with begun(host.port) as window:
            warnings = [said for _, said in window.notices.kept if "layouts-unread-1.json" in said]
            assert len(warnings) == 1
            assert window.docks.area.arrangement == FACTORY[0].arrangement
            window.docks.go_to("Edit")

    play(start())
    assert (segue_home / "layouts-unread-1.json").read_bytes() == text.encode(
        errors="surrogateescape"
    )
    assert msgspec.json.decode(path.read_bytes())["chosen"] == "Edit"


def test_a_second_window_writes_no_layouts_and_a_disk_that_refuses_is_told_once(
    host, play, segue_home, monkeypatch
):
    async def change():
        async with begun(host.port, is_second=True) as window:
            window.docks.go_to("Edit")
        assert not (segue_home / "layouts.json").exists()
        segue_home.mkdir(exist_ok=True)
        (segue_home / "layouts.json").mkdir()
        async with begun(host.port) as window:
            window.docks.keep("one")
            window.docks.keep("two")
            said = [text for _, text in window.notices.kept if "not saved" in text]
            assert len(said) == 1
            assert window.docks.book.chosen == "two"

    play(change())


def test_what_floats_on_a_screen_that_is_gone_comes_back(host, play, segue_home):
    far = dock_moves.floated(FACTORY[0].arrangement, Floating("pads", 90_000, -70_000, 500, 200))
    segue_home.mkdir()
    (segue_home / "layouts.json").write_text(to_text(LayoutBook(current=far)))

    async def start():
        async with begun(host.port) as window:
            outside = window.pads.window()
            assert outside is not window
            assert outside.screen().availableGeometry().contains(outside.geometry())

    play(start())


def test_a_layouts_button_is_learned_although_the_bar_lies_over_other_panels(host, play):
    async def learn():
        async with begun(host.port) as window:
            press(window, Qt.Key.Key_D)
            window.top_bar.learn.click()
            await until(window.learn.isVisible)
            choice = window.docks.bar.choices["Perform"]
            middle_of = window.learn.mapFromGlobal(choice.mapToGlobal(choice.rect().center()))
            QTest.mouseClick(window.learn, Qt.MouseButton.LeftButton, NONE, middle_of)
            assert window.instrument.midi.mapping.learning == "layout:3"

    play(learn())
