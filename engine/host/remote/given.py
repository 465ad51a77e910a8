"""What came with an address: one value, a number, a name of several. PURE.

Each raises `RemoteProtocolError` of one sentence when it does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.errors import RemoteProtocolError
from engine.host.remote.osc_codec import Argument
from engine.protocol.parameters import Kind, Parameter


def chosen(address: str, value: Argument, names: Sequence[str], what: str) -> str:
    """Return the name that is meant, by name or by number from 1."""
    if isinstance(value, str) and value in names:
        return value
    place = int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
    if not isinstance(value, str) and 1 <= place <= len(names):
        return names[place - 1]
    known = f"a {what} by name or number, 1 to {len(names)}" if names else f"no {what}, none exist"
    raise misfit(address, [value], known)


def only(address: str, arguments: Sequence[Argument]) -> Argument:
    """Return the one value that is expected."""
    if len(arguments) != 1:
        raise misfit(address, arguments, "one value")
    return arguments[0]


def number(address: str, value: Argument, expected: str = "a number") -> float:
    """Return a number."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise misfit(address, [value], expected)


def is_on(address: str, value: Argument) -> bool:
    """Return whether a switch is meant to be on."""
    return number(address, value) >= 0.5


def words(address: str, value: Argument) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise misfit(address, [value], "a text")
    return value


def whole(address: str, text: str) -> int:
    """Return a number that is part of the address."""
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return int(text)
    raise misfit(address, [text], "a whole number")


def unknown(address: str) -> RemoteProtocolError:
    """Return what to say of an address that nobody has."""
    return RemoteProtocolError(
        f"address {address[:80]!r} does not exist, nothing was changed; docs/osc.md lists them all"
    )


def misfit(address: str, got: Sequence[Argument], expected: str) -> RemoteProtocolError:
    """Return what to say of a value that its address does not take."""
    said = ", ".join(repr(value)[:60] for value in got[:4]) or "nothing"
    return RemoteProtocolError(
        f"address {address[:80]!r}: got {said}, expected {expected}; nothing was changed"
    )


def amount(address: str, row: Parameter, value: Argument) -> float:
    """Return a value of a row, a choice by number or name."""
    if isinstance(value, str) and row.kind is Kind.CHOICE and value in row.choices:
        return float(row.choices.index(value))
    return number(address, value, f"a number from {row.low:g} to {row.high:g}{_names(row)}")


def _names(row: Parameter) -> str:
    return f" or one of {', '.join(row.choices)}" if row.choices else ""
