"""The MIDI child on a real JACK: what moves arrives, whatever happens to devices and server."""

import os
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from app.core.midi_events import (
    ClockHeard,
    ControlMoved,
    JoinPairs,
    MidiKind,
    PortsChanged,
    SendMidi,
    from_frames,
    to_frame,
)
from tests import jack
from tests.host_process import ROOT, SOON_S, wait_until

pytestmark = pytest.mark.skipif(not jack.IS_HERE, reason=jack.WHY_NOT)


class Child:
    """The MIDI child; a thread collects what it says."""

    def __init__(self, environment):
        self.events = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.devices.midi_process"], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read_thread)
        self._thread.start()

    def _read_thread(self):
        rest = b""
        while data := os.read(self.process.stdout.fileno(), 65536):
            events, rest = from_frames(rest + data)
            self.events += events

    @property
    def ports(self):
        told = [event for event in self.events if isinstance(event, PortsChanged)]
        return told[-1] if told else PortsChanged()

    def moves(self, **fields):
        moved = [event for event in self.events if isinstance(event, ControlMoved)]
        return [e for e in moved if all(getattr(e, k) == v for k, v in fields.items())]

    def tell(self, command):
        self.process.stdin.write(to_frame(command))
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        self.process.kill()
        self.process.wait()
        self._thread.join(SOON_S)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server():
    with jack.jack_server("midi") as (environment, _):
        yield environment


@pytest.fixture
def child(server):
    process = Child(server)
    assert wait_until(lambda: process.ports.backend == "UNIX_JACK")
    yield process
    process.end()


def hears(child, knobs):
    return knobs.name in child.ports.ports


def plugged(child, knobs):
    """Wait until the way from the controller to the child carries; JACK takes its time."""
    assert wait_until(lambda: hears(child, knobs))
    assert wait_until(lambda: knobs.send("on 127 1") or child.moves(port=knobs.name, number=127))


def turn(knobs, value, child):
    """Turn a knob, as hands do until something moves."""
    knobs.send(f"cc 7 {value}")
    return wait_until(lambda: child.moves(number=7, value=value), timeout_s=0.2)


def test_a_controller_that_comes_goes_and_comes_back_is_heard_each_time(child, server):
    for value in (11, 12):
        with jack.controller(server) as knobs:
            assert wait_until(lambda knobs=knobs: hears(child, knobs))
            assert wait_until(lambda k=knobs, v=value: turn(k, v, child))
        assert wait_until(lambda: child.ports.ports == ("segue-in",))


def test_a_thousand_messages_in_a_second_end_on_the_last_value_and_are_thinned(child, server):
    with jack.controller(server) as knobs:
        plugged(child, knobs)
        knobs.send("sweep 9 1000")
        knobs.send("on 36 100")
        assert wait_until(lambda: child.moves(number=36))
    sweep = child.moves(number=9)
    assert sweep[-1].value == 101
    assert len(sweep) < 900


def test_notes_arrive_as_press_and_release_in_order(child, server):
    with jack.controller(server) as knobs:
        plugged(child, knobs)
        for velocity in (90, 0, 80, 0):
            knobs.send(f"on 40 {velocity}")
        assert wait_until(lambda: len(child.moves(number=40)) == 4)
    assert [event.value for event in child.moves(number=40)] == [90, 0, 80, 0]


def test_two_devices_play_at_once_and_each_is_told_apart(child, server):
    with jack.controller(server) as left, jack.controller(server) as right:
        plugged(child, left)
        plugged(child, right)
        left.send("cc 7 1")
        right.send("cc 7 2")
        assert wait_until(lambda: child.moves(port=left.name, value=1))
        assert wait_until(lambda: child.moves(port=right.name, value=2))


