"""From a real control through JACK, the MIDI child and the window to the engine, and back."""

import asyncio
from contextlib import ExitStack

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.core.midi_binding import Mode, Press
from app.core.midi_events import ClockWord
from app.core.midi_lights import LightRow, Lights, Lit, template
from app.core.pickup import Takeover
from app.session_store import FIRST_SHOW
from engine.protocol.messages import SetParameters
from engine.protocol.parameters import parameter
from tests import jack
from tests.gui.conftest import until
from tests.gui.midi_rig import (
    CC,
    NOTE,
    bound,
    give_map,
    window_with_midi,
)
from tests.host_process import host_process

pytestmark = [
    pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT),
    pytest.mark.usefixtures("on_our_server"),
]


def test_a_knob_waits_for_pickup_with_a_ghost_and_again_when_the_mouse_moved_the_slider(
    host, play, server
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            give_map(desk, knobs, bound("parameter:memory_noise", CC, 20, mode=Mode.KNOB))
            slider, instrument = window.parameters.rows["memory_noise"], window.instrument
            row = parameter("memory_noise")
            instrument.set_parameter("memory_noise", row.from_norm(0.5))
            knobs.send("cc 20 10")
            await until(lambda: slider.ghost is not None and slider.ghost.way == 1)
            assert instrument.values()["memory_noise"] == pytest.approx(row.from_norm(0.5))
            knobs.send("cc 20 100")
            wanted = row.from_norm(100 / 127)
            await until(lambda: instrument.values()["memory_noise"] == pytest.approx(wanted))
            await until(lambda: slider.ghost.way == 0)
            QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(20, 30))
            await until(lambda: slider.ghost.way == -1)
            knobs.send("cc 20 99")
            await until(lambda: "waits" in desk.lines[-1].meant)

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_jump_scale_radio_long_press_shift_pages_and_programs(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            give_map(
                desk, knobs,
                bound("parameter:dimmer", CC, 20, mode=Mode.KNOB, takeover=Takeover.JUMP),
                bound("parameter:saturation", CC, 21, mode=Mode.KNOB, takeover=Takeover.SCALE),
                bound("parameter:control_kind", number=40, mode=Mode.RADIO, value=3.0),
                bound("parameter:freeze", number=41, mode=Mode.MOMENTARY),
                bound("action:soft_longer", number=42),
                bound("action:soft_shorter", number=42, press=Press.LONG),
                bound("midi:shift", number=43, mode=Mode.MOMENTARY),
                bound("parameter:black", number=41, mode=Mode.TOGGLE, shift=True),
                bound("midi:page:2", number=44),
                bound("parameter:black", number=45, mode=Mode.TOGGLE, page=2),
                bound("layout:3", number=46),
            )  # fmt: skip
            instrument = window.instrument
            values, chunks = instrument.values, instrument.soft_chunks
            instrument.set_parameter("saturation", 1.0)
            knobs.send("raw b01440 b01520 b01560")
            await until(lambda: values()["dimmer"] == pytest.approx(64 / 127))
            await until(lambda: 1.0 < values()["saturation"] < 2 * 96 / 127 + 0.3)
            knobs.send("raw 902840 902800")
            await until(lambda: values()["control_kind"] == 3.0)
            knobs.send("on 41 9")
            await until(lambda: values()["freeze"] == 1.0)
            knobs.send("on 41 0")
            await until(lambda: values()["freeze"] == 0.0)
            knobs.send("raw 902a40 902a00")
            await until(lambda: instrument.soft_chunks == chunks + 1)
            knobs.send("on 42 9")
            await until(lambda: instrument.soft_chunks == chunks)
            knobs.send("on 42 0")
            knobs.send("raw 902b40 902940 902900 902b00")
            await until(lambda: values()["black"] == 1.0)
            knobs.send("raw 902d40 902d00 902c40 902c00 902d40 902d00")
            await until(lambda: values()["black"] == 0.0)
            assert desk.mapping.surface.page(knobs.name) == 2
            knobs.send("raw 902e40 902e00")
            await until(lambda: window.docks.choices()[1] == "Perform")
            name = instrument.show.presets[2].name
            knobs.send("raw c002")
            await until(lambda: instrument.state.look_name == name)

    with jack.controller(server) as knobs:
        play(perform(knobs))


TEMPLATES = {
    Lit.DARK: template(["90 n 00"]), Lit.IDLE: template(["90 n 05"]),
    Lit.QUEUED: template(["90 n 02"]), Lit.ACTIVE: template(["90 n 01"]),
}  # fmt: skip


@pytest.fixture
def slow_host():
    """A host whose chunks take so long that a cut is seen to wait."""
    with host_process("--show", str(FIRST_SHOW), "--fake", worker="--chunk-ms 1200") as process:
        yield process


def test_lights_blink_while_a_cut_waits_are_solid_on_air_and_dark_when_we_leave(
    slow_host, play, server
):
    pads = LightRow(listens=NOTE, channel=1, numbers=(0, 1, 2), templates=TEMPLATES)
    ring = {lit: template(["b0 n v"]) for lit in Lit}
    rings = LightRow(listens=CC, channel=1, numbers=(20,), templates=ring)
    sysex = bytes.fromhex("f0470001f7")
    lights = Lights(start=(sysex,), end=(bytes.fromhex("f0470002f7"),), rows=(pads, rings))
    heard = []

    async def told(knobs, *wanted):
        await until(lambda: heard.extend(knobs.heard()) or set(wanted) <= set(heard))
        heard.clear()

    async def perform(knobs):
        async with window_with_midi(slow_host.port, knobs) as (window, desk, _):
            instrument = window.instrument
            instrument.press_preset(instrument.show.presets[1])
            name = instrument.show.presets[1].name
            await until(lambda: instrument.state.look_name == name)
            knob = bound("parameter:dimmer", CC, 20, mode=Mode.KNOB)
            give_map(
                desk, knobs, bound("pad:1", number=0), bound("pad:2", number=1), knob, lights=lights
            )
            await told(knobs, "f0470001f7", "900005", "900101", "900200")
            knobs.send("raw 900040 900000")
            await told(knobs, "900002", "900001", "900105")
            instrument.set_parameter("dimmer", 0.25)
            await told(knobs, "b01420")
            sent = desk.lamps.num_sent
            await asyncio.sleep(0.3)
            assert desk.lamps.num_sent == sent  # only what changed is sent
            desk.panic()
            await told(knobs, "b07b00", "bf7b00", "900001", "900105")

    with jack.controller(server) as knobs:
        play(perform(knobs))
        play(told(knobs, "900000", "900100", "f0470002f7"))


FACTORY = {  # device: a light that it is told, what its pad 3 sends; one of each way of lighting
    "APC MINI": ("903805", "903a7f"),
    "LPMiniMK3 MI": ("f0002029020d030351", "90537f"),
    "Midi Fighter Twister": ("b0007f", "b1027f"),
}


def test_factory_maps_light_their_controllers_and_cut_to_pads(host, play, server):
    async def perform(makers):
        async with window_with_midi(host.port, makers["APC MINI"]) as (window, desk, _):
            instrument = window.instrument
            other = instrument.show.presets[5]
            instrument.press_preset(other)  # so that pad 1 is idle
            await until(lambda: instrument.state.look_name == other.name)
            for device, (light, press) in FACTORY.items():
                maker = makers[device]
                await until(lambda maker=maker: maker.name in desk.ports.lit)
                assert desk.controller_of(maker.name).is_read_only
                await lit(maker, light)
                await pressed(desk, maker, f"raw {press} {press[:-2]}00")
            wanted = instrument.show.presets[2].name
            await until(lambda: instrument.state.look_name == wanted)

    async def pressed(desk, maker, press):
        """Press until it is heard; the first message to a new port may be lost."""
        while not any(line.port == maker.name and line.meant == "pad 3" for line in desk.lines):
            maker.send(press)
            await asyncio.sleep(0.1)

    async def lit(maker, light):
        heard = []
        await until(
            lambda: heard.extend(maker.heard()) or any(said.startswith(light) for said in heard)
        )

    with ExitStack() as plugged:
        play(perform({d: plugged.enter_context(jack.controller(server, d)) for d in FACTORY}))


def test_a_sequencers_clock_becomes_a_beat_and_its_silence_ends_it(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (_, desk, midi):
            beats, heard = [], []
            desk.beat_changed.connect(beats.append)
            midi.clock_heard.connect(lambda event: heard.append(event.word))
            while ClockWord.START not in heard:  # JACK loses what a busy client is late for
                knobs.send("raw fa")
                await asyncio.sleep(0.05)
            await asyncio.to_thread(knobs.send, "clock 97 128 3")
            await until(lambda: beats and not beats[-1].is_known)  # it fell silent
            last = [beat for beat in beats if beat.is_known][-1]
            num_ticks = heard.count(ClockWord.TICK)
            assert num_ticks > 80
            assert last.beat == pytest.approx((num_ticks // 6 * 6 - 1) / 24)  # told every sixth
            assert last.is_running
            assert last.source == knobs.name

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_panic_by_pad_lets_go_what_is_held_and_brings_the_picture_back(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            give_map(
                desk, knobs, bound("parameter:freeze", number=40, mode=Mode.MOMENTARY),
                bound("midi:panic", number=41),
            )  # fmt: skip
            values = window.instrument.values
            window.instrument.set_parameter("black", 1.0)
            knobs.send("on 40 9")
            await until(lambda: values()["freeze"] == 1.0)
            knobs.send("on 41 9")
            await until(lambda: values()["freeze"] == values()["black"] == 0.0)
            assert not desk.mapping.surface.held

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_what_somebody_else_sets_while_a_knob_holds_is_not_fought_over(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            give_map(desk, knobs, bound("parameter:dimmer", CC, 20, mode=Mode.KNOB))
            values = window.instrument.values
            knobs.send("raw b0147e b01440")
            set_by_hand = pytest.approx(64 / 127)
            await until(lambda: window.instrument.state.live["dimmer"] == set_by_hand)
            window._client.send(SetParameters(values={"dimmer": 0.9}))  # somebody else
            await until(lambda: values()["dimmer"] == pytest.approx(0.9))
            knobs.send("cc 20 60")
            await until(lambda: "waits" in desk.lines[-1].meant)
            assert values()["dimmer"] == pytest.approx(0.9)

    with jack.controller(server) as knobs:
        play(perform(knobs))
