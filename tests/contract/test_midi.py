"""The MIDI child on a real JACK: what moves arrives, whatever happens to devices and server."""

import os
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from app.core.midi_events import ControlMoved, PortsChanged, from_frames
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
        assert wait_until(lambda knobs=knobs: hears(child, knobs))
        knobs.send("sweep 9 1000")
        knobs.send("on 36 100")
        assert wait_until(lambda: child.moves(number=36))
    sweep = child.moves(number=9)
    assert sweep[-1].value == 101
    assert len(sweep) < 900


def test_notes_arrive_as_press_and_release_in_order(child, server):
    with jack.controller(server) as knobs:
        assert wait_until(lambda knobs=knobs: hears(child, knobs))
        for velocity in (90, 0, 80, 0):
            knobs.send(f"on 40 {velocity}")
        assert wait_until(lambda: len(child.moves(number=40)) == 4)
    assert [event.value for event in child.moves(number=40)] == [90, 0, 80, 0]


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
