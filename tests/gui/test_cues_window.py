"""The cue list in the window, on a real host."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.cue_view import CueLight
from app.session_store import FIRST_SHOW
from engine.protocol.show_file import load_show
from tests.gui.conftest import playing, until
from tests.host_process import host_process

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(scope="module")
def host():
    """A host of our own: cue lists stay in a host when windows go."""
    with host_process("--show", str(FIRST_SHOW)) as process:
        yield process


def press(window, key, modifier=NONE):
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def said(window):
    return " ".join(text for _, text in window.notices.kept)


def lights(window):
    return [card.view.light for card in window.cues.strip.cards]


def test_cues_of_all_pads_are_played_with_keys(host, play):
    async def perform():
        async with playing(host.port) as window:
            assert not window.cues.strip.isVisible()
            press(window, Qt.Key.Key_C)
            window.cues.editor.all.click()
            pads = tuple(preset.name for preset in window.instrument.show.presets)
            await until(lambda: window.instrument.state.cues.names == pads)
            await until(lambda: CueLight.STANDBY in lights(window))
            assert window.cues.strip.isVisible()
            window.instrument.stand_by(pads[0])
            await until(lambda: window.instrument.state.cues.standby == pads[0])
            press(window, Qt.Key.Key_Period)
            await until(lambda: window.instrument.state.cues.standby == pads[1])
            press(window, Qt.Key.Key_G)
            await until(lambda: lights(window)[1] is CueLight.ON_AIR)
            assert lights(window)[2] is CueLight.STANDBY
            await until(lambda: window.instrument.state.look_name == pads[1])
            press(window, Qt.Key.Key_G, SHIFT)
            await until(lambda: window.instrument.state.cues.on_air == pads[0])

    play(perform())


def test_a_cue_is_written_in_the_form_undone_and_done_again(host, play):
    async def write():
        async with playing(host.port) as window:
            editor, desk = window.cues.editor, window.instrument.desk
            window.toggle_cues()
            editor.pads.setCurrentText("Lotus")
            editor.add.click()
            assert editor.chosen == "Lotus"
            editor.name.setText("Drop")
            editor.follow.setText("1:30")
            QTest.keyClick(editor.follow, Qt.Key.Key_Return)
            assert (desk.show.cues[-1].name, desk.show.cues[-1].follow_s) == ("Drop", 90.0)
            await until(lambda: "Drop" in window.instrument.state.cues.names)
            editor.preset.setCurrentText("Outrun")
            editor.preset.activated.emit(editor.preset.currentIndex())
            assert desk.show.cues[-1].preset == "Outrun"
            window.instrument.undo()
            assert (desk.show.cues[-1].preset, editor.preset.currentText()) == ("Lotus", "Lotus")
            editor.fade.setText("soon")
            QTest.keyClick(editor.fade, Qt.Key.Key_Return)
            assert "Fade: got 'soon'" in window.notices.kept[-1][1]
            assert editor.fade.text() == ""
            press(window, Qt.Key.Key_Z, CTRL)
            await until(lambda: window.instrument.state.cues.names == ("Lotus",))
            press(window, Qt.Key.Key_Y, CTRL)
            await until(lambda: window.instrument.state.cues.names == ("Drop",))

    play(write())


def test_undo_takes_a_slider_back_and_never_a_panic_control(host, play):
    async def edit():
        async with playing(host.port) as window:
            instrument = window.instrument
            for value in (1.2, 1.4, 1.6):
                instrument.set_parameter("saturation", value)
            await until(lambda: instrument.state.live["saturation"] == pytest.approx(1.6))
            press(window, Qt.Key.Key_B)
            await until(lambda: instrument.state.live["black"] == 1.0)
            press(window, Qt.Key.Key_Z, CTRL)
            await until(lambda: instrument.state.live["saturation"] == pytest.approx(1.0))
            assert instrument.state.live["black"] == 1.0
            press(window, Qt.Key.Key_B)
            press(window, Qt.Key.Key_Z, CTRL | SHIFT)
            await until(lambda: instrument.state.live["saturation"] == pytest.approx(1.6))
            instrument.undo()
            instrument.undo()
            assert window.notices.kept[-1][1] == "Nothing to undo"

    play(edit())


def test_a_snapshot_is_one_key_and_lands_in_a_copy_of_the_factory_show(host, play, segue_home):
    async def keep():
        async with playing(host.port) as window:
            before = (FIRST_SHOW / "show.toml").read_bytes()
            window.prompt.field.setText("slow pearl fog")
            window.cut_hard()
            await until(lambda: window.instrument.state.prompt_now[0].text == "slow pearl fog")
            press(window, Qt.Key.Key_K, CTRL)
            own = load_show(segue_home / "shows" / "first-light")
            assert [cue.preset for cue in own.cues] == ["Pearl Fog"]
            assert own.presets[-1].picture == "pearl-fog.jpg"
            assert "a copy of your own" in " ".join(text for _, text in window.notices.kept)
            assert (FIRST_SHOW / "show.toml").read_bytes() == before

    play(keep())


def test_a_show_is_packed_with_one_key_and_a_zip_is_opened_as_a_show(host, play, segue_home):
    async def pack():
        async with playing(host.port) as window:
            press(window, Qt.Key.Key_E, CTRL | SHIFT)
            await until(lambda: (segue_home / "exports" / "first-light.zip").is_file())
            await until(lambda: "Packed into" in said(window))
            window.instrument.open_show(str(segue_home / "exports" / "first-light.zip"))
            own = segue_home / "shows" / "first-light"
            await until(lambda: window.instrument.show.folder == own)
            window.instrument.open_show(str(segue_home / "nowhere.zip"))
            await until(lambda: "nowhere.zip" in said(window))
            assert window.instrument.show.folder == own

    play(pack())
