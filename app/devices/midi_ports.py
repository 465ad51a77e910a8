"""The open inputs and outputs of one MIDI system.

In:     bytes of all inputs and of our own virtual port `segue-in`, out of the driver's own queues.
Out:    whole messages to the outputs, at most one every 1.5 ms a device: small controllers choke.
Thread: `main` alone. The driver's threads never enter Python: a callback there that waits for the
        interpreter lets JACK overwrite what it was reading, which lost messages.
Full:   a control that floods keeps its last value; presses, clock and encoder steps are never
        dropped. Of lights, the newest value of each waits; beyond 2048 the oldest goes, counted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from app.core.coalesce import Coalescer
from app.core.midi_arrival import arrival_ns
from app.core.midi_events import (
    VIRTUAL_PORT,
    ClockHeard,
    ControlMoved,
    JoinPairs,
    PortsChanged,
    SendMidi,
    output_of,
    unique_names,
)
from app.core.midi_outbox import Outbox
from app.core.midi_parse import Parser

_CLIENT = "segue"
_PULSE = "segue-pulse"
_LIGHTS = "segue-lights"
_SEND_GAP_S = 0.0015
_QUEUE = 16384  # messages in the driver while we do not look: it drops beyond that
_SETTLE_S = 0.15  # JACK may lose what is sent before its graph took up the new port
_MAX_BEATS_MISSED = 7
_HEARTBEAT = [0xF0, 0x7D, 0x53, 0x45, 0x47, 0x55, 0x45, 0xF7]  # non-commercial sysex
ERRORS = (OSError, ImportError)  # rtmidi's own errors are OSErrors


class Gatherer:
    """What came in since the last tick, read and thinned out."""

    def __init__(self) -> None:
        self._coalescer = Coalescer()
        self._parsers: dict[str, Parser] = {}
        self._pairs: dict[str, frozenset[tuple[int, int]]] = {}

    def put(self, port: str, data: list[int], at_ns: int) -> None:
        """Take one message; kinds that drive nothing are ignored."""
        parser = self._parsers.get(port)
        if parser is None:
            parser = self._parsers[port] = Parser(port)
            parser.pairs = self._pairs.get(port, frozenset())
        for event in parser.feed(data, at_ns):
            self._coalescer.put(event)

    def join(self, command: JoinPairs) -> None:
        """Read these pairs of CCs as fine values from now on."""
        self._pairs = {}
        for port, channel, number in command.pairs:
            self._pairs[port] = self._pairs.get(port, frozenset()) | {(channel, number)}
        for port, parser in self._parsers.items():
            parser.pairs = self._pairs.get(port, frozenset())

    def take(self) -> list[ControlMoved | ClockHeard]:
        """Return what has gathered, with the halves that waited long enough."""
        for parser in self._parsers.values():
            for event in parser.flush(time.monotonic_ns()):
                self._coalescer.put(event)
        return self._coalescer.take()


class Ear:
    """One open input. The driver says how long after the one before a message came."""

    def __init__(self, end: Any) -> None:
        self.end = end
        end.ignore_types(sysex=False, timing=False, active_sense=True)
        self._last_ns: int | None = None

    def listen(self) -> Iterator[tuple[list[int], int]]:
        """Return what came, and when on the monotonic clock."""
        while (message := self.end.get_message()) is not None:
            data, after_s = message
            at_ns = arrival_ns(self._last_ns, round(after_s * 1e9), time.monotonic_ns())
            self._last_ns = at_ns
            yield data, at_ns


class Ports:
    """The open ports of one backend. Raises one of `ERRORS` when the backend is not there."""

    def __init__(self, backend: str, gatherer: Gatherer) -> None:
        import rtmidi

        api = getattr(rtmidi, f"API_{backend}")
        if api not in rtmidi.get_compiled_api():
            raise OSError(f"this build has no {backend}")
        self.backend = backend
        self._gatherer = gatherer
        self._new_input: Callable[[], Any] = lambda: rtmidi.MidiIn(
            rtapi=api, name=_CLIENT, queue_size_limit=_QUEUE
        )
        self._new_output: Callable[[], Any] = lambda: rtmidi.MidiOut(rtapi=api, name=_LIGHTS)
        # One long-lived object a direction: asking in a loop with new ones leaks ALSA clients.
        self._watch = rtmidi.MidiIn(rtapi=api, name=f"{_CLIENT}-watch")
        self._watch_out = rtmidi.MidiOut(rtapi=api, name=f"{_CLIENT}-watch-out")
        self._open: dict[str, Ear] = {}
        self._outputs: dict[str, Any] = {}  # by the name of their input
        self._names: dict[str, str] = {}
        self._outboxes: dict[str, Outbox] = {}
        self._open_at_s: dict[str, float] = {}  # when an output may be used
        self._send_at_s = 0.0
        self._virtual = Ear(self._new_input())
        self._virtual.end.open_virtual_port(VIRTUAL_PORT)
        self._beats_missed = 0
        self._is_ours = False  # the port that the pulse reaches: another Segue may have one too
        self._pulse = self._open_pulse(rtmidi.MidiOut(rtapi=api, name=_PULSE))

    def told(self) -> PortsChanged:
        """Return the devices that are open, our virtual port last."""
        lit = tuple(self._names[port] for port in self._outputs)
        ports = (*(self._names[port] for port in self._open), VIRTUAL_PORT)
        return PortsChanged(backend=self.backend, ports=ports, lit=lit)

    def poll(self) -> bool:
        """Open what came and close what went; returns whether anything changed.

        Raises:
            OSError: the MIDI system died.
        """
        self._beat()
        found = tuple(name for name in self._watch.get_ports() if not _is_ours(name))
        outputs = tuple(name for name in self._watch_out.get_ports() if not _is_ours(name))
        gone = self._open.keys() - set(found)
        came = [name for name in found if name not in self._open]
        for name in gone:
            self._close(name)
        for name in came:
            with suppress(*ERRORS):  # another program may hold it; we ask again in a moment
                self._open_input(name, found)
        lit = [name for name in self._open if self._open_output(name, outputs)]
        return bool(gone or lit or [name for name in came if name in self._open])

    def listen(self) -> bool:
        """Read what came in on all inputs; returns whether anything did, heartbeats aside."""
        has_come = False
        for name, ear in self._open.items():
            for data, at_ns in ear.listen():
                has_come = True
                self._gatherer.put(self._names[name], data, at_ns)
        for data, at_ns in self._virtual.listen():
            if data == _HEARTBEAT:
                self._beats_missed, self._is_ours = 0, True
            else:
                has_come = True
                self._gatherer.put(VIRTUAL_PORT, data, at_ns)
        return has_come

    def send(self, command: SendMidi) -> None:
        """Let these messages wait for their turn; a device that is gone needs none."""
        outbox = self._outboxes.get(command.port)
        if outbox is not None:
            for message in command.messages:
                outbox.put(message)

    def send_due(self) -> bool:
        """Send one message to each device if it is time; returns whether more wait."""
        now_s = time.monotonic()
        if now_s >= self._send_at_s:
            self._send_at_s = now_s + _SEND_GAP_S
            for port, output in self._outputs.items():
                if now_s < self._open_at_s[port]:
                    continue
                message = self._outboxes[self._names[port]].take()
                if message is not None:
                    with suppress(*ERRORS):  # it is going; the next poll sees that
                        output.send_message(list(message))
        return any(len(outbox) for outbox in self._outboxes.values())

    def close(self) -> None:
        """Say goodbye to the MIDI system; only to one that lives."""
        ears = (*self._open.values(), self._virtual)
        for end in (*(ear.end for ear in ears), *self._outputs.values()):
            _let_go(end)
        for end in (self._pulse, self._watch, self._watch_out):
            if end is not None:
                end.delete()

    def _open_input(self, name: str, found: tuple[str, ...]) -> None:
        device = unique_names(found)[name]
        taken = [self._names[port] for port in self._open]
        while device in taken:  # a twin kept its name when the first of the two went
            device = f"{device} #2"
        ear = Ear(self._new_input())
        ear.end.open_port(self._watch.get_ports().index(name))
        self._open[name], self._names[name] = ear, device

    def _open_output(self, name: str, outputs: tuple[str, ...]) -> bool:
        """Open the output beside an input; returns whether that is new."""
        wanted = output_of(name, outputs)
        if not wanted or name in self._outputs:
            return False
        end = self._new_output()
        with suppress(*ERRORS):
            end.open_port(self._watch_out.get_ports().index(wanted))
            self._outputs[name] = end
            self._open_at_s[name] = time.monotonic() + _SETTLE_S
            self._outboxes[self._names[name]] = Outbox()
        return name in self._outputs

    def _close(self, name: str) -> None:
        _let_go(self._open.pop(name).end)
        output = self._outputs.pop(name, None)
        if output is not None:
            _let_go(output)
        self._outboxes.pop(self._names.pop(name), None)

    def _open_pulse(self, pulse: Any) -> Any:
        names = pulse.get_ports()
        ours = [index for index, name in enumerate(names) if VIRTUAL_PORT in name]
        if ours:
            pulse.open_port(ours[-1], name="pulse")
        self._is_ours = len(ours) == 1  # of several it is if a heartbeat comes back
        return pulse if ours else None

    def _beat(self) -> None:
        """Send a heartbeat to our own port: a JACK that was killed still lists its ports."""
        if self._pulse is None:
            return
        if self._is_ours and self._beats_missed >= _MAX_BEATS_MISSED:
            raise OSError(f"{self.backend} went away")
        self._beats_missed += 1
        self._pulse.send_message(_HEARTBEAT)


def open_ports(gatherer: Gatherer) -> tuple[Ports | None, str]:
    """Return the first backend that is there, or None and a sentence."""
    reasons = []
    for backend in _backends():
        try:
            return Ports(backend, gatherer), ""
        except ERRORS as error:
            reasons.append(f"{backend}: {error}".strip().splitlines()[0])
    return None, f"MIDI unavailable ({'; '.join(reasons)}); looking again every few seconds"


def _backends() -> tuple[str, ...]:
    if sys.platform == "darwin":
        return ("MACOSX_CORE",)
    if sys.platform == "win32":
        return ("WINDOWS_MM",)
    return ("UNIX_JACK", "LINUX_ALSA")


def _let_go(end: Any) -> None:
    end.close_port()
    end.delete()


def _is_ours(name: str) -> bool:
    return name.startswith((f"{_CLIENT}:", f"{_CLIENT}-"))  # also those of another Segue
