"""The window on a real host: what is done with hands reaches the engine, what it says is drawn."""

import sys

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.core.deck import PadState, SliderView, prompt_now
from app.core.keys import KEYS, PAD_KEYS
from app.widgets.parameter_slider import ParameterSlider
from app.window_keys import action
from engine.protocol.parameters import PARAMETERS, parameter
from engine.protocol.show_file import load_show
from engine.protocol.values import SourceSpec
from tests.gui.conftest import open_window, playing, until

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def live(window, name):
    return window.instrument.state.live[name]


def press(window, key, modifier=NONE):
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def test_a_window_that_attaches_shows_the_picture_and_the_whole_state(host, play):
    async def look():
        async with playing(host.port) as window:
            # drawn some milliseconds after a state arrives, and looks of earlier tests still change
            await until(lambda: window.prompt.now.toolTip() == prompt_now(window.instrument.state))
            assert window.top_bar.link.text() == "LIVE"
            assert window.hud.values[1].text() != "–"
            assert window.monitor.image.width() > 0
            assert window.grab().toImage().pixelColor(400, 300).value() > 0

    play(look())


def test_a_pad_is_queued_then_active_and_its_look_is_on_air(host, play):
    async def press_a_pad():
        async with playing(host.port) as window:
            pad = window.pads.pads[2]
            QTest.mouseClick(pad, Qt.MouseButton.LeftButton)
            await until(lambda: pad.state is PadState.ACTIVE)
            assert window.instrument.state.prompt_now[0].text == pad.preset.prompt
            assert sum(p.state is PadState.ACTIVE for p in window.pads.pads) == 1

    play(press_a_pad())


def test_the_keys_above_the_letters_cut_to_presets_from_the_first_to_the_twelfth(host, play):
    keys = ((Qt.Key.Key_6, 5), (Qt.Key.Key_0, 9), (Qt.Key.Key_Minus, 10), (Qt.Key.Key_Equal, 11))

    async def press_keys():
        async with playing(host.port) as window:
            assert len(window.pads.pads) == len(PAD_KEYS) == 12
            for key, index in keys:
                press(window, key)
                name = window.instrument.show.presets[index].name
                await until(lambda name=name: window.instrument.state.look_name == name)

    play(press_keys())


def test_a_slider_goes_where_it_is_clicked_and_home_on_a_double_click(host, play):
    async def drag():
        async with playing(host.port) as window:
            slider = window.parameters.rows["memory_noise"]
            middle = QPoint(slider.width() // 2, 30)
            QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=middle)
            assert slider.view.is_pending
            wanted = parameter("memory_noise").from_norm(0.5)
            await until(lambda: live(window, "memory_noise") == pytest.approx(wanted, abs=0.005))
            assert not slider.view.is_pending
            QTest.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=middle)
            await until(lambda: live(window, "memory_noise") == 0.0)

    play(drag())


def test_choices_are_buttons_and_land_too(host, play):
    async def choose():
        async with playing(host.port) as window:
            buttons = window.parameters.rows["control_kind"]._buttons
            buttons[2].click()
            await until(lambda: live(window, "control_kind") == 2)
            buttons[0].click()
            await until(lambda: live(window, "control_kind") == 0)
            assert buttons[0].isChecked()

    play(choose())


def test_a_prompt_is_queued_on_enter_read_by_the_model_and_cut_to_with_space(host, play):
    async def write():
        async with playing(host.port) as window:
            press(window, Qt.Key.Key_Slash)
            QTest.keyClicks(window.prompt.field, "slow teal smoke 123")
            QTest.keyClick(window.prompt.field, Qt.Key.Key_Return)
            await until(lambda: window.instrument.state.prompt_next == "slow teal smoke 123")
            await until(lambda: "Understood" in window.prompt.reading.text())
            press(window, Qt.Key.Key_Space)
            await until(lambda: window.instrument.state.prompt_now[0].text == "slow teal smoke 123")
            await until(lambda: window.prompt.field.text() == "")

    play(write())


def test_space_takes_what_was_typed_even_when_nobody_pressed_enter(host, play):
    async def write():
        async with playing(host.port) as window:
            window.prompt.field.setText("gold rings")
            window.prompt.field.clearFocus()
            press(window, Qt.Key.Key_Space)
            await until(lambda: window.instrument.state.prompt_now[0].text == "gold rings")
            await until(lambda: window.prompt.field.text() == "")

    play(write())


def test_escape_belongs_to_whatever_is_open_and_enter_presses_what_has_the_focus(host, play):
    async def press_escape():
        async with playing(host.port) as window:
            window.prompt.field.setFocus()
            QTest.keyClick(window.prompt.field, Qt.Key.Key_Escape)
            assert not window.prompt.field.hasFocus()
            press(window, Qt.Key.Key_L)
            assert window.learn.isVisible()
            QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            assert not window.learn.isVisible()
            assert not window.top_bar.learn.isChecked()
            window.pads.pads[4].setFocus()
            QTest.keyClick(window.pads.pads[4], Qt.Key.Key_Return)
            await until(lambda: window.instrument.state.look_name == "Lotus")

    play(press_escape())


def test_a_soft_cut_flows_over_its_chunks_and_can_be_cancelled(host, play):
    async def flow():
        async with playing(host.port) as window:
            window.instrument.set_soft_chunks(40)
            window.prompt.field.setText("silver rain")
            window.cuts.soft.click()
            await until(lambda: window.instrument.state.cut.soft_step >= 2)
            assert window.cuts.cancel.isEnabled()
            window.cuts.cancel.click()
            await until(lambda: window.instrument.state.cut.soft_chunks == 0)

    play(flow())


