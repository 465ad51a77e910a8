"""What the window writes down while it is played, and what the next one offers to recover. PURE.

the last window    the show as edited     the engine                  offered
died               is in its files        is the one it had           nothing: all is as it was
died               is not in its files    is the one it had           its changes
died               either                 another, or none            its changes, the look on air
was closed         is not in its files    either                      its changes
was closed         is in its files        either                      nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import EngineState
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import Show
from engine.protocol.values import Look

_VERSION = 1


class Autosave(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the journal.

    Attributes:
        at: when, as people say it: `21:43`.
        show: as edited.
        is_saved: the show is as its files are.
        look: on air; None before the first picture.
        cue: on air.
        standby: the cue that stood by.
        engine_pid: the engine that it was played on.
    """

    version: int = _VERSION
    at: str
    show: Show
    is_saved: bool
    look: Look | None = None
    cue: str = ""
    standby: str = ""
    engine_pid: int = 0


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What can be recovered, and the sentence that offers it."""

    text: str
    saved: Autosave
    with_look: bool


def look_on_air(state: EngineState) -> Look | None:
    """Return the look on air with its seed; of a blend, the prompt that weighs most."""
    if not state.prompt_now:
        return None
    prompt = max(state.prompt_now, key=lambda part: part.weight).text
    rows = {key: state.live[key] for key in state.live if PARAMETERS[key].in_preset}
    return Look(
        prompt=prompt, parameters=rows, seed=state.seed, name=state.look_name, guides=state.guides
    )


def to_record(saved: Autosave) -> bytes:
    """Return the record as JSON in one line."""
    return msgspec.json.encode(saved, enc_hook=_plain)


def from_record(record: bytes | None) -> Autosave | None:
    """Return the record; None when it is none of ours: it is never in the way."""
    try:
        saved = msgspec.json.decode(record or b"", type=Autosave, dec_hook=_typed)
    except (msgspec.DecodeError, UnicodeDecodeError, EngineError):
        return None
    return saved if saved.version == _VERSION else None


def offer(saved: Autosave | None, *, was_closed: bool, engine_pid: int) -> Offer | None:
    """Return what to offer; `engine_pid` is that of the engine that runs now, 0 for none."""
    if saved is None:
        return None
    with_look = not was_closed and saved.look is not None and saved.engine_pid != engine_pid
    parts = []
    if not saved.is_saved:
        parts.append(f"unsaved changes of {saved.show.name}")
    if with_look and saved.look is not None:
        parts.append(f"{saved.cue or saved.look.name or 'the look'} that was on air")
    if not parts:
        return None
    text = f"Recover the set of {saved.at}? {' and '.join(parts)}"
    return Offer(text=text, saved=saved, with_look=with_look)


def _plain(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value)} has no place in a journal")


def _typed(kind: type, value: Any) -> object:
    if kind is Path:
        return Path(value)
    if kind is Mapping:
        return value
    raise NotImplementedError(f"{kind} has no place in a journal")
