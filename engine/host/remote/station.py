"""Puts up what plays the instrument from afar, and takes it down. Thread: the event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from aiohttp import web

from engine.errors import DeviceError
from engine.host.desk import Desk
from engine.host.events import EventHub
from engine.host.remote.counts import Counts, Notice
from engine.host.remote.door import WebDoor
from engine.host.remote.endpoint import LOOPBACK, NETWORK, Endpoint
from engine.host.remote.guard import Guard
from engine.host.remote.osc import OscDoor
from engine.host.remote.player import RemotePlayer
from engine.host.remote.site import NetworkSite
from engine.protocol.messages import RemoteState
from engine.protocol.values import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """Where remotes come in; None: not at all. HTTP on loopback is always there."""

    osc: Endpoint | None = None
    osc_to: Endpoint | None = None  # is told over OSC what changes, without asking
    page: Endpoint | None = None  # HTTP for the network, with a key


class Station:
    """All remotes of one host. `port` returns that of the host's server."""

    def __init__(self, desk: Desk, hub: EventHub, notice: Notice, port: Callable[[], int]) -> None:
        self._notice = notice
        self.counts = Counts(notice)
        player = RemotePlayer(desk.answer, desk.state, lambda: desk.pads, self.counts)
        self.player = player

        def make_door(guard: Callable[[], Guard]) -> WebDoor:
            return WebDoor(player, desk.state, hub, guard)

        self._make_door = make_door
        self._near = make_door(lambda: Guard(port=port(), names=(LOOPBACK, "localhost")))
        self._far = NetworkSite(make_door)
        self._far_place = NETWORK
        self.osc: OscDoor | None = None
        desk.open_page = self.open_page
        desk.remote_state = self.state

    def state(self) -> RemoteState:
        """Return what the window shows."""
        pages = self._near.num_listeners + self._far.door.num_listeners
        return self.counts.state(self.osc.num_listeners if self.osc else 0, pages)

    def add_routes(self, app: web.Application) -> None:
        """Add the routes for remotes on this machine."""
        self._near.add_to(app)

    async def start(self, config: RemoteConfig) -> None:
        """Open what is wanted.

        Raises:
            DeviceError: it is needed and its port cannot be used.
        """
        if config.osc is not None:
            await self._start_osc(config.osc, config.osc_to)
        if config.page is not None:
            self._far_place = config.page
            await self.open_page(True)

    async def open_page(self, is_open: bool) -> str:
        """Let phones of the network in, or shut them out; returns where the page is.

        Raises:
            DeviceError: the port cannot be used; it stays shut.
        """
        if not is_open:
            await self._far.stop()
            self._far = NetworkSite(self._make_door)
            self.counts.page_at = ""
            return "phones are shut out"
        if not self.counts.page_at:
            self.counts.page_at = await self._far.start(self._far_place)
        return f"phones come in at {self.counts.page_at}"

    async def _start_osc(self, place: Endpoint, listener: Endpoint | None) -> None:
        door = OscDoor(self.player, self.counts)
        try:
            await door.start(place.host, place.port)
        except DeviceError as error:
            if place.is_needed:
                raise
            self._notice(Severity.WARNING, "remote", f"{error}; the show goes on without OSC")
            return
        if place.is_open:
            text = f"OSC is open on {place.host}: whoever is in this network can play"
            self._notice(Severity.WARNING, "remote", text)
        if listener is not None:
            door.listen((listener.host, listener.port))
        self.osc = door

    def works(self) -> list[Coroutine[None, None, None]]:
        """Return what has to run beside the show."""
        return [self.osc.work(), self.osc.tell()] if self.osc else []

    async def stop(self) -> None:
        """Close everything. Safe twice."""
        if self.osc is not None:
            self.osc.stop()
        await self._near.stop()
        await self._far.stop()
