"""From show to show while the picture plays on."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.protocol.show import Preset, Show
from engine.protocol.show_file import load_show, save_show
from tests.gui.conftest import open_window, playing, until

CTRL = Qt.KeyboardModifier.ControlModifier


def press(window, key, modifier):
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def said(window):
    return " ".join(text for _, text in window.notices.kept)


def test_shows_of_the_night_follow_each_other_and_what_is_on_air_stays(
    host, play, segue_home, tmp_path
):
    second = save_show(
        Show(name="Second", presets=(Preset(name="A", prompt="x"),)), tmp_path / "second"
    )

    async def perform():
        async with playing(host.port) as window:
            bar, instrument = window.cues.editor.set_bar, window.instrument
            press(window, Qt.Key.Key_PageDown, CTRL)
            assert "The set list is empty" in said(window)
            window.toggle_cues()
            bar.add.click()
            instrument.open_show(str(second.folder))
            bar.add.click()
            assert window.top_bar.show_name.text() == "Second  2/2"
            on_air = instrument.state.prompt_now
            shown = instrument.state.playout.shown
            press(window, Qt.Key.Key_PageUp, CTRL)
            assert instrument.show.name == "First Light"
            await until(lambda: instrument.state.playout.shown > shown + 5)
            assert instrument.state.prompt_now == on_air
            press(window, Qt.Key.Key_PageUp, CTRL)
            assert "first show of the set" in said(window)
            bar.later.click()
            assert window.top_bar.show_name.text() == "First Light  2/2"
            instrument.desk.add_cue("Lotus")  # not saved: the next show must not lose it
            bar.previous.click()
            assert instrument.show.name == "Second"
            own = load_show(segue_home / "shows" / "first-light")
            assert [cue.preset for cue in own.cues] == ["Lotus"]

    async def come_again():
        async with open_window(host.port) as window:
            window.instrument.set_list.step(1)
            assert window.instrument.show.name == "Second"
            window.instrument.set_list.step(1)
            assert window.instrument.show.folder == segue_home / "shows" / "first-light"

    play(perform())
    assert '"shows/first-light"' in (segue_home / "set.toml").read_text()
    play(come_again())


def test_a_show_of_the_set_that_is_gone_or_a_list_that_is_broken_is_one_sentence(
    host, play, segue_home
):
    segue_home.mkdir()
    (segue_home / "set.toml").write_text('shows = ["shows/gone"]  # mine\n')

    async def gone():
        async with playing(host.port) as window:
            window.instrument.set_list.step(1)
            assert "gone: no show.toml in it" in said(window)
            window.cues.editor.set_bar.add.click()

    async def broken():
        async with playing(host.port) as window:
            assert window.instrument.set_list.night.shows == ()

    play(gone())
    assert "# mine" in (segue_home / "set.toml").read_text()
    (segue_home / "set.toml").write_text("shows = 3\n")
    play(broken())
