"""What cuts wait for and the sound input are part of the show: set, saved, undone, found again."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from app.session_store import FIRST_SHOW
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.show_file import load_show, save_show
from tests.gui.conftest import open_window, until
from tests.host_process import host_process


@pytest.fixture
def own_show(tmp_path):
    show = replace(load_show(FIRST_SHOW), name="Ours", beat=BeatSettings(sound="theremin"))
    return save_show(show, tmp_path / "ours")


@pytest.fixture
def host(own_show):
    with host_process("--no-take", "--show", str(own_show.folder)) as process:
        yield process


async def live(window):
    await until(lambda: window.instrument.state is not None)


def beat(window):
    return window.instrument.state.beat


def test_what_is_set_is_kept_saved_and_undone_and_a_missing_input_keeps_its_name(
    host, own_show, play
):
    async def perform():
        async with open_window(host.port, show=own_show) as window:
            await live(window)
            instrument, desk = window.instrument, window.instrument.desk
            await until(lambda: "there is no sound input" in beat(window).sound)
            assert beat(window).device == "theremin"
            await until(lambda: window.beat.modulators.sound.field.text() == "theremin")
            assert desk.is_saved
            window.beat.bar.quanta[4.0].click()
            await until(lambda: desk.show.beat.quantum_beats == 4.0)
            assert not desk.is_saved
            assert instrument.save()
            saved = load_show(own_show.folder).beat
            assert saved == BeatSettings(quantum_beats=4.0, sound="theremin")
            window.beat.bar.quanta[16.0].click()
            await until(lambda: desk.show.beat.quantum_beats == 16.0)
            instrument.undo()
            await until(lambda: beat(window).quantum_beats == 4.0)
            assert desk.show.beat == saved
            instrument.undo()
            await until(lambda: beat(window).quantum_beats == 0.0)
            instrument.redo()
            await until(lambda: beat(window).quantum_beats == 4.0)
            desk.add_all_pads()
            pattern = msgspec.structs.replace(desk.show.source, kind="pattern")
            instrument.select_source(pattern)
            instrument.undo()
            assert desk.show.cues == ()
            assert desk.show.source == pattern  # what is not to be undone stays

    play(perform())


def test_a_window_that_comes_back_leaves_a_running_show_as_it_is(host, own_show, play):
    async def perform():
        async with open_window(host.port, show=load_show(own_show.folder)) as window:
            await live(window)
            window.beat.bar.quanta[8.0].click()
            await until(lambda: window.instrument.show.beat.quantum_beats == 8.0)
        async with open_window(host.port, show=load_show(own_show.folder)) as window:
            await live(window)
            assert window.instrument.show.beat.quantum_beats == 8.0
            assert not window.instrument.desk.is_saved
            assert beat(window).quantum_beats == 8.0

    play(perform())


def test_a_show_that_is_opened_sets_what_it_says_and_an_old_one_leaves_it(
    host, own_show, play, tmp_path
):
    bars = replace(own_show, name="Bars", beat=BeatSettings(quantum_beats=16.0, sound=""))
    said = save_show(bars, tmp_path / "bars").folder
    old = save_show(replace(bars, name="Old", beat=BeatSettings()), tmp_path / "old").folder

    async def perform():
        async with open_window(host.port, show=load_show(own_show.folder)) as window:
            await live(window)
            window.instrument.save()
            window.instrument.open_show(str(said))
            await until(lambda: beat(window).quantum_beats == 16.0)
            await until(lambda: beat(window).device == "")
            window.instrument.open_show(str(old))
            await until(lambda: window.instrument.state.cues.list_name == "Old")
            assert beat(window).quantum_beats == 16.0
            assert window.instrument.show.beat == BeatSettings()
            assert window.instrument.desk.is_saved

    play(perform())
