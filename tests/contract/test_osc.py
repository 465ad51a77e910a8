"""OSC against the real host, played with liblo's `oscsend` and heard with its `oscdump`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.request import urlopen

import pytest
from pythonosc.osc_message import OscMessage

from engine.errors import DeviceError
from engine.host.remote.counts import Counts
from engine.host.remote.osc import MAX_LISTENERS, MAX_WAITING, OscDoor
from engine.host.remote.osc_codec import OscMessage as Message
from engine.host.remote.osc_codec import encode
from engine.host.remote.player import RemotePlayer
from engine.protocol.messages import CommandAccepted, HardCut, SetParameters
from engine.protocol.pads import PadSpec
from engine.protocol.values import Look
from tests.fakes import Notices, engine_state
from tests.host_process import ROOT, SOON_S, host_process, wait_until

SHOW = str(ROOT / "presets" / "first-light")
pytestmark = pytest.mark.skipif(
    shutil.which("oscsend") is None, reason="oscsend is not there: apt-get install liblo-tools"
)


@contextmanager
def osc_host(*arguments):
    with host_process("--show", SHOW, "--osc", "0", *arguments) as host:
        assert wait_until(lambda: state(host)["worker"]["status"] == "live")
        yield host, state(host)["remote"]["osc_at"].rpartition(":")[2]


def state(host):
    with urlopen(f"http://127.0.0.1:{host.port}/state", timeout=SOON_S) as answer:
        return json.load(answer)


def send(port, *words):
    subprocess.run(["oscsend", "127.0.0.1", port, *words], check=True, timeout=SOON_S)


@contextmanager
def dump(port):
    """Hear everything that comes to a port; yields the lines so far, without their times."""
    program = subprocess.Popen(
        ["stdbuf", "-oL", "oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True
    )
    lines = []
    try:
        yield lambda: lines.extend(_read_now(program)) or lines
    finally:
        program.kill()
        program.communicate()


def _read_now(program):
    found = b""
    while select.select([program.stdout], [], [], 0.05)[0]:
        found += os.read(program.stdout.fileno(), 65536)
    return [line.partition(" ")[2] for line in found.decode().splitlines()]


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_set_is_played_over_osc_and_told_to_who_subscribed():
    with osc_host() as (host, port), dump(heard_at := free_udp_port()) as heard:
        time_out = time.monotonic() + SOON_S
        while "/segue/dimmer f 1.000000" not in heard():  # oscdump may not listen yet
            assert time.monotonic() < time_out
            send(port, "/segue/subscribe", "i", str(heard_at))
        send(port, "/segue/dimmer", "f", "0.25")
        send(port, "/segue/control_kind", "s", "edges")
        send(port, "/segue/beat/bpm", "f", "60")
        send(port, "/segue/beat/wait", "f", "16")  # what waits a moment only may never be told
        send(port, "/segue/preset", "s", "Lotus")
        assert wait_until(lambda: {'/segue/cut s "soft"', "/segue/preset/5 i 1"} <= {*heard()})
        send(port, "/segue/beat/wait", "f", "0")
        assert wait_until(lambda: state(host)["look_name"] == "Lotus")
        assert state(host)["live"]["dimmer"] == 0.25
        assert wait_until(lambda: {'/segue/preset s "Lotus"', "/segue/preset/5 i 2"} <= {*heard()})
        assert "/segue/dimmer f 0.250000" in heard()


def test_bad_packets_are_counted_told_and_change_nothing():
    with osc_host() as (host, port):
        before = state(host)["live"]
        send(port, "/segue/dimer", "f", "0.1")
        send(port, "/lyra/dimmer", "f", "0.1")
        send(port, "/segue/go")
        assert wait_until(lambda: state(host)["remote"]["refused"] == 3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
            raw.sendto(b"/segue/dimmer\0\0\0,f\0\0\1", ("127.0.0.1", int(port)))
            raw.sendto(b"/" + bytes(6000), ("127.0.0.1", int(port)))
        assert wait_until(lambda: state(host)["remote"]["refused"] == 5)
        remote = state(host)["remote"]
        assert remote["received"] == 5
        assert re.match(
            r"OSC: a packet of 6001 bytes .* \(from 127.0.0.1:\d+\)", remote["last_refusal"]
        )
        assert state(host)["live"] == before


def test_a_question_is_answered_to_who_asked_and_so_is_a_refusal():
    with osc_host() as (_, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(SOON_S)
        asker.sendto(encode(Message("/segue/dimmer", ("?",))), ("127.0.0.1", int(port)))
        answer = OscMessage(asker.recv(4096))
        assert (answer.address, answer.params) == ("/segue/dimmer", [1.0])
        asker.sendto(encode(Message("/segue/dimmer", ("loud",))), ("127.0.0.1", int(port)))
        refusal = OscMessage(asker.recv(4096))
        assert refusal.address == "/segue/error"
        assert "got 'loud', expected a number from 0 to 1" in refusal.params[0]


def test_the_last_value_of_a_dense_stream_lands():
    with osc_host() as (host, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fader:
        for step in range(5001):
            fader.sendto(
                encode(Message("/segue/saturation", (step / 5000,))), ("127.0.0.1", int(port))
            )
            if step % 50 == 0:
                signal.sigtimedwait([], 0.005)  # 10 000 a second: no fader is faster
        assert wait_until(lambda: state(host)["live"]["saturation"] == 1.0)


def test_a_taken_port_is_refused_where_it_was_asked_for():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def open_it():
            await OscDoor(None, Counts(Notices())).start("127.0.0.1", port)

        with pytest.raises(DeviceError, match=f"port {port} on 127.0.0.1 cannot be used"):
            asyncio.run(open_it())


def test_a_flood_drops_its_oldest_and_counts_them():
    counts = Counts(Notices())
    door = OscDoor(None, counts)
    for number in range(MAX_WAITING + 7):
        door.datagram_received(encode(Message("/segue/steps", (number,))), ("127.0.0.1", 9))
    assert counts.dropped == 7


def test_one_listener_too_many_takes_the_place_of_the_oldest_and_is_told():
    notices = Notices()
    door = OscDoor(None, Counts(notices))
    for number in range(MAX_LISTENERS + 1):
        door.listen(("127.0.0.1", 9000 + number))
    assert door.num_listeners == MAX_LISTENERS
    assert "127.0.0.1:9000 is told no more" in notices.texts[0]


def test_black_does_not_wait_for_a_cut_whose_pictures_are_still_read():
    done = []

    async def answer(command):
        if isinstance(command, HardCut):
            await asyncio.sleep(SOON_S)
        done.append(command)
        return CommandAccepted(command_id=0)

    async def script():
        counts = Counts(Notices())
        pads = (PadSpec(name="Ink", look=Look(prompt="ink")),)
        door = OscDoor(RemotePlayer(answer, engine_state, lambda: pads, counts), counts)
        worker = asyncio.create_task(door.work())
        door.datagram_received(encode(Message("/segue/preset/1")), ("127.0.0.1", 9))
        door.datagram_received(encode(Message("/segue/black", (1,))), ("127.0.0.1", 9))
        async with asyncio.timeout(SOON_S / 2):
            while not done:
                await asyncio.sleep(0.01)
        worker.cancel()
        door.stop()
        await asyncio.sleep(0)

    asyncio.run(script())
    assert done == [SetParameters(values={"black": 1.0})]
