"""OSC over UDP: addresses `/segue/…` in, the facts that changed out to whoever subscribed.

In:     datagrams of at most 4096 bytes.
Out:    to each listener what changed, ten times a second at most, one message a fact.
Thread: the event loop.
Full:   of values at one address that came within 2 ms the last wins; 1024 messages wait, then the
        oldest is dropped and counted.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from engine.errors import DeviceError, EngineError, RemoteProtocolError
from engine.host.remote.counts import Counts
from engine.host.remote.facts import Facts, changed
from engine.host.remote.osc_codec import Argument, OscMessage, decode, encode
from engine.host.remote.phrases import ASK
from engine.host.remote.player import InOrder, RemotePlayer
from engine.protocol.parameters import PARAMETERS
from engine.protocol.values import Severity

PREFIX = "/segue"
MAX_WAITING = 1024
MAX_LISTENERS = 16
PERIOD_S = 0.1
_GATHER_S = 0.002
_KERNEL_BYTES = 2**20

Place = tuple[str, int]  # host and port


def last_values(came: Sequence[tuple[OscMessage, Place]]) -> list[tuple[OscMessage, Place]]:
    """Return the messages in order, of values that one sender sets at one row only the last."""
    last = {
        (message.address, sender): number
        for number, (message, sender) in enumerate(came)
        if _is_row(message)
    }
    return [
        (message, sender)
        for number, (message, sender) in enumerate(came)
        if last.get((message.address, sender), number) == number or not _is_row(message)
    ]


def _is_row(message: OscMessage) -> bool:
    """Whether setting it again forgets what it was set to before."""
    row = message.address.removeprefix(f"{PREFIX}/").removeprefix("preview/").removesuffix("/norm")
    return row in PARAMETERS and message.arguments != (ASK,)


class OscDoor(asyncio.DatagramProtocol):
    """Listens until it is stopped."""

    def __init__(self, player: RemotePlayer, counts: Counts) -> None:
        self._player = player
        self._counts = counts
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: deque[tuple[OscMessage, Place]] = deque()
        self._came = asyncio.Event()
        self._in_order = InOrder()
        self._listeners: dict[Place, Place] = {}  # who subscribed → where the facts go
        self._told: dict[Place, Facts] = {}
        self.port = 0

    @property
    def num_listeners(self) -> int:
        """How many are told what changes."""
        return len(set(self._listeners.values()))

    async def start(self, host: str, port: int) -> None:
        """Listen on UDP `port` of `host`; 0 lets the system choose, see `port`.

        Raises:
            DeviceError: the port is in use, or the address is not this machine's.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(host, port)
            )
        except OSError as error:
            raise DeviceError(
                f"OSC: port {port} on {host} cannot be used: {error.strerror or error}; "
                "choose another with --osc, or --osc off"
            ) from error
        self._transport = transport
        handle = transport.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
        self.port = int(transport.get_extra_info("sockname")[1])
        self._counts.osc_at = f"{host}:{self.port}"

    def stop(self) -> None:
        """Close the port. Safe twice."""
        self._in_order.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # ------------------------------------------------------------ asyncio calls these

    def datagram_received(self, data: bytes, sender: Place) -> None:
        """Take one packet; never waits."""
        sender = (sender[0], sender[1])
        try:
            messages = decode(data)
        except RemoteProtocolError as error:
            self._counts.received += 1
            self._refuse(str(error), sender)
            return
        for message in messages:
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self._counts.dropped += 1
            self._waiting.append((message, sender))
        self._came.set()

    def error_received(self, error: Exception) -> None:
        """A listener's machine said that nobody is there; it may come back."""

    # ------------------------------------------------------------ in

    async def work(self) -> None:
        """Play what comes, in order, for ever."""
        while True:
            await self._came.wait()
            await asyncio.sleep(_GATHER_S)  # reading goes on: it must outpace playing
            self._came.clear()
            came = list(self._waiting)
            self._waiting.clear()
            newest = last_values(came)
            self._counts.received += len(came) - len(newest)
            for message, sender in newest:
                await self._in_order.do(self._play(message, sender))
                await asyncio.sleep(0)  # the show goes on between two messages

    async def _play(self, message: OscMessage, sender: Place) -> None:
        address = message.address.removeprefix(PREFIX)
        if address == message.address or (address and not address.startswith("/")):
            self._counts.received += 1
            text = f"OSC: address {message.address[:80]!r} does not begin with {PREFIX}/"
            self._refuse(f"{text}; nothing was changed", sender)
            return
        if address in ("/subscribe", "/unsubscribe"):
            self._counts.received += 1
            self._subscribe(address, message.arguments, sender)
            return
        with suppress(EngineError):  # was counted and told by the player
            try:
                answer = await self._player.play(address or "/", message.arguments, _said(sender))
            except EngineError as error:
                self._send(OscMessage(f"{PREFIX}/error", (str(error),)), self._place_of(sender))
                raise
            if isinstance(answer, dict):
                self._tell(answer, self._place_of(sender))

    def _refuse(self, reason: str, sender: Place) -> None:
        self._counts.refuse(reason, _said(sender), asyncio.get_running_loop().time())
        self._send(OscMessage(f"{PREFIX}/error", (reason,)), self._place_of(sender))

    # ------------------------------------------------------------ out

    def listen(self, place: Place) -> None:
        """Tell this place what changes, whether it asks or not."""
        self._add(place, place)

    def _subscribe(self, address: str, arguments: tuple[Argument, ...], sender: Place) -> None:
        port = arguments[0] if arguments else sender[1]
        if len(arguments) > 1 or not isinstance(port, int | float) or not 1 <= port < 2**16:
            text = f"OSC: {PREFIX}{address} takes nothing, or the port to send to, 1 to 65535"
            self._refuse(f"{text}; nothing was changed", sender)
            return
        place = (sender[0], int(port))
        if address == "/unsubscribe":
            self._forget(place)
        else:
            self._add(sender, place)

    def _add(self, asker: Place, place: Place) -> None:
        if place not in self._told and len(self._told) >= MAX_LISTENERS:
            oldest = next(iter(self._told))
            self._forget(oldest)
            text = f"{_said(oldest)} is told no more: {MAX_LISTENERS} OSC listeners are the most"
            self._counts.notice(Severity.WARNING, "remote", text)
        self._listeners[asker] = place
        self._told[place] = {}  # whoever subscribes anew is told everything anew

    def _forget(self, place: Place) -> None:
        self._told.pop(place, None)
        self._listeners = {k: v for k, v in self._listeners.items() if v != place}

    def _place_of(self, sender: Place) -> Place:
        return self._listeners.get(sender, sender)

    async def tell(self) -> None:
        """Send what changed to everybody who subscribed, for ever."""
        while True:
            if self._told:
                now = self._player.facts()
                for place, before in list(self._told.items()):
                    self._tell(changed(before, now), place)
                    self._told[place] = now
            await asyncio.sleep(PERIOD_S)

    def _tell(self, found: Facts, place: Place) -> None:
        for address, value in found.items():
            self._send(OscMessage(f"{PREFIX}{address}", (value,)), place)

    def _send(self, message: OscMessage, place: Place) -> None:
        if self._transport is not None:
            self._transport.sendto(encode(message), place)


def _said(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
