"""The tour, the menu, the clean output and the keys to every panel, in a real window."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core.keys import KEYS
from app.core.tour import STEPS
from app.widgets.tour_bubble import bubble_corner
from tests.gui.conftest import open_window, playing, until

SHIFT = Qt.KeyboardModifier.ShiftModifier


def press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)


def test_the_tour_points_at_five_parts_by_keys_and_the_instrument_plays_on(host, play):
    async def tour():
        async with playing(host.port) as window:
            ended = []
            window.tour.ended.connect(lambda: ended.append(True))
            window.activateWindow()
            press(window, Qt.Key.Key_F1, SHIFT)
            seen = set()
            for _ in STEPS:
                assert window.rect().contains(window.tour.geometry())
                target = getattr(window, STEPS[window.tour.step].target)
                corner = target.mapTo(window, QPoint(0, 0))
                assert window.tour.frame.geometry().contains(QRect(corner, target.size()))
                seen.add(window.tour.title.text())
                press(window, Qt.Key.Key_B)  # not one of its keys: black, and back
                await until(lambda: window.instrument.values()["black"] == 1.0)
                press(window, Qt.Key.Key_B)
                await until(lambda: window.instrument.values()["black"] == 0.0)
                press(window, Qt.Key.Key_Return)
            assert len(seen) == len(STEPS)
            assert (ended, window.tour.isVisible()) == ([True], False)
            press(window, Qt.Key.Key_F1, SHIFT)
            press(window, Qt.Key.Key_Escape)
            assert (len(ended), window.tour.frame.isVisible()) == (2, False)

    play(tour())


@pytest.mark.parametrize(
    "target", [QRect(0, 0, 1280, 40), QRect(10, 700, 1260, 90), QRect(628, 30, 256, 340)]
)
def test_the_bubble_covers_no_part_that_leaves_it_room(target):
    bubble = QRect(0, 0, 400, 180)
    placed = QRect(bubble_corner(target, bubble, QRect(0, 0, 1280, 800)), bubble.size())
    assert not placed.intersects(target)
    assert QRect(0, 0, 1280, 800).contains(placed)


def test_the_clean_output_shows_the_program_on_the_screen_and_leaves_the_keys(host, play):
    async def show():
        async with playing(host.port) as window:
            window.activateWindow()
            press(window, Qt.Key.Key_F11, SHIFT)
            output = window.clean.output
            assert output.isVisible()
            await until(lambda: not output.image.isNull())
            picture = output.grab().toImage()
            middle = picture.rect().center()
            await until(lambda: output.grab().toImage().pixelColor(middle).lightness() > 0)
            assert output.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
            window.menu.fill()
            screens = window.menu.actions()[-1].menu().actions()
            assert [entry.isChecked() for entry in screens] == [True, False]
            window.clean.on_screen_removed(output.screen())
            assert not output.isVisible()
            assert "is gone" in window.notices.kept[-1][1]
            screens[0].trigger()
            assert output.isVisible()
            press(window, Qt.Key.Key_F11, SHIFT)
            assert not output.isVisible()

    play(show())


def test_the_menu_holds_every_key_but_the_pads_and_does_what_they_do(host, play):
    async def choose():
        async with playing(host.port) as window:
            window.menu.fill()
            entries = [
                entry
                for group in window.menu.actions()[: len(KEYS)]
                for entry in group.menu().actions()
            ]
            wanted = [row.help for _, rows in KEYS for row in rows if len(row.keys) < 3]
            assert [entry.text().partition("\t")[0] for entry in entries] == wanted
            next(entry for entry in entries if entry.text().startswith("Models")).trigger()
            assert window.models.isVisible()
            layouts = window.menu.actions()[len(KEYS)].menu().actions()
            assert [entry.isChecked() for entry in layouts] == [True, *[False] * 4]
            layouts[2].trigger()
            assert window.docks.book.chosen == "Perform"

    play(choose())


def test_every_panel_is_reached_by_a_key_and_gives_the_keys_back(host, play):
    async def walk():
        async with open_window(host.port) as window:
            await until(lambda: window.instrument.state is not None)
            window.activateWindow()
            for key, panel in (
                (Qt.Key.Key_V, window.parameters),
                (Qt.Key.Key_I, window.source),
                (Qt.Key.Key_O, window.output),
                (Qt.Key.Key_M, window.models),
                (Qt.Key.Key_M, None),
                (Qt.Key.Key_C, window.cues.editor),
                (Qt.Key.Key_C, None),
            ):
                press(window, key)
                focus = QApplication.focusWidget()
                if panel is None:
                    assert focus is window
                else:
                    assert panel.isAncestorOf(focus)

    play(walk())
