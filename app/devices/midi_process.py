"""The MIDI child: opens every device, tells the window what moves, and lights what it says.

In:     MIDI of all inputs; `app.core.midi_events` commands on standard input.
Out:    `app.core.midi_events` events on standard output; MIDI to the devices that listen.
Thread: `main` listens, writes, sends and polls for devices; `stdin` reads the window's commands and
        waits for it to go.
Full:   see `midi_ports.py`.

A process of its own, because asking a MIDI system that died for its ports can crash the process
that asks. The window starts a new one.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import BinaryIO

import msgspec

from app.core.midi_events import (
    JoinPairs,
    MidiCommand,
    MidiEvent,
    PortsChanged,
    commands_from_frames,
    to_frame,
)
from app.devices.midi_ports import ERRORS, Gatherer, Ports, open_ports

_LOOK_S = 0.002  # between two looks into the driver's queues
_CALM_LOOK_S = 0.005  # when nothing came for a second: half the processor time
_CALM_AFTER_S = 1.0
_TICK_S = 0.008  # between two writes to the window
_POLL_S = 0.3  # a device that goes and comes back in between would look as if it never went
_RETRY_S = 2.0
_GOODBYE_S = 0.5


class Orders:
    """What the window asked for; `stdin` fills it, `main` empties it."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self._lock = threading.Lock()
        self._commands: list[MidiCommand] = []

    def put(self, command: MidiCommand) -> None:
        """Take one command."""
        with self._lock:
            self._commands.append(command)

    def take(self) -> list[MidiCommand]:
        """Return what the window asked for since the last time."""
        with self._lock:
            commands, self._commands = self._commands, []
        return commands


def _run(pipe: BinaryIO, gatherer: Gatherer, orders: Orders) -> None:
    """Serve until the window goes or the MIDI system dies; say once when there is none."""
    ports, message = open_ports(gatherer)
    if ports is None:
        _write(pipe, PortsChanged(message=message))
    while ports is None and not orders.gone.wait(_RETRY_S):
        ports, _ = open_ports(gatherer)
    if ports is not None:
        with suppress(*ERRORS):
            _serve(ports, pipe, gatherer, orders)
    if ports is not None and orders.gone.is_set():
        threading.Timer(_GOODBYE_S, os._exit, args=(0,)).start()  # it may have died just now
        _say_goodbye(ports, gatherer, orders)


def _serve(ports: Ports, pipe: BinaryIO, gatherer: Gatherer, orders: Orders) -> None:
    ports.poll()
    _write(pipe, ports.told())
    write_at_s = poll_at_s = calm_at_s = time.monotonic()
    look_s = _LOOK_S
    while not orders.gone.wait(look_s):
        now_s = time.monotonic()
        if ports.listen():
            calm_at_s = now_s + _CALM_AFTER_S
        look_s = _LOOK_S if now_s < calm_at_s else _CALM_LOOK_S
        if now_s >= write_at_s:
            events = gatherer.take()
            _write(pipe, *events)
            write_at_s = now_s + (_TICK_S if events else 0)
        if _send(ports, gatherer, orders):
            look_s = _LOOK_S
        if now_s >= poll_at_s:
            poll_at_s = now_s + _POLL_S
            if ports.poll():
                _write(pipe, ports.told())


def _send(ports: Ports, gatherer: Gatherer, orders: Orders) -> bool:
    for command in orders.take():
        if isinstance(command, JoinPairs):
            gatherer.join(command)
        else:
            ports.send(command)
    return ports.send_due()


def _say_goodbye(ports: Ports, gatherer: Gatherer, orders: Orders) -> None:
    """Send what the window still wanted: the last of it turns the lights off."""
    wait = threading.Event()
    while _send(ports, gatherer, orders):
        wait.wait(_LOOK_S)
    ports.close()


def _write(pipe: BinaryIO, *events: MidiEvent) -> None:
    if events:
        pipe.write(b"".join(to_frame(event) for event in events))
        pipe.flush()


def _stdin_thread(orders: Orders) -> None:
    rest = b""
    with suppress(msgspec.DecodeError):  # not our window's words: as if it were gone
        while data := os.read(0, 65536):
            commands, rest = commands_from_frames(rest + data)
            for command in commands:
                orders.put(command)
    orders.gone.set()


def main() -> None:
    """Run the child. Standard output carries frames only; stray prints go to standard error."""
    os.environ["JACK_NO_START_SERVER"] = "1"  # we use JACK where it runs, we never start it
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gatherer = Gatherer()
    orders = Orders()
    threading.Thread(target=_stdin_thread, args=(orders,), name="stdin", daemon=True).start()
    with suppress(BrokenPipeError):
        _run(pipe, gatherer, orders)
    os._exit(0)  # a MIDI system that died meanwhile can hang or crash an orderly goodbye


if __name__ == "__main__":
    main()
