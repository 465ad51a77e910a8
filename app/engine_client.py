"""The window's end of the WebSocket: attach to an engine or start one, commands out, signals in.

Alone knows that the engine is a process. Thread: Qt main, on the asyncio loop of qasync.
Full: nothing gathers: without a connection a command is refused on the spot.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import msgspec
from PySide6.QtCore import QObject, Signal

from app.engine_process import EngineProcess
from engine.errors import RemoteProtocolError
from engine.protocol import codec
from engine.protocol.messages import (
    CommandAccepted,
    CommandRefused,
    CueLanded,
    CutLanded,
    EngineState,
    Hello,
    HostEvent,
    NoticeRaised,
    StopEngine,
)
from engine.protocol.orders import PromptRead
from engine.protocol.values import PROTOCOL_VERSION, Command

DEFAULT_PORT = 7700
_BACKOFF_S = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
_SILENCE_S = 3.0  # the engine tells its state ten times a second
_GOODBYE_S = 2.0
_MAX_EARLY_EXITS = 3


class LinkStatus(StrEnum):
    """How we stand with the engine."""

    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Link:
    """Status and a sentence for the performer."""

    status: LinkStatus
    message: str = ""


class EngineClient(QObject):
    """Speaks with one engine on this machine.

    Args:
        port: TCP port of the engine.
        process: how to start one; None only ever attaches.
        parent: Qt owner.
    """

    link_changed = Signal(Link)
    state_arrived = Signal(EngineState)
    cut_landed = Signal(CutLanded)
    cue_landed = Signal(CueLanded)
    notice_raised = Signal(NoticeRaised)
    prompt_read = Signal(PromptRead)
    command_accepted = Signal(CommandAccepted)
    command_refused = Signal(CommandRefused)

    def __init__(
        self, port: int, process: EngineProcess | None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._port = port
        self._process = process
        self._link = Link(LinkStatus.STARTING)
        self._outbox: asyncio.Queue[Command] | None = None
        self._next_id = 1
        self._num_failures = 0
        self._early_exits = 0
        self._had_picture = False
        self._is_leaving = False

    @property
    def link(self) -> Link:
        """How we stand with the engine now."""
        return self._link

    @property
    def spawned_pid(self) -> int:
        """Process id of the engine that this window started, 0 when it attached."""
        return self._process.pid if self._process is not None else 0

    def send(self, command: Command) -> int:
        """Send a command and return its id; its answer comes as a signal."""
        command_id, self._next_id = self._next_id, self._next_id + 1
        numbered = msgspec.structs.replace(command, command_id=command_id)
        if self._outbox is None:
            reason = "the engine is not connected; the command was not sent"
            self.command_refused.emit(CommandRefused(command_id=command_id, reason=reason))
        else:
            self._outbox.put_nowait(numbered)
        return command_id

    async def run(self) -> None:
        """Stay connected until cancelled: attach, start an engine where none is, come back."""
        async with aiohttp.ClientSession() as session:
            while True:
                await self._attempt(session)
                delay_s = _BACKOFF_S[min(self._num_failures, len(_BACKOFF_S) - 1)]
                self._num_failures += 1
                await asyncio.sleep(delay_s)

    def try_again(self) -> None:
        """Start an engine once more after we had given up."""
        self._early_exits = 0

    @property
    def is_connected(self) -> bool:
        """Whether commands reach an engine now."""
        return self._outbox is not None

    async def stop_engine(self) -> None:
        """Ask the engine to leave and wait until it hung up, at most two seconds."""
        self._is_leaving = True
        if self._outbox is None:
            return
        self.send(StopEngine())
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                while self._outbox is not None:
                    await asyncio.sleep(0.02)

    async def _attempt(self, session: aiohttp.ClientSession) -> None:
        url = f"http://127.0.0.1:{self._port}/ws"
        try:
            async with session.ws_connect(
                url, max_msg_size=codec.MAX_MESSAGE_BYTES, autoping=True
            ) as socket:
                await self._converse(socket)
        except aiohttp.WSServerHandshakeError as error:
            self._say(LinkStatus.FAILED, self._not_ours(error.status))
        except (aiohttp.ClientConnectionError, OSError):
            self._on_nobody_there()
        finally:
            self._outbox = None
            if self._link.status is LinkStatus.LIVE:
                self._say(LinkStatus.LOST, "The engine hung up; looking for it")

    def _not_ours(self, status: int) -> str:
        return (
            f"Port {self._port} answers with HTTP {status}, expected a Segue engine; "
            f"close that program or start with --port"
        )

    def _on_nobody_there(self) -> None:
        if self._process is None:
            self._say(LinkStatus.LOST, f"No engine on port {self._port}; start one: segue engine")
        elif not self._is_leaving and not self._process.is_running():
            self._start_engine(self._process)

    def _start_engine(self, process: EngineProcess) -> None:
        if process.exit_code() is not None and not self._had_picture:
            self._early_exits += 1
        if self._early_exits >= _MAX_EARLY_EXITS:
            words = process.last_words() or f"exit code {process.exit_code()}"
            self._say(LinkStatus.FAILED, f"The engine does not start: {words}. Ctrl R tries again")
            return
        again = "again " if process.exit_code() is not None else ""
        self._say(LinkStatus.STARTING, f"Starting the engine {again}…")
        self._had_picture = False
        try:
            process.start()
        except OSError as error:
            self._early_exits = _MAX_EARLY_EXITS
            self._say(LinkStatus.FAILED, f"The engine does not start: {error}")

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_bytes(codec.encode(Hello(command_id=0)))
        self._outbox = asyncio.Queue()
        writer = asyncio.ensure_future(_write(socket, self._outbox))
        try:
            while await self._read(socket):
                pass
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                await writer

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        try:
            message = await socket.receive(timeout=_SILENCE_S)
        except TimeoutError:
            self._say(LinkStatus.LOST, "The engine has been silent for three seconds")
            return not socket.closed
        if message.type is aiohttp.WSMsgType.BINARY:
            self._take(message.data)
        return message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)

    def _take(self, data: bytes) -> None:
        try:
            event = codec.decode(codec.EVENTS, data)
        except RemoteProtocolError as error:
            self._say(LinkStatus.FAILED, f"The engine speaks another language: {error}")
            return
        self._tell(event)

    def _tell(self, event: HostEvent) -> None:
        match event:
            case EngineState():
                self._on_state(event)
            case CommandAccepted():
                self.command_accepted.emit(event)
            case CommandRefused():
                self.command_refused.emit(event)
            case CutLanded():
                self.cut_landed.emit(event)
            case CueLanded():
                self.cue_landed.emit(event)
            case NoticeRaised():
                self.notice_raised.emit(event)
            case PromptRead():
                self.prompt_read.emit(event)

    def _on_state(self, state: EngineState) -> None:
        if state.protocol_version != PROTOCOL_VERSION:
            self._say(
                LinkStatus.FAILED,
                f"The engine speaks protocol {state.protocol_version}, this window "
                f"{PROTOCOL_VERSION}; start both from the same version",
            )
            return
        self._num_failures = 0
        if state.playout.mode != "waiting":  # it has shown a picture: it can
            self._early_exits, self._had_picture = 0, True
        self._say(LinkStatus.LIVE, f"Attached to the engine on port {self._port}")
        self.state_arrived.emit(state)

    def _say(self, status: LinkStatus, message: str) -> None:
        link = Link(status, message)
        if link != self._link:
            self._link = link
            self.link_changed.emit(link)


async def _write(socket: aiohttp.ClientWebSocketResponse, outbox: asyncio.Queue[Command]) -> None:
    while True:
        await socket.send_bytes(codec.encode(await outbox.get()))
