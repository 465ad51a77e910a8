"""From a real control through JACK, the MIDI child and the window to the engine."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.devices.midi import MidiInput
from engine.protocol.parameters import parameter
from engine.protocol.show_file import load_show
from tests import jack
from tests.gui.conftest import playing, until

pytestmark = pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT)


@pytest.fixture(scope="module")
def server():
    with jack.jack_server("window") as (environment, _):
        yield environment


@pytest.fixture(autouse=True)
def on_our_server(server, monkeypatch):
    for name, value in server.items():
        monkeypatch.setenv(name, value)


@asynccontextmanager
async def window_with_midi(port, knobs):
    async with playing(port) as window:
        midi = MidiInput()
        midi.control_moved.connect(window.instrument.on_control_moved)
        midi.ports_changed.connect(window.instrument.on_ports_changed)
        midi.ports_changed.connect(window.on_ports_changed)
        midi.start()
        try:
            await until(lambda: knobs.name in window.instrument.mapping.ports)
            yield window, midi
        finally:
            midi.stop()


async def learn(window, target):
    """Click what stands for the target, as a performer does."""
    window.top_bar.learn.click()
    box = window.learn._boxes()[target]
    QTest.mouseClick(window.learn, Qt.MouseButton.LeftButton, pos=box.center())
    assert window.instrument.mapping.learning == target
    await asyncio.sleep(0)


def test_a_knob_is_learned_saved_in_the_show_and_its_sweep_ends_on_its_last_value(
    host, play, server, segue_home
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, _):
            await learn(window, "parameter:control_amount")
            knobs.send("cc 21 5")
            await until(lambda: window.instrument.mapping.learning == "")
            QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            saved = load_show(segue_home / "shows" / "first-light").bindings
            assert [binding.target for binding in saved] == ["parameter:control_amount"]
            await asyncio.to_thread(knobs.send, "sweep 21 1000")
            wanted = parameter("control_amount").from_norm(101 / 127)
            state = window.instrument
            await until(lambda: state.state.live["control_amount"] == pytest.approx(wanted))
            slider = window.parameters.rows["control_amount"]
            await until(lambda: not slider.view.is_pending)
            assert slider.view.live == pytest.approx(wanted)

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_pads_of_a_controller_cut_to_presets_and_to_what_is_next(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, _):
            for target, note in (("preset:Wormhole", 36), ("cut:hard", 37)):
                await learn(window, target)
                knobs.send(f"on {note} 100")
                await until(lambda: window.instrument.mapping.learning == "")
                QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            knobs.send("on 36 100")
            await until(lambda: window.instrument.state.look_name == "Wormhole")
            window.instrument.queue_prompt("fast white stars")
            await until(lambda: window.instrument.state.prompt_next == "fast white stars")
            knobs.send("on 37 100")
            await until(lambda: window.instrument.state.prompt_now[0].text == "fast white stars")

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_a_midi_child_that_is_killed_comes_back_by_itself(host, play, server):
    async def kill(knobs):
        async with window_with_midi(host.port, knobs) as (window, midi):
            first = midi.process_id
            os.kill(first, 9)
            await until(lambda: "went away" in window.top_bar.midi.toolTip())
            await until(lambda: window.top_bar.midi.text() == "MIDI")
            assert midi.process_id not in (0, first)

    with jack.controller(server) as knobs:
        play(kill(knobs))
