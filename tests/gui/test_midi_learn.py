"""Learning and keeping what a real control means; devices that come and go."""

import asyncio
import os
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.controller_file import load_controller
from app.core.midi_binding import Mode
from app.widgets.binding_list import ROW_PX
from engine.protocol.parameters import parameter
from tests import jack
from tests.gui.conftest import until
from tests.gui.midi_rig import (
    CC,
    bound,
    give_map,
    learn,
    learned,
    window_with_midi,
)

pytestmark = [
    pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT),
    pytest.mark.usefixtures("on_our_server"),
]


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


def test_the_other_two_kinds_of_endless_encoders_are_told_apart_and_step_both_ways(
    host, play, server
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            for target, said, text in (
                ("parameter:dimmer", "b01301 b01301 b0137f", "endless encoder (1 / 127)"),
                ("parameter:saturation", "b01501 b01501 b01541", "endless encoder (1 / 65)"),
            ):
                await learn(window, target)
                knobs.send(f"raw {said}")
                await learned(desk)
                assert text in desk.mapping.finding.text
                QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            values = window.instrument.values
            knobs.send("raw " + "b0137f " * 16 + "b01541 " * 16)
            await until(lambda: values()["dimmer"] <= 1 - 16 / 128 + 1e-6)
            await until(lambda: values()["saturation"] <= 1 - 2 * 16 / 128 + 1e-6)
            dimmer, saturation = values()["dimmer"], values()["saturation"]
            knobs.send("raw b01301 b01501")
            await until(lambda: values()["dimmer"] > dimmer)
            await until(lambda: values()["saturation"] > saturation)

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
            assert not panel.list.hasFocus()  # T is still a take
            QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
            assert panel.list.hasFocus()
            QTest.keyClick(panel.list, Qt.Key.Key_T)
            await until(lambda: panel.list.views[0].takeover == "jump")
            QTest.keyClick(panel.list, Qt.Key.Key_M)  # ours while the list has the focus
            await until(lambda: panel.list.views[0].mode == "↻ 1/127")
            assert not window.models.isVisible()
            QTest.mouseClick(
                panel.list, Qt.MouseButton.LeftButton,
                pos=QPoint(panel.list.width() - 10, ROW_PX + ROW_PX // 2),
            )  # fmt: skip
            await until(lambda: [view.what for view in panel.list.views] == ["Dimmer"])
            assert [b.mode for b in desk.mapping.bindings] == [Mode.TWOS]
            QTest.keyClick(panel.list, Qt.Key.Key_Escape)
            assert not panel.isVisible()

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_a_map_written_by_hand_is_read_when_the_panel_opens_and_a_broken_one_changes_nothing(
    host, play, server, segue_home
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            file = segue_home / "controllers" / "mine.toml"
            file.parent.mkdir(parents=True)
            file.write_text(
                f'schema_version = 1\nname = "Mine"\nmatch = ["{knobs.name}"]\n'
                '[[control]]\nnumber = 9\ntarget = "cut:soft"\n'
            )
            window.midi.toggle_panel()
            assert desk.mapping.controls_of("cut:soft") == "CC 9"
            file.write_text(file.read_text().replace("number = 9", "number = 900"))
            window.midi.toggle_panel()
            window.midi.toggle_panel()
            said = [text for _, text in window.notices.kept]
            assert any("got 900, expected 0 to 127" in text for text in said)
            assert desk.mapping.controls_of("cut:soft") == "CC 9"
            knobs.send("cc 9 127")
            await until(lambda: desk.lines[-1].meant == "soft cut")

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


def test_what_is_learned_on_a_map_of_a_newer_segue_plays_and_is_said_not_to_be_saved(
    host, play, server, segue_home
):
    async def perform(knobs):
        async with window_with_midi(host.port, knobs) as (window, desk, _):
            file = segue_home / "controllers" / "newer.toml"
            file.parent.mkdir(parents=True)
            text = f'schema_version = 9\nname = "N"\nmatch = ["{knobs.name}"]\nwonder = 1\n'
            file.write_text(text)
            desk.reload()
            for target in ("cut:soft", "cut:cancel"):
                await learn(window, target)
                knobs.send("raw 903309 903300")
                await learned(desk)
                QTest.keyClick(window.learn, Qt.Key.Key_Escape)
            said = [text for _, text in window.notices.kept]
            assert any("newer Segue and is read-only" in text for text in said)
            assert any("N 51 drives cancel, and still soft cut" in text for text in said)
            assert file.read_text() == text
            knobs.send("raw 903309 903300")
            await until(lambda: any(line.meant == "soft cut, cancel" for line in desk.lines))

    with jack.controller(server) as knobs:
        play(perform(knobs))


def test_a_midi_server_that_dies_is_said_and_one_that_comes_is_found(host, play, monkeypatch):
    async def perform():
        with jack.jack_server("passing") as (environment, server):
            put_in(environment)
            with jack.controller(environment) as knobs:
                async with window_with_midi(host.port, knobs) as (window, desk, _):
                    server.kill()
                    await until(lambda: "went away" in window.top_bar.midi.toolTip())
                    assert desk.mapping.ports == ()
                    await found_again(desk)

    async def found_again(desk):
        with jack.jack_server("passing") as (environment, _):
            put_in(environment)
            with jack.controller(environment) as knobs:
                await until(lambda: knobs.name in desk.mapping.ports)
                knobs.send("cc 5 5")
                await until(lambda: knobs.send("cc 5 5") or desk.lines[-1].port == knobs.name)

    def put_in(environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    play(perform())


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
