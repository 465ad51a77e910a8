"""Who may play over HTTP. PURE: headers in, a refusal or nothing out.

On loopback every program of this machine may, and no web page but our own: pages of others are
known by their `Origin`, by `Sec-Fetch-Site`, and by asking for another `Host` (DNS rebinding).
From the network the key is needed as well, which the window shows.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Collection
from dataclasses import dataclass

KEY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that a hand mistakes for another
KEY_LENGTH = 10  # 49 bits: nobody guesses it over a network
_OUR_PAGES = ("", "same-origin", "none")  # of Sec-Fetch-Site: no browser, our page, typed by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says of itself; empty where it says nothing."""

    host: str
    origin: str = ""
    fetch_site: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rule of one door. Without a key it is for loopback."""

    port: int
    names: Collection[str]  # of this machine
    key: str = ""

    def refusal(self, asked: Asked) -> str:
        """Return why it may not, in a sentence; empty when it may."""
        if not self._is_our_host(asked.host):
            return f"refused: asked for {asked.host[:80]!r}, which is not the name of this machine"
        if asked.origin and asked.origin != f"http://{asked.host}":
            return "refused: pages of other sites may not drive this instrument"
        if asked.fetch_site not in _OUR_PAGES:
            return "refused: links and pages of other sites may not drive this instrument"
        if self.key and not self.has_key(asked):
            return "refused: the key is missing or wrong; the window shows it under REMOTE"
        return ""

    def has_key(self, asked: Asked) -> bool:
        """Return whether the key is right, in a time that does not tell how far it was."""
        return hmac.compare_digest(asked.key.encode(), self.key.encode())

    def _is_our_host(self, asked: str) -> bool:
        host, _, port = asked.partition(":")
        if (port or "80") != str(self.port):
            return False
        return host.lower() in self.names or (bool(self.key) and _is_number(host))


def new_key() -> str:
    """Return a key that nobody guesses and a thumb can type."""
    return "".join(secrets.choice(KEY_LETTERS) for _ in range(KEY_LENGTH))


def _is_number(host: str) -> bool:
    """Whether the host is an IPv4 address: no DNS answer stands behind it."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
