"""A window that hears a real controller through JACK, for the tests of MIDI in the window."""

import asyncio
from contextlib import asynccontextmanager

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.controller import Controller
from app.core.midi_binding import MidiBinding, Mode
from app.core.midi_events import MidiKind
from app.core.midi_lights import Lights
from app.devices.midi import MidiInput
from tests.gui.conftest import playing, until

NOTE, CC = MidiKind.NOTE, MidiKind.CC


@asynccontextmanager
async def window_with_midi(port, knobs):
    async with playing(port) as window:
        midi, desk = MidiInput(), window.instrument.midi
        desk.attach(midi)
        midi.start()
        try:
            await until(lambda: knobs.name in desk.mapping.ports)
            await carries(desk, knobs)
            yield window, desk, midi
        finally:
            desk.lamps.leave()
            midi.stop()


async def carries(desk, knobs):
    """Wait until the way from the controller to the window carries; JACK takes its time."""
    while not desk.lines:
        knobs.send("cc 127 0")
        await asyncio.sleep(0.05)


def give_map(desk, knobs, *bindings, lights=None):
    """Let the controller have this map, as if it stood in the performer's folder."""
    controller = Controller(
        name="Test", match=(knobs.name,), bindings=bindings, lights=lights or Lights()
    )
    desk._unsaved[knobs.name] = controller
    desk.lamps.follow({})
    desk.on_ports_changed(desk.ports)


def bound(target, kind=NOTE, number=36, **more):
    more.setdefault("mode", Mode.TRIGGER)
    return MidiBinding(kind=kind, channel=1, number=number, target=target, **more)


async def learn(window, target):
    """Click what stands for the target, as a performer does."""
    window.top_bar.learn.click()
    box = window.learn._boxes()[target]
    QTest.mouseClick(window.learn, Qt.MouseButton.LeftButton, pos=box.center())
    assert window.instrument.midi.mapping.learning == target
    await asyncio.sleep(0)


async def learned(desk):
    await until(lambda: desk.mapping.learning == "" and desk.mapping.refining is None)
