"""The beat in the window, on a real host: taps, what cuts wait for, MIDI clock for the host."""

import asyncio
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.protocol.beat import BeatClock
from engine.protocol.values import Cut
from tests.gui.conftest import playing, until
from tests.host_process import host_process

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def host():
    """A host of our own: its beat stays when windows go."""
    with host_process("--no-take") as process:
        yield process


def press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def beat(window):
    return window.instrument.state.beat


def test_taps_make_a_tempo_and_a_cut_waits_for_the_bar(host, play):
    async def perform():
        async with playing(host.port) as window:
            for _ in range(3):
                press(window, Qt.Key.Key_X)
                await asyncio.sleep(0.25)
            await until(lambda: window.beat.bar.dots.view.source == "tap")
            press(window, Qt.Key.Key_Q)
            press(window, Qt.Key.Key_X, SHIFT)
            await until(lambda: beat(window).quantum_beats == 1.0)
            window.beat.bar.quanta[16.0].click()
            await until(lambda: window.beat.bar.quanta[16.0].isChecked())
            window.cuts.hard.click()
            await until(lambda: window.beat.bar.words.text().startswith("seen on "))
            assert window.instrument.state.cut.pending is Cut.HARD
            window.beat.bar.quanta[0.0].click()  # now!
            await until(lambda: window.instrument.state.cut.pending is Cut.NONE)

    play(perform())


def test_midi_clock_that_the_window_hears_is_the_hosts_beat(host, play):
    async def perform():
        async with playing(host.port) as window:
            heard = BeatClock(bpm=133.0, beat=4.0, at_s=time.monotonic(), source="Drums")
            window.instrument.midi.beat_changed.emit(heard)
            await until(lambda: beat(window).clock.source == "midi clock")
            assert (beat(window).clock.bpm, beat(window).detail) == (133.0, "Drums")
            window.instrument.midi.beat_changed.emit(BeatClock())
            await until(lambda: beat(window).clock.source == "fixed")
            texts = [text for _, text in window.notices.kept]
            assert any(text.startswith("midi clock fell silent") for text in texts)

    play(perform())


def test_tap_can_be_learned(host, play):
    async def perform():
        async with playing(host.port) as window:
            targets = window.learn_targets()
            assert targets["action:tap"] is window.beat.bar.tap
            window.instrument.midi.action_requested.emit("quantum", 0)
            before = beat(window).quantum_beats
            await until(lambda: beat(window).quantum_beats != before)

    play(perform())


def test_a_modulator_is_made_edited_shown_on_its_slider_and_undone(host, play):
    async def perform():
        async with playing(host.port) as window:
            panel, desk = window.beat.modulators, window.instrument.desk
            slider = window.parameters.rows["saturation"]
            assert slider.view.moved is None
            press(window, Qt.Key.Key_W)
            await until(lambda: len(panel.rows) == 1)
            row = panel.rows[0]
            row.rate.activated.emit(row.rate.findText("2 Hz"))
            row.reach.setText("80")
            row.reach.editingFinished.emit()
            one = desk.show.modulators[0]
            assert (one.parameter, one.hz, one.beats, one.depth) == ("saturation", 2.0, 0.0, 0.8)
            await until(lambda: window.instrument.state.modulators == (one,))
            seen = set()
            await until(lambda: seen.add(slider.view.moved) or len(seen) > 4)
            assert slider.view.target == slider.view.live
            row.remove.click()
            await until(lambda: slider.view.moved is None)
            window.instrument.undo()
            await until(lambda: window.instrument.state.modulators == (one,))
            window.instrument.undo()
            assert panel.rows[0].reach.text() == "25 %"
            desk.set_modulators("none", ())
            await until(lambda: not window.instrument.state.modulators)

    play(perform())


def test_a_sound_input_that_is_not_there_is_said_and_can_be_left(host, play):
    async def perform():
        async with playing(host.port) as window:
            sound = window.beat.modulators.sound
            sound.field.setText("theremin")
            sound.field.returnPressed.emit()
            await until(lambda: "there is no sound input" in beat(window).sound)
            assert any("sound input" in text for _, text in window.notices.kept)
            await until(sound.button.isChecked)
            sound.button.click()
            await until(lambda: not beat(window).sound)
            await until(lambda: not sound.button.isChecked())

    play(perform())


def test_an_engine_that_was_started_again_gets_the_beat_back_in_phase(play):
    async def perform():
        with host_process("--no-take") as first:
            async with playing(first.port) as window:
                for _ in range(2):
                    press(window, Qt.Key.Key_X)
                    await asyncio.sleep(0.4)
                window.beat.bar.quanta[8.0].click()
                await until(lambda: beat(window).quantum_beats == 8.0 and beat(window).clock.bpm)
                before, pid = beat(window).clock, window.instrument.state.pid
                first.process.kill()
                first.process.wait()
                with host_process("--no-take", "--port", str(first.port)):
                    await until(lambda: window.instrument.state.pid != pid)
                    await until(lambda: beat(window).quantum_beats == 8.0)
                    after = beat(window).clock
                    assert after.bpm == pytest.approx(before.bpm)
                    now_s = time.monotonic()
                    assert after.beat_at(now_s) == pytest.approx(before.beat_at(now_s), abs=0.01)

    play(perform())
