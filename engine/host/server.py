"""The door for apps: one WebSocket and one page of state, on the loopback interface.

    GET /ws      WebSocket, binary frames; the first is Hello of our protocol version
    GET /state   the newest EngineState as JSON, for scripts
    …            the page and the addresses for remotes, see remote/door.py

Thread: the event loop.
Full:   a client that does not read loses its own oldest events (events.py); a client that sends
        what cannot be read is told why in one sentence and may go on; an oversized message ends
        its connection.

No web page may drive the instrument: requests with an `Origin`, which browsers always add to a
WebSocket, and requests to another `Host` than ours are refused.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from engine.errors import DeviceError, RemoteProtocolError
from engine.host.desk import Answer
from engine.host.events import EventHub, Subscription
from engine.protocol.codec import COMMANDS, decode, encode
from engine.protocol.messages import (
    AppCommand,
    CommandAccepted,
    CommandRefused,
    EngineState,
    Hello,
    HostEvent,
)
from engine.protocol.values import PROTOCOL_VERSION

_LOG = logging.getLogger("segue.server")
HOST = "127.0.0.1"
MAX_COMMAND_BYTES = 2**20
MAX_REQUEST_BYTES = 4096
_ALIVE_S = 20.0  # a client that answers no ping for so long is gone

AnswerCommand = Callable[[AppCommand], Awaitable[Answer]]


class Server:
    """Serves apps until it is stopped."""

    def __init__(
        self,
        answer: AnswerCommand,
        state: Callable[[], EngineState],
        hub: EventHub,
        add_routes: Callable[[web.Application], None] = lambda app: None,
    ) -> None:
        self._answer = answer
        self._state = state
        self._hub = hub
        self._add_routes = add_routes  # what remotes ask for; they guard themselves
        self._runner: web.AppRunner | None = None
        self._open: set[web.WebSocketResponse] = set()
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on `port`; 0 lets the system choose, see `port`.

        Raises:
            DeviceError: the port is in use or not ours to use.
        """
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_get("/ws", self._serve_client)
        app.router.add_get("/state", self._serve_state)
        self._add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise DeviceError(_sentence(port, error)) from error
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close all connections and the port. Safe twice."""
        for socket in list(self._open):
            with suppress(ConnectionError):
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the engine stops")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # ------------------------------------------------------------ requests

    async def _serve_state(self, request: web.Request) -> web.Response:
        self._check_is_local(request)
        body = msgspec.json.encode(self._state())
        return web.Response(body=body, content_type="application/json")

    async def _serve_client(self, request: web.Request) -> web.WebSocketResponse:
        self._check_is_local(request)
        socket = web.WebSocketResponse(
            max_msg_size=MAX_COMMAND_BYTES, heartbeat=_ALIVE_S, compress=False
        )
        await socket.prepare(request)
        self._open.add(socket)
        try:
            await self._converse(socket)
        except ConnectionError:
            _LOG.debug("a client went away in mid-sentence")
        finally:
            self._open.discard(socket)
        return socket

    def _check_is_local(self, request: web.Request) -> None:
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="web pages may not drive this instrument")
        if request.host not in {f"{HOST}:{self.port}", f"localhost:{self.port}"}:
            raise web.HTTPForbidden(text=f"ask for http://{HOST}:{self.port}")

    # ------------------------------------------------------------ one client

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        if not await self._greet(socket):
            return
        subscription = self._hub.subscribe()
        writer = asyncio.create_task(_write_events(socket, subscription))
        try:
            await self._read_commands(socket, subscription)
        finally:
            self._hub.unsubscribe(subscription)
            writer.cancel()
            if subscription.num_dropped:
                _LOG.info("a client missed %d events", subscription.num_dropped)

    async def _greet(self, socket: web.WebSocketResponse) -> bool:
        """Take the Hello; returns whether the client may stay."""
        command = _read(await socket.receive())
        if isinstance(command, Hello) and command.protocol_version == PROTOCOL_VERSION:
            await _send(socket, CommandAccepted(command_id=command.command_id, effect="welcome"))
            await _send(socket, self._state())
            return True
        reason = f"expected Hello of protocol version {PROTOCOL_VERSION} as the first message"
        if isinstance(command, Hello):
            reason = (
                f"this engine speaks protocol version {PROTOCOL_VERSION}, you speak "
                f"{command.protocol_version}; start app and engine of the same version"
            )
        number = command.command_id if isinstance(command, Hello) else 0
        await _send(socket, CommandRefused(command_id=number, reason=reason))
        await socket.close(code=WSCloseCode.PROTOCOL_ERROR)
        return False

    async def _read_commands(
        self, socket: web.WebSocketResponse, subscription: Subscription
    ) -> None:
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                return
            command = _read(message)
            if isinstance(command, CommandRefused):
                subscription.put(command)
            elif command is not None:
                subscription.put(await self._answer(command))


def _read(message: WSMessage) -> AppCommand | CommandRefused | None:
    """Return the command, what to say of an unreadable one, or None when the client is gone."""
    if message.type is WSMsgType.BINARY:
        try:
            return decode(COMMANDS, message.data)
        except RemoteProtocolError as error:
            return CommandRefused(command_id=0, reason=str(error))
    if message.type is WSMsgType.TEXT:
        return CommandRefused(
            command_id=0, reason="text message refused: commands are MessagePack in binary messages"
        )
    return None


async def _write_events(socket: web.WebSocketResponse, subscription: Subscription) -> None:
    with suppress(ConnectionError):
        while True:
            await _send(socket, await subscription.get())


async def _send(socket: web.WebSocketResponse, event: HostEvent) -> None:
    if not socket.closed:
        await socket.send_bytes(encode(event))


def _sentence(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {HOST} is in use, perhaps by another Segue engine; "
            f"stop that program, or choose another port with --port"
        )
    return f"port {port} on {HOST} cannot be used: {error.strerror}; choose another with --port"
