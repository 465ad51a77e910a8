"""The same routes for the network: a door of its own, which asks for the key.

Thread: the event loop.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from engine.errors import DeviceError
from engine.host.remote.door import MAX_BYTES, WebDoor
from engine.host.remote.endpoint import Endpoint
from engine.host.remote.guard import KEY_LENGTH, KEY_LETTERS, Guard, new_key
from engine.protocol.atomic_file import write_atomically
from engine.protocol.places import remote_key_file

_SOMEWHERE = ("10.255.255.255", 9)  # asked for no packet: only which of our addresses leads there


class NetworkSite:
    """Serves one door to other machines. `make_door` is told how to ask for the guard."""

    def __init__(self, make_door: Callable[[Callable[[], Guard]], WebDoor]) -> None:
        self.door = make_door(lambda: self._guard)
        self._guard = Guard(port=0, names=())
        self._runner: web.AppRunner | None = None

    async def start(self, place: Endpoint) -> str:
        """Listen there; returns the address that a phone opens, with the key.

        Raises:
            DeviceError: the port is in use, the address is not ours, or no key can be kept.
        """
        app = web.Application(client_max_size=MAX_BYTES)
        self.door.add_to(app, with_state=True)
        key = kept_key(remote_key_file())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, place.host, place.port).start()
        except OSError as error:
            await self.stop()
            raise DeviceError(
                f"remote: port {place.port} on {place.host} cannot be used: "
                f"{error.strerror or error}; choose another with --remote, or --remote off"
            ) from error
        port = int(self._runner.addresses[0][1])
        host = our_address() if place.host == "0.0.0.0" else place.host
        name = socket.gethostname().lower()
        self._guard = Guard(port=port, names={name, f"{name}.local", "localhost"}, key=key)
        return f"http://{host}:{port}/?key={key}"

    async def stop(self) -> None:
        """Close all connections and the port. Safe twice."""
        await self.door.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def kept_key(path: Path) -> str:
    """Return the key of this machine, made at the first call and kept for the next show.

    Raises:
        DeviceError: the file cannot be read or written.
    """
    try:
        kept = path.read_text().strip() if path.exists() else ""
        if len(kept) == KEY_LENGTH and set(kept) <= set(KEY_LETTERS):
            return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # the mode is kept when the file is replaced
        os.chmod(path, 0o600)
        key = new_key()
        write_atomically(path, f"{key}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"remote: the key in {path} cannot be kept: {error}; mend it") from error
    return key


def our_address() -> str:
    """Return the address of this machine in its network; its name where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
