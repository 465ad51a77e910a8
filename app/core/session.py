"""What the window remembers between two starts, and what becomes of the engine when it goes. PURE.

engine was started by   somebody receives or records   closing the window
a window                no                             stops the engine
a window                yes                            leaves it; the next start says so
somebody else           either                         leaves it
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from app.core.hud import num_receivers
from engine.protocol.messages import EngineState
from engine.protocol.show import Binding, ControlKind, Show

_VERSION = 1


class BindingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A binding as the journal keeps it."""

    kind: ControlKind
    channel: int
    number: int
    target: str
    port: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The journal: enough to come back after a crash as if nothing had been."""

    version: int = _VERSION
    show: str = ""  # folder
    bindings: tuple[BindingRecord, ...] | None = None  # only while they are not in the show's file
    engine_pid: int = 0  # the engine that a window started
    left_running: str = ""  # why the engine was left running at the last close
    geometry: str = ""  # of the window, base64
    tour_seen: bool = False  # to its end, or sent away
    closed: bool = True  # False while a window is open: a crash leaves it so
    window_pid: int = 0  # that window, and when its process began, in seconds since 1970
    window_began_s: float = 0.0


class Leaving(StrEnum):
    """What happens to the engine when the window closes."""

    STOP = "stop"
    GO_ON = "go on"


def to_text(session: Session) -> str:
    """Return the journal as JSON."""
    return msgspec.json.format(msgspec.json.encode(session), indent=1).decode() + "\n"


def from_text(text: str) -> Session:
    """Return the journal, or an empty one when the text is none of ours: it is never in the way."""
    try:
        session = msgspec.json.decode(text.encode(), type=Session)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return Session()
    return session if session.version == _VERSION else Session()


def record(bindings: tuple[Binding, ...]) -> tuple[BindingRecord, ...]:
    """Return bindings as the journal keeps them."""
    return tuple(
        BindingRecord(kind=b.kind, channel=b.channel, number=b.number, target=b.target, port=b.port)
        for b in bindings
    )


def recovered_bindings(session: Session, show: Show) -> tuple[Binding, ...]:
    """Return the bindings of the journal if they are newer than the show's file."""
    if session.bindings is None or session.show != str(show.folder or ""):
        return show.bindings
    return tuple(
        Binding(kind=r.kind, channel=r.channel, number=r.number, target=r.target, port=r.port)
        for r in session.bindings
    )


def audience(state: EngineState) -> str:
    """Return who would miss the picture, in words; empty when nobody would."""
    receivers = num_receivers(state)
    watching = f"{receivers} receiver{'s' * (receivers > 1)}" if receivers else ""
    recording = "a recording" if state.recording else ""
    return " and ".join(part for part in (watching, recording) if part)


def leaving(state: EngineState | None, session: Session) -> tuple[Leaving, str]:
    """Return what to do with the engine when the window closes, and why it goes on."""
    if state is None:
        return Leaving.GO_ON, ""
    if audience(state):
        return Leaving.GO_ON, audience(state)
    if state.pid != session.engine_pid:
        return Leaving.GO_ON, ""
    return Leaving.STOP, ""
