"""The MIDI child: opens every input there is and tells the window what moves.

In:     MIDI of all inputs and of our own virtual port `segue-in`.
Out:    `app.core.midi_events` frames on standard output.
Thread: `main` writes and polls for devices, the driver's threads fill the coalescer, `stdin` waits
        for the window to go.
Full:   a control that floods keeps its last value; presses are never dropped.

A process of its own, because asking a MIDI system that died for its ports can crash the process
that asks. The window starts a new one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO

from app.core.coalesce import Coalescer
from app.core.midi_events import ControlMoved, MidiEvent, PortsChanged, device_name, to_frame
from engine.protocol.show import ControlKind

VIRTUAL_PORT = "segue-in"
_CLIENT = "segue"
_PULSE = "segue-pulse"
_TICK_S = 0.008
_POLL_S = 0.3  # a device that goes and comes back in between would look as if it never went
_RETRY_S = 2.0
_GOODBYE_S = 0.5
_MAX_BEATS_MISSED = 7
_HEARTBEAT = [0xF0, 0x7D, 0x53, 0x45, 0x47, 0x55, 0x45, 0xF7]  # non-commercial sysex
_ERRORS = (OSError, ImportError)  # rtmidi's own errors are OSErrors


class Gatherer:
    """What the driver's threads fill and the main thread empties."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coalescer = Coalescer()
        self.arrived = threading.Event()

    def put(self, port: str, message: Any) -> None:
        """Take one mido message; kinds that drive nothing are ignored."""
        event = _event(port, message)
        if event is None:
            return
        with self._lock:
            self._coalescer.put(event)
        self.arrived.set()

    def take(self) -> list[ControlMoved]:
        """Return what has gathered."""
        self.arrived.clear()
        with self._lock:
            return self._coalescer.take()


def _event(port: str, message: Any) -> ControlMoved | None:
    match message.type:
        case "control_change":
            kind, number, value = ControlKind.CC, message.control, message.value
        case "note_on":
            kind, number, value = ControlKind.NOTE, message.note, message.velocity
        case "note_off":
            kind, number, value = ControlKind.NOTE, message.note, 0
        case _:
            return None
    return ControlMoved(
        port=port, kind=kind, channel=message.channel + 1, number=number, value=value
    )


class Ports:
    """The open inputs of one backend. Raises one of `_ERRORS` when the backend is not there."""

    def __init__(self, backend: str, gatherer: Gatherer) -> None:
        import mido
        import rtmidi

        api = getattr(rtmidi, f"API_{backend}")
        if api not in rtmidi.get_compiled_api():
            raise OSError(f"this build has no {backend}")
        self.backend = backend
        self._mido = mido.Backend(f"mido.backends.rtmidi/{backend}")
        self._gatherer = gatherer
        # One long-lived object for polling: asking in a loop with new ones leaks ALSA clients.
        self._watch = rtmidi.MidiIn(rtapi=api, name=f"{_CLIENT}-watch")
        self._open: dict[str, Any] = {}
        self._virtual = self._mido.open_input(
            VIRTUAL_PORT, virtual=True, client_name=_CLIENT, callback=self._on_virtual
        )
        self._pulse = self._open_pulse(rtmidi.MidiOut(rtapi=api, name=_PULSE))
        self._beats_missed = 0
        self._is_heard = False  # another Segue may own the port we found: then there is no pulse

    def names(self) -> tuple[str, ...]:
        """Return the devices that are open, our virtual port last."""
        return (*(device_name(name) for name in self._open), VIRTUAL_PORT)

    def poll(self) -> bool:
        """Open what came and close what went; returns whether anything changed.

        Raises:
            OSError: the MIDI system died.
        """
        self._beat()
        found = {name for name in self._watch.get_ports() if not name.startswith(_PULSE)}
        gone = self._open.keys() - found
        came = found - self._open.keys()
        for name in gone:
            self._open.pop(name).close()
        for name in came:
            with suppress(*_ERRORS):  # another program may hold it; we ask again in a second
                self._open[name] = self._mido.open_input(name, callback=self._callback(name))
        return bool(gone or came & self._open.keys())

    def close(self) -> None:
        """Say goodbye to the MIDI system; only to one that lives."""
        for port in (*self._open.values(), self._virtual):
            port.close()
        for end in (self._pulse, self._watch):
            if end is not None:
                end.delete()

    def _open_pulse(self, pulse: Any) -> Any:
        names = pulse.get_ports()
        ours = [index for index, name in enumerate(names) if VIRTUAL_PORT in name]
        if ours:
            pulse.open_port(ours[-1], name="pulse")
        return pulse if ours else None

    def _beat(self) -> None:
        """Send a heartbeat to our own port: a JACK that was killed still lists its ports."""
        if self._pulse is None:
            return
        if self._is_heard and self._beats_missed >= _MAX_BEATS_MISSED:
            raise OSError(f"{self.backend} went away")
        self._beats_missed += 1
        self._pulse.send_message(_HEARTBEAT)

    def _on_virtual(self, message: Any) -> None:
        if message.type == "sysex" and message.bytes() == _HEARTBEAT:
            self._beats_missed, self._is_heard = 0, True
        else:
            self._gatherer.put(VIRTUAL_PORT, message)

    def _callback(self, name: str) -> Any:
        device = device_name(name)
        return lambda message: self._gatherer.put(device, message)


