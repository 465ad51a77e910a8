"""Puts up what plays the instrument from afar, and takes it down. Thread: the event loop."""

from __future__ import annotations

from collections.abc import Coroutine

from engine.errors import DeviceError
from engine.host.desk import Desk
from engine.host.remote.counts import Counts, Notice
from engine.host.remote.endpoint import Endpoint
from engine.host.remote.osc import OscDoor
from engine.host.remote.player import RemotePlayer
from engine.protocol.messages import RemoteState
from engine.protocol.values import Severity


class Station:
    """All remotes of one host."""

    def __init__(self, desk: Desk, notice: Notice) -> None:
        self._notice = notice
        self.counts = Counts(notice)
        self.player = RemotePlayer(desk.answer, desk.state, lambda: desk.pads, self.counts)
        self.osc: OscDoor | None = None
        desk.remote_state = self.state

    def state(self) -> RemoteState:
        """Return what the window shows."""
        return self.counts.state(self.osc.num_listeners if self.osc else 0, 0)

    async def start(self, osc: Endpoint | None, listener: Endpoint | None) -> None:
        """Open OSC where it is wanted; `listener` is told what changes without asking.

        Raises:
            DeviceError: it is needed and its port cannot be used.
        """
        if osc is None:
            return
        door = OscDoor(self.player, self.counts)
        try:
            await door.start(osc.host, osc.port)
        except DeviceError as error:
            if osc.is_needed:
                raise
            self._notice(Severity.WARNING, "remote", f"{error}; the show goes on without OSC")
            return
        if osc.is_open:
            text = f"OSC is open on {osc.host}: whoever is in this network can play"
            self._notice(Severity.WARNING, "remote", text)
        if listener is not None:
            door.listen((listener.host, listener.port))
        self.osc = door

    def works(self) -> list[Coroutine[None, None, None]]:
        """Return what has to run beside the show."""
        return [self.osc.work(), self.osc.tell()] if self.osc else []

    def stop(self) -> None:
        """Close everything. Safe twice."""
        if self.osc is not None:
            self.osc.stop()
