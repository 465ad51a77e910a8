"""From a real control through JACK, the MIDI child and the window to the engine, and back."""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.controller_file import load_controller
from app.core.controller import Controller
from app.core.midi_binding import MidiBinding, Mode, Press
from app.core.midi_events import MidiKind
from app.core.midi_lights import LightRow, Lights, Lit, template
from app.core.pickup import Takeover
from app.devices.midi import MidiInput
from app.session_store import FIRST_SHOW
from app.widgets.binding_list import ROW_PX
from engine.protocol.messages import SetParameters
from engine.protocol.parameters import PARAMETERS, parameter
from tests import jack
from tests.gui.conftest import playing, until
from tests.host_process import host_process

pytestmark = pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT)
NOTE, CC = MidiKind.NOTE, MidiKind.CC


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
            # The host is that of other tests too.
            defaults = {name: row.default for name, row in PARAMETERS.items()}
            window._client.send(SetParameters(values=defaults))
            state = window.instrument
            await until(lambda: state.state.live["dimmer"] == state.state.live["saturation"] == 1.0)


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


def test_a_knob_is_learned_kept_in_the_controllers_file_and_its_sweep_ends_on_its_last_value(
    host, play, server, segue_home
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            await learn(window, "parameter:control_amount")
            for value in (5, 6, 7):
                knobs.send(f"cc 21 {value}")
            await learned(desk)
            assert desk.mapping.finding.text == "CC 21 · knob or fader, 7 bit"
            QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            (file,) = (segue_home / "controllers").glob("*.toml")
            assert [b.target for b in load_controller(file).bindings] == [
                "parameter:control_amount"
            ]
            await asyncio.to_thread(knobs.send, "sweep 21 1000")
            wanted = parameter("control_amount").from_norm(101 / 127)
            state = window.instrument
            await until(lambda: state.state.live["control_amount"] == pytest.approx(wanted))
            slider = window.parameters.rows["control_amount"]
            await until(lambda: not slider.view.is_pending)
            assert slider.view.live == pytest.approx(wanted)

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_fine_knobs_encoders_and_buttons_are_found_out_and_drive(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            for target, said, text in (
                ("parameter:dimmer", "b01040 b03005", "CC 16+48 · fine knob, 14 bit"),
                ("parameter:saturation", "b06301 b06202 b00640 b02605", "NRPN 130 · fine knob"),
                ("parameter:control_amount", "b01241 b01241 b0123f", "endless encoder (65 / 63)"),
                ("parameter:black", "90303f 903000", "note 48 · button that springs back"),
            ):
                await learn(window, target)
                knobs.send(f"raw {said}")
                await learned(desk)
                assert text in desk.mapping.finding.text
                QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            values = window.instrument.values
            knobs.send("raw b01000 b03000 b0107f b0307f b01020 b03001")
            fine = (0x20 * 128 + 1) / 16383
            await until(lambda: values()["dimmer"] == pytest.approx(fine))
            knobs.send("raw b00600 b02600 b0067f b0267f b00620 b02601")
            await until(lambda: values()["saturation"] == pytest.approx(2 * fine))
            before = values()["control_amount"]
            knobs.send("raw " + "b0123f " * 20)
            await until(lambda: values()["control_amount"] <= before - 20 / 128 + 1e-6)
            knobs.send("raw 90303f 903000")
            await until(lambda: values()["black"] == 1.0)
            knobs.send("raw 90303f 903000")
            await until(lambda: values()["black"] == 0.0)

    with jack.controller(server) as knobs:
        play(perform(knobs))


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
            name = instrument.show.presets[2].name
            knobs.send("raw c002")
            await until(lambda: instrument.state.look_name == name)

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_pads_of_a_controller_cut_to_presets_and_to_what_is_next(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            presets = window.instrument.show.presets
            number = [preset.name for preset in presets].index("Wormhole") + 1
            for target, note in ((f"pad:{number}", 36), ("cut:hard", 37)):
                await learn(window, target)
                knobs.send(f"on {note} 100")
                knobs.send(f"on {note} 0")
                await learned(desk)
                QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            knobs.send("on 36 100")
            await until(lambda: window.instrument.state.look_name == "Wormhole")
            window.instrument.queue_prompt("fast white stars")
            await until(lambda: window.instrument.state.prompt_next == "fast white stars")
            knobs.send("on 37 100")
            await until(lambda: window.instrument.state.prompt_now[0].text == "fast white stars")

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


def test_a_sequencers_clock_becomes_a_beat_and_its_silence_ends_it(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (_, desk, _):
            beats = []
            desk.beat_changed.connect(beats.append)
            knobs.send("raw fa")
            await asyncio.to_thread(knobs.send, "clock 97 128 3")
            await until(lambda: beats and not beats[-1].is_known)  # it fell silent
            last = [beat for beat in beats if beat.is_known][-1]
            assert last.beat == pytest.approx(95 / 24)  # of 97 ticks; told every sixth
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


def test_the_panel_shows_devices_bindings_and_messages_and_is_played_by_keys(host, play, server):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            give_map(desk, knobs, bound("parameter:dimmer", CC, 20, mode=Mode.KNOB), bound("pad:1"))
            QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
            panel = window.midi.panel
            assert panel.isVisible()
            await until(lambda: knobs.name in panel.devices)
            await until(lambda: [view.what for view in panel.list.views] == ["Dimmer", "pad 1"])
            knobs.send("cc 20 30")
            await until(lambda: panel.monitor.lines and "CC 20  30" in panel.monitor.lines[-1].said)
            QTest.keyClick(panel.list, Qt.Key.Key_T)
            await until(lambda: panel.list.views[0].takeover == "jump")
            QTest.mouseClick(
                panel.list, Qt.MouseButton.LeftButton,
                pos=QPoint(panel.list.width() - 10, ROW_PX + ROW_PX // 2),
            )  # fmt: skip
            await until(lambda: [view.what for view in panel.list.views] == ["Dimmer"])
            assert [b.takeover for b in desk.mapping.bindings] == [Takeover.JUMP]
            panel.close_button.click()
            assert not panel.isVisible()

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_two_controllers_play_at_once_and_one_comes_back_after_its_cable_was_out(
    host, play, server
):
    async def perform(left, right):
        async with window_with_midi(host.port, left) as (window, desk, _):
            await until(lambda: right.name in desk.mapping.ports)
            await learn(window, "cut:soft")
            right.send("raw 902140 902100")
            await learned(desk)
            right.unplug()
            await until(lambda: right.name not in desk.mapping.ports)
            assert desk.mapping.controls_of("cut:soft") == ""
            left.send("cc 3 3")
            await until(lambda: "CC 3" in desk.lines[-1].said)
            name = replace(desk._store.of(right.name)).bindings[0].target
            assert name == "cut:soft"  # in its file, for when it is back

    with jack.controller(server) as left, jack.controller(server) as right:
        play(perform(left, right))


def test_a_midi_child_that_is_killed_comes_back_by_itself_and_is_counted(host, play, server):
    async def kill(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, midi):
            first = midi.process_id
            os.kill(first, 9)
            await until(lambda: "went away" in window.top_bar.midi.toolTip())
            await until(lambda: window.top_bar.midi.text() == "MIDI")
            assert midi.process_id not in (0, first)
            assert desk.restarts == 1

    with jack.controller(server) as knobs:
        play(kill(knobs))


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