def open_ports(gatherer: Gatherer) -> tuple[Ports | None, str]:
    """Return the first backend that is there, or None and a sentence."""
    reasons = []
    for backend in _backends():
        try:
            return Ports(backend, gatherer), ""
        except _ERRORS as error:
            reasons.append(f"{backend}: {error}".strip().splitlines()[0])
    return None, f"MIDI unavailable ({'; '.join(reasons)}); looking again every few seconds"


def _backends() -> tuple[str, ...]:
    if sys.platform == "darwin":
        return ("MACOSX_CORE",)
    if sys.platform == "win32":
        return ("WINDOWS_MM",)
    return ("UNIX_JACK", "LINUX_ALSA")


def _run(pipe: BinaryIO, gatherer: Gatherer, gone: threading.Event) -> None:
    """Serve until the window goes or the MIDI system dies; say once when there is none."""
    ports, message = open_ports(gatherer)
    if ports is None:
        _write(pipe, PortsChanged(message=message))
    while ports is None and not gone.wait(_RETRY_S):
        ports, _ = open_ports(gatherer)
    if ports is not None:
        with suppress(*_ERRORS):
            _serve(ports, pipe, gatherer, gone)
    if ports is not None and gone.is_set():
        threading.Timer(_GOODBYE_S, os._exit, args=(0,)).start()  # it may have died just now
        ports.close()


def _serve(ports: Ports, pipe: BinaryIO, gatherer: Gatherer, gone: threading.Event) -> None:
    ports.poll()
    _write(pipe, PortsChanged(backend=ports.backend, ports=ports.names()))
    poll_at = time.monotonic() + _POLL_S
    while not gone.is_set():
        if gatherer.arrived.wait(_POLL_S / 2):
            _write(pipe, *gatherer.take())
            gone.wait(_TICK_S)
        if time.monotonic() >= poll_at:
            poll_at = time.monotonic() + _POLL_S
            if ports.poll():
                _write(pipe, PortsChanged(backend=ports.backend, ports=ports.names()))


def _write(pipe: BinaryIO, *events: MidiEvent) -> None:
    pipe.write(b"".join(to_frame(event) for event in events))
    pipe.flush()


def _stdin_thread(gone: threading.Event, gatherer: Gatherer) -> None:
    while os.read(0, 4096):
        pass
    gone.set()
    gatherer.arrived.set()


def main() -> None:
    """Run the child. Standard output carries frames only; stray prints go to standard error."""
    os.environ["JACK_NO_START_SERVER"] = "1"  # we use JACK where it runs, we never start it
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gone, gatherer = threading.Event(), Gatherer()
    threading.Thread(target=_stdin_thread, args=(gone, gatherer), name="stdin", daemon=True).start()
    with suppress(BrokenPipeError):
        _run(pipe, gatherer, gone)
    os._exit(0)  # a MIDI system that died meanwhile can hang or crash an orderly goodbye


if __name__ == "__main__":
    main()
