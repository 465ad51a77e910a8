"""A JACK server without sound hardware and a controller on it: real MIDI for tests.

The controller is a process of its own, so that no test process is a JACK client: a JACK that is
killed may take its clients along.

Run as a script: a controller with the port `knobs`, that sends what it reads, one order a line:
`cc NUMBER VALUE`, `on NOTE VELOCITY`, `sweep NUMBER COUNT`, `raw HEX HEX ...` (whole messages),
`clock COUNT BPM JITTER_MS`, which starts the song; and the port `lights`, of which `heard` tells
what came since.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from tests.host_process import ROOT, wait_until

IS_HERE = shutil.which("jackd") is not None
# A client that is late for a cycle misses what was sent in it, so cycles are long: 21 ms. To let
# the server wait for it (--sync) is worse: a client that is killed stops it for all.
_CYCLE_FRAMES = "1024"
WHY_NOT = "jackd is not installed: apt-get install jackd2 (run.py test does it)"
_OUTPUT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@contextmanager
def jack_server(label: str):
    """Run a server; yields the environment that its clients need and its process.

    JACK knows eight server names a machine and keeps those of servers that were killed, so the
    names are few and always the same; one that is in use is left alone.
    """
    environment, process = _start_server(label)
    try:
        assert wait_until(lambda: _answers(environment)), "jackd does not answer"
        yield environment, process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(3)
        process.kill()
        process.wait()


def _start_server(label: str) -> tuple[dict[str, str], subprocess.Popen[bytes]]:
    for number in (1, 2):
        name = f"segue-{label}-{number}"
        environment = {
            "JACK_DEFAULT_SERVER": name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        process = subprocess.Popen(
            [
                "jackd", "-n", name, "--no-realtime",
                "-d", "dummy", "-r", "48000", "-p", _CYCLE_FRAMES,
            ],
            env=os.environ | environment, **_OUTPUT,
        )  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
            continue  # the name is taken
        return environment, process
    raise AssertionError("jackd does not start; see what `jackd -d dummy` says")


def _answers(environment: dict[str, str]) -> bool:
    probe = "import rtmidi; rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK)"
    run = subprocess.run([sys.executable, "-c", probe], env=os.environ | environment, **_OUTPUT)
    return run.returncode == 0


class Controller:
    """A controller in a process of its own."""

    def __init__(self, environment: dict[str, str], client: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.jack", client], cwd=ROOT, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )  # fmt: skip
        own = f"testctl{self.process.pid}"  # never the name of one that was killed
        self.name = f"{client or own}:knobs"
        assert self.process.stdout.readline() == "ready\n"

    def send(self, line: str) -> None:
        """Send and wait until it is sent."""
        assert self._ask(line) == "sent"

    def heard(self) -> list[str]:
        """Return the messages that came to its lights since the last time, each in hex."""
        return self._ask("heard").split()

    def _ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().rstrip("\n")

    def unplug(self) -> None:
        self.process.communicate()  # the end of its input: it closes its port and leaves


@contextmanager
def controller(environment: dict[str, str], client: str = ""):
    """A controller that is unplugged afterwards; `client` is its maker's name for it."""
    plugged = Controller(environment, client)
    try:
        yield plugged
    finally:
        plugged.unplug()


def _main() -> None:
    import mido

    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    client = sys.argv[1] or f"testctl{os.getpid()}"
    port = backend.open_output("knobs", virtual=True, client_name=client)
    lights = backend.open_input("lights", virtual=True, client_name=client)
    print("ready", flush=True)  # noqa: T201 - the way this script answers
    for line in sys.stdin:
        order, *words = line.split()
        if order == "heard":
            said = " ".join(message.bin().hex() for message in lights.iter_pending())
        else:
            _play(mido, port, order, words)
            said = "sent"
        print(said, flush=True)  # noqa: T201 - the way this script answers
    lights.close()
    port.close()


def _play(mido, port, order: str, words: list[str]) -> None:
    match order:
        case "raw":
            for word in words:
                port.send(mido.Message.from_bytes(bytes.fromhex(word)))
        case "sweep":
            _sweep(mido, port, int(words[0]), int(words[1]))
        case "clock":
            _clock(mido, port, int(words[0]), float(words[1]), float(words[2]))
        case "cc":
            number, value = map(int, words)
            port.send(mido.Message("control_change", control=number, value=value))
        case "on":
            number, value = map(int, words)
            port.send(mido.Message("note_on", note=number, velocity=value))


def _clock(mido, port, count: int, bpm: float, jitter_ms: float) -> None:
    """Start the song and send `count` ticks of its clock, each up to `jitter_ms` late."""
    late = random.Random(1)
    port.send(mido.Message("start"))
    began_s = time.monotonic()
    for index in range(count):
        due_s = began_s + index * 60 / (24 * bpm) + late.uniform(0, jitter_ms / 1000)
        while time.monotonic() < due_s:
            os.sched_yield()
        port.send(mido.Message("clock"))


def _sweep(mido, port, number: int, count: int) -> None:
    """Send `count` changes within a second, up and down; the last value is 101."""
    began_s = time.monotonic()
    for index in range(count):
        value = 101 if index == count - 1 else (index * 5) % 128
        port.send(mido.Message("control_change", control=number, value=value))
        due_s = began_s + (index + 1) / count
        while time.monotonic() < due_s:
            os.sched_yield()


if __name__ == "__main__":
    _main()