def test_what_a_sweep_thins_out_is_passed_on_so_that_no_step_is_lost(child, server):
    with jack.controller(server) as knobs:
        plugged(child, knobs)
        knobs.send("raw " + "b01001 " * 300 + "903764")
        assert wait_until(lambda: child.moves(number=0x37))
        steps = [value for e in child.moves(number=16) for value in (*e.passed, e.value)]
        assert steps == [1] * 300


def test_fine_values_come_whole_from_parameter_numbers_and_from_pairs(child, server):
    with jack.controller(server) as knobs:
        plugged(child, knobs)
        knobs.send("raw b06301 b06202 b00640 b02605")
        assert wait_until(lambda: child.moves(kind=MidiKind.NRPN, number=130, value=0x40 * 128 + 5))
        child.tell(JoinPairs(pairs=((knobs.name, 2, 7),)))
        knobs.send("raw b00700")  # of another channel: no pair
        assert wait_until(lambda: child.moves(kind=MidiKind.CC, number=7, channel=1))
        knobs.send("raw b10710 b12711 b10712 b12713")
        assert wait_until(
            lambda: child.moves(kind=MidiKind.CC14, number=7, channel=2, value=0x12 * 128 + 0x13)
        )


def test_program_bend_and_clock_are_heard(child, server):
    with jack.controller(server) as knobs:
        plugged(child, knobs)
        knobs.send("raw c005 e00040 fa f8 f22003 fc")
        assert wait_until(lambda: len([e for e in child.events if isinstance(e, ClockHeard)]) == 4)
    clock = [(e.word, e.position) for e in child.events if isinstance(e, ClockHeard)]
    assert clock == [("start", 0), ("tick", 0), ("position", 0x20 | 3 << 7), ("stop", 0)]
    assert child.moves(kind=MidiKind.PROGRAM, number=5)
    assert child.moves(kind=MidiKind.BEND, value=8192)


def test_lights_arrive_at_the_device_in_order_and_the_newest_of_each_wins(child, server):
    with jack.controller(server) as knobs:
        assert wait_until(lambda: knobs.name in child.ports.lit)
        colours = [bytes([0x90, 1, colour]) for colour in range(100)]
        sysex = bytes.fromhex("f00020290d0e01f7")
        child.tell(SendMidi(port=knobs.name, messages=(sysex, *colours, bytes([0x90, 2, 3]))))
        got = []
        assert wait_until(lambda: got.extend(knobs.heard()) or "900203" in got)
        assert got == [sysex.hex(), "900163", "900203"]


def test_the_last_lights_are_sent_before_the_child_leaves(child, server):
    with jack.controller(server) as knobs:
        assert wait_until(lambda: knobs.name in child.ports.lit)
        dark = [bytes([0x90, note, 0]) for note in range(16)]
        child.tell(SendMidi(port=knobs.name, messages=tuple(dark)))
        child.process.stdin.close()
        assert child.process.wait(SOON_S) == 0
        got = []
        assert wait_until(lambda: got.extend(knobs.heard()) or len(got) == 16)


def test_the_child_leaves_when_its_window_is_gone(child):
    child.process.stdin.close()
    assert child.process.wait(SOON_S) == 0


def test_a_jack_that_is_killed_ends_the_child_and_not_more():
    with jack.jack_server("dying") as (environment, server):
        child = Child(environment)
        try:
            assert wait_until(lambda: child.ports.backend == "UNIX_JACK")
            server.kill()
            assert wait_until(lambda: child.process.poll() is not None)
        finally:
            child.end()


def test_without_any_midi_it_says_so_once_and_goes_on_looking():
    child = Child({"JACK_DEFAULT_SERVER": "segue-test-nobody", "JACK_NO_START_SERVER": "1"})
    try:
        if os.path.exists("/dev/snd/seq"):
            pytest.skip("this machine has ALSA MIDI, so there is always some")
        assert wait_until(lambda: child.ports.message)
        assert "MIDI unavailable" in child.ports.message
        assert not wait_until(lambda: len(child.events) > 1, timeout_s=5)
        assert child.process.poll() is None
    finally:
        child.end()
