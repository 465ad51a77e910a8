"""A look is prepared while another is on air, and taken."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.deck import PadState
from tests.gui.conftest import playing, until

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier


def press(window, key, modifier=NONE):
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def test_hands_prepare_in_the_preview_and_nothing_on_air_moves_until_the_take(host, play):
    async def perform():
        async with playing(host.port) as window:
            instrument = window.instrument
            press(window, Qt.Key.Key_1)
            await until(lambda: instrument.state.look_name == instrument.show.presets[0].name)
            await until(lambda: instrument.state.cut.soft_chunks == 0)
            press(window, Qt.Key.Key_A)
            assert window.preview.panel.isVisible()
            target = instrument.show.presets[4]
            press(window, Qt.Key.Key_5)
            instrument.set_parameter("saturation", 0.3)
            await until(lambda: window.pads.pads[4].state is PadState.PREVIEW)
            await until(lambda: instrument.state.prompt_next == target.prompt)
            assert instrument.state.look_name == instrument.show.presets[0].name
            assert instrument.state.live["saturation"] != 0.3
            assert "Saturation" in " ".join(line.toolTip() for line in window.preview.panel.lines)
            assert window.parameters.rows["saturation"].view.is_pending
            before = instrument.state.prompt_now[0].text
            press(window, Qt.Key.Key_T)
            await until(lambda: instrument.state.look_name == target.name)
            await until(lambda: instrument.state.live["saturation"] == pytest.approx(0.3))
            assert instrument.preview.preview.prompt == before  # swapped
            press(window, Qt.Key.Key_T, SHIFT)
            await until(lambda: before in [part.text for part in instrument.state.prompt_now])
            press(window, Qt.Key.Key_A)
            assert not window.preview.panel.isVisible()
            instrument.set_parameter("saturation", 1.0)
            await until(lambda: instrument.state.live["saturation"] == pytest.approx(1.0))

    play(perform())


def test_what_is_typed_is_taken_black_acts_at_once_and_undo_prepares_backwards(host, play):
    async def perform():
        async with playing(host.port) as window:
            instrument = window.instrument
            press(window, Qt.Key.Key_A)
            prepared = instrument.preview.preview
            press(window, Qt.Key.Key_B)
            await until(lambda: instrument.state.live["black"] == 1.0)
            press(window, Qt.Key.Key_B)
            instrument.set_parameter("memory_noise", 0.2)
            press(window, Qt.Key.Key_Z, CTRL)
            assert instrument.preview.preview == prepared
            window.prompt.field.setText("slow mint rain")
            window.prompt.field.clearFocus()
            press(window, Qt.Key.Key_Space)
            await until(lambda: instrument.state.prompt_now[0].text == "slow mint rain")
            await until(lambda: instrument.state.live["black"] == 0.0)
            press(window, Qt.Key.Key_A)

    play(perform())
