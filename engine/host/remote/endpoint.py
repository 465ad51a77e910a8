"""Where a door listens: what people write on a command line → host and port. PURE."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from engine.errors import ConfigError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of this machine and a port; 0 lets the system choose."""

    host: str
    port: int
    is_needed: bool = True  # without it nothing is started; else the show goes on and says so

    @property
    def is_open(self) -> bool:
        """Whether other machines reach it."""
        return not ipaddress.ip_address(self.host).is_loopback


NETWORK = Endpoint("0.0.0.0", 7702)
"""Where the page for phones is, unless another place is said."""


def endpoint_of(text: str, option: str, automatic: Endpoint | None) -> Endpoint | None:
    """Return what ``[HOST:]PORT`` says; ``auto`` and ``off`` are understood too.

    Raises:
        ConfigError: it is none of them.
    """
    if text in ("auto", "off"):
        return automatic if text == "auto" else None
    host, _, port = text.rpartition(":")
    try:
        address = str(ipaddress.IPv4Address(host or LOOPBACK))
    except ValueError:
        address = ""
    if not address or not (port.isascii() and port.isdecimal() and int(port) < 2**16):
        raise ConfigError(
            f"{option}: got {text!r}, expected PORT, ADDRESS:PORT as in 0.0.0.0:7701, auto or off"
        )
    return Endpoint(address, int(port))


def beside(port: int) -> Endpoint | None:
    """Return OSC's own place: on loopback, one above the WebSocket's port; nowhere beside 0."""
    return Endpoint(LOOPBACK, port + 1, is_needed=False) if 0 < port < 2**16 - 1 else None
