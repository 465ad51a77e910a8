"""The sheet of keys, on its own."""

import pytest
from PySide6.QtWidgets import QWidget

from app.core.keys import KEYS, Key
from app.widgets import theme
from app.widgets.help_overlay import HelpOverlay, in_columns


def groups_of(*counts):
    return [(str(n), (Key("a", ("A",), "A", "help"),) * n) for n in counts]


def test_groups_keep_their_order_and_the_highest_column_is_as_low_as_can_be():
    columns = in_columns(KEYS, 3)
    assert tuple(group for column in columns for group in column) == KEYS
    left, right = in_columns(groups_of(9, 1, 1, 9), 2)
    assert [len(keys) for _, keys in left] == [9, 1]
    assert [len(keys) for _, keys in right] == [1, 9]
    assert [len(column) for column in in_columns(groups_of(9, 9, 2, 2, 2), 3)] == [1, 1, 3]


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1000, 560)])
def test_every_key_is_written_inside_the_window_however_low_it_is(qapp, size):
    window = QWidget()
    window.resize(*size)
    sheet = HelpOverlay(window)
    window.show()
    sheet.toggle()
    picture = sheet.grab().toImage()
    night = theme.colour(theme.NIGHT).lightness()
    written = [
        y for y in range(size[1])
        if any(picture.pixelColor(x, y).lightness() > night + 60 for x in range(size[0]))
    ]  # fmt: skip
    assert written[0] > 8
    assert written[-1] < size[1] - 8