def test_freeze_black_and_dimmer_are_keys_and_show_on_the_monitor(host, play):
    async def panic():
        async with playing(host.port) as window:
            press(window, Qt.Key.Key_F)
            await until(lambda: window.instrument.state.playout.mode == "freeze")
            assert window.panic.switches["freeze"].isChecked()
            press(window, Qt.Key.Key_F)
            press(window, Qt.Key.Key_B)
            await until(lambda: window.instrument.state.playout.mode == "black")
            press(window, Qt.Key.Key_B)
            press(window, Qt.Key.Key_PageDown)
            await until(lambda: live(window, "dimmer") == pytest.approx(0.95))
            press(window, Qt.Key.Key_PageUp)
            await until(lambda: live(window, "dimmer") == pytest.approx(1.0))
            await until(lambda: window.instrument.state.playout.mode == "live")

    play(panic())


def test_a_source_that_cannot_be_opened_is_one_sentence_and_nothing_modal(host, play):
    async def choose():
        async with playing(host.port) as window:
            window.source.kinds["file"].click()
            window.source.address.setText("/nowhere/clip.mp4")
            QTest.keyClick(window.source.address, Qt.Key.Key_Return)
            await until(lambda: window.instrument.state.source.status == "failed")
            await until(lambda: "clip.mp4" in window.source.status.toolTip())
            assert window.source.status.property("level") == "fault"
            window.instrument.select_source(SourceSpec())
            await until(lambda: window.instrument.state.source.status == "none")

    play(choose())


def test_a_refused_command_is_said_in_the_notice_bar(host, play):
    async def refuse():
        async with playing(host.port) as window:
            window.instrument.set_soft_chunks(4)
            window.prompt.field.setText("")
            window.cuts.soft.click()
            await until(lambda: any("standby" in text for _, text in window.notices.kept))

    play(refuse())


def test_the_tally_draws_a_red_border_and_its_end_takes_it_away(play, host):
    async def tally():
        async with open_window(host.port) as window:
            target = window.monitor._target()
            window.monitor.set_tally(is_on_program=True)
            edge = (
                window.monitor.grab().toImage().pixelColor(target.left() + 1, target.center().y())
            )
            assert edge.red() > 200
            assert edge.green() < 120
            window.monitor.set_tally(is_on_program=False)
            image = window.monitor.grab().toImage()
            assert image.pixelColor(target.left() + 1, target.center().y()) != edge

    play(tally())


def test_every_parameter_of_the_table_has_a_control_and_can_be_learned(play, host):
    async def count():
        async with open_window(host.port) as window:
            targets = window.learn_targets()
            assert {f"parameter:{name}" for name in PARAMETERS} <= targets.keys()
            assert {"cut:hard", "cut:soft", "cut:cancel", "pad:1"} <= targets.keys()
            actions = {row.action for _, rows in KEYS for row in rows}
            assert all(callable(action(window, name, 0)) for name in actions)

    play(count())


def test_opening_another_show_changes_the_pads_and_not_what_is_on_air(host, play, tmp_path):
    (tmp_path / "show.toml").write_text('name = "Two"\npresets = ["a"]\n')
    (tmp_path / "a.toml").write_text('name = "A"\nprompt = "slow smoke"\ncolor = "x"\n')

    async def open_it():
        async with playing(host.port) as window:
            before = window.instrument.state.prompt_now
            window.instrument.open_show(str(tmp_path / "nowhere"))
            assert "no show.toml" in window.notices.kept[-1][1]
            window.instrument.open_show(str(tmp_path))
            assert [pad.preset.name for pad in window.pads.pads] == ["A"]
            assert "field 'color' is not known" in window.notices.kept[-1][1]
            assert window.instrument.state.prompt_now == before

    play(open_it())


def test_the_look_on_air_is_kept_as_a_new_preset_in_a_show_of_ones_own(host, play, segue_home):
    async def keep():
        async with playing(host.port) as window:
            window.prompt.field.setText("fast mint aurora")
            window.cuts.hard.click()
            await until(lambda: window.instrument.state.prompt_now[0].text == "fast mint aurora")
            action(window, "store", 0)()
            assert window.pads.pads[-1].preset.name == "Mint Aurora"
            own = segue_home / "shows" / "first-light"
            assert "fast mint aurora" in (own / "mint-aurora.toml").read_text()
            assert not window.pads.pads[-1]._picture.isNull()
            assert load_show(own).presets[-1].picture == "mint-aurora.jpg"

    play(keep())


def test_no_text_of_the_window_is_clipped_at_its_usual_size(host, play):
    async def measure():
        async with playing(host.port) as window:
            for label in window.findChildren(QLabel):
                if label.isVisible() and label.text() and "<" not in label.text():
                    if label.wordWrap():
                        assert label.height() >= label.heightForWidth(label.width()) - 1
                        continue
                    wanted = label.fontMetrics().horizontalAdvance(label.text())
                    assert label.width() >= wanted - 1, label.text()

    play(measure())


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_drawing_and_signals_lose_no_reference_to_none(qtbot):
    slider = ParameterSlider(parameter("steps"))
    label = QLabel()
    qtbot.addWidget(slider)
    qtbot.addWidget(label)
    slider.value_edited.connect(lambda *_: None)
    before = sys.getrefcount(None)
    for index in range(200):
        slider.show_view(SliderView(float(index % 4 + 1), 2.0))
        slider.value_edited.emit("steps", 1.0)
        slider.update()
        label.setText(str(index))
        slider.grab()
    assert abs(sys.getrefcount(None) - before) < 20


def test_a_window_lets_the_engine_prepare_the_prompts_of_all_its_pads(host, play):
    async def attach():
        async with playing(host.port) as window:
            prompts = set(window.instrument.show.prompts)
            await until(lambda: prompts <= window._readings.keys())

    play(attach())
