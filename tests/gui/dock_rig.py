"""Hands on the panels of a real window, for the tests of docks and layouts."""

from contextlib import asynccontextmanager

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.gui.conftest import open_window, until

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier
SMALL = (1280, 800)


def press(window, key, modifier=NONE):
    window.activateWindow()
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)


@asynccontextmanager
async def begun(port, is_second=False):
    async with open_window(port) as window:
        window.resize(*SMALL)
        window.docks.begin(is_second)
        await until(lambda: window.instrument.state is not None)
        await until(lambda: (window.width(), window.height()) == SMALL)
        yield window


def place_of(window, panel):
    return window.docks.area.plan.place_of(panel)


def bar_of(window, panel):
    bars = window.docks.area._bars
    return next(bar for bar in bars if bar.isVisible() and panel in bar.panels)


def drag(widget, begin, end):
    """With the left button, in steps as a hand makes them; points of the widget."""
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, NONE, begin)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(widget, begin + (end - begin) * share)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, NONE, end)


def drag_panel(window, panel, to):
    """Drag by its bar to a point of the area."""
    bar = bar_of(window, panel)
    begin = bar.tabs()[panel].center().toPoint()
    drag(bar, begin, bar.mapFrom(window, window.docks.area.mapTo(window, to)))


def middle(place, x=0.5, y=0.5):
    rect = place.rect
    return QPoint(rect.x + int(x * rect.width), rect.y + int(y * rect.height))
