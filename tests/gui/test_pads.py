"""The row of pads, on its own."""

import pytest
from PySide6.QtGui import QFontMetricsF

from app.core.keys import PAD_KEYS
from app.widgets.pads import PadRow, _name_font
from engine.protocol.show import Preset

NARROW_PX = 1000


def row_of(count, height_px=86):
    row = PadRow()
    row.resize(NARROW_PX, height_px)
    row.show_presets([Preset(name=f"Pad {i}", prompt="slow smoke") for i in range(count)], {})
    row.show()
    return row


def test_as_many_pads_as_keys_stand_in_one_row_and_all_are_seen_in_a_narrow_window(qapp):
    row = row_of(len(PAD_KEYS))
    tops = {pad.y() for pad in row.pads}
    assert len(tops) == 1
    assert row.pads[-1].geometry().right() <= row.viewport().width()


def test_where_there_is_room_pads_are_larger_and_so_are_their_names(qapp):
    row = row_of(len(PAD_KEYS), height_px=240)
    assert len({pad.y() for pad in row.pads}) == 2
    assert min(pad.height() for pad in row.pads) > 110
    assert _name_font("Sea", 1e6, 116).pixelSize() > _name_font("Sea", 1e6, 78).pixelSize()
    row.resize(NARROW_PX, 86)
    qapp.processEvents()
    assert len({pad.y() for pad in row.pads}) == 1
    row.resize(860, 180)  # too narrow for twelve
    qapp.processEvents()
    assert row.pads[5].geometry().right() <= row.viewport().width()
    assert row.widget().width() == row.viewport().width()
    row.resize(NARROW_PX, 86)
    qapp.processEvents()
    assert len({pad.y() for pad in row.pads}) == 1


def test_a_pad_says_its_key_and_those_after_the_last_key_have_none(qapp):
    row = row_of(len(PAD_KEYS) + 1)
    tips = [pad.toolTip() for pad in row.pads]
    assert all(f"Key {key}:" in tip for key, tip in zip(PAD_KEYS, tips, strict=False))
    assert "Key" not in tips[-1]
    assert row.pads[-1].y() > row.pads[0].y()


@pytest.mark.parametrize("name", ["Sea", "Stained Glass", "Thunderhead"])
def test_a_long_word_is_written_smaller_until_it_fits_its_pad(qapp, name):
    wide = _name_font(name, 1e6, 78)
    assert wide.pixelSize() == 14
    width_px = 0.8 * QFontMetricsF(wide).horizontalAdvance("Thunderhead")
    font = _name_font(name, width_px, 78)
    longest = max(QFontMetricsF(font).horizontalAdvance(word) for word in name.split())
    assert longest <= width_px
    assert (font.pixelSize() < 14) == (name == "Thunderhead")


def test_a_word_that_never_fits_is_written_in_the_smallest_size(qapp):
    assert _name_font("Donaudampfschiff", 10, 78).pixelSize() == 10
