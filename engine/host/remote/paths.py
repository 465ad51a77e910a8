"""The path and body of an HTTP request → an address and what comes with it. PURE.

A value is the last part of the path, or the body: `/dimmer/0.5`, or `/dimmer` with `0.5`. Without
one, an address of a value asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.host.remote.facts import HELP
from engine.host.remote.osc_codec import Argument
from engine.host.remote.phrases import ASK, VALUES, is_below
from engine.host.remote.preview_phrases import PREVIEW_VALUES
from engine.protocol.parameters import PARAMETERS

_CHOSEN = ("standby", "preset")  # by number they are presses
_BELOW_A_ROW = ("norm", "step", "queued")


def phrase(parts: Sequence[str], body: str, *, asks: bool) -> tuple[str, tuple[Argument, ...]]:
    """Return the address and the arguments; `asks` says that nothing shall be done."""
    address = "/" + "/".join(parts)
    if asks:
        return address, (ASK,)
    if body:
        return address, (argument(body),)
    if not parts or address in HELP or not _has_value(parts):
        return address, ((ASK,) if _is_value(parts) else ())
    return "/" + "/".join(parts[:-1]), (argument(parts[-1]),)


def _is_value(parts: Sequence[str]) -> bool:
    """Whether the address is one of a value, so that it asks when it brings none."""
    address = "/" + "/".join(parts)
    is_row = bool({*parts[:1], *_prepared(parts)} & PARAMETERS.keys())
    return not parts or is_row or any(is_below(one, address) for one in HELP)


def _has_value(parts: Sequence[str]) -> bool:
    """Whether the last part is what the address before it takes."""
    head, *rest = parts
    if head in PARAMETERS:
        return bool(rest) and rest[-1] not in _BELOW_A_ROW
    is_press = head in _CHOSEN and len(rest) == 1 and rest[0].isdecimal()  # /preset/3
    if _prepared(parts[:-1]) and parts[-2] in PARAMETERS:
        return True
    return "/" + "/".join(parts[:-1]) in {**VALUES, **PREVIEW_VALUES} and not is_press


def _prepared(parts: Sequence[str]) -> tuple[str, ...]:
    """Return what of the preview an address of two parts is about."""
    return (parts[1],) if len(parts) == 2 and parts[0] == "preview" else ()


def argument(text: str) -> Argument:
    """Return a number where the text is one, else the text."""
    if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 16:
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text
