"""Which cue is on air, which waits for its boundary, which stands by. PURE: time is an argument.

                | nothing queued                  | cue q is queued
    ------------+---------------------------------+-------------------------------------------
    go          | standby s is queued, the cue    | the same: s replaces q, as a cut replaces
                | after s stands by               | a cut that waits
    went_back   | the cue before the one on air   | q is taken back; what stood by before it
                | is queued, the one on air       | was fired stands by again
                | stands by                       |
    stood_by c  | c stands by                     | c stands by
    withdrawn   | nothing                         | as `went_back`: q was cancelled, or a cut
                |                                 | by hand replaced it before its boundary
    crossed     | a cut by hand landed: no cue is | q is on air; its follow-on counts
                | on air, no follow-on counts     |
    overtaken   | the same                        | the same, and q waits on: it has no cut, its
                |                                 | rows wait for the beat
    ticked      | the countdown runs; at 0 it is  | nothing counts: a follow-on counts only
                | due, once                       | from a cue that is on air

`crossed` is told of a boundary that took a waiting cut, and of nothing else; `overtaken` of one
that took a cut by hand while a cue without a cut waits for the beat. Both ends of a follow-on are
boundaries, so a cue is *seen* for its follow-on time, rounded up to a chunk.

Panic: while the picture is frozen or black the countdown stands still, so that a show does not
run away behind it. GO works all the same.

Going back to a cue that only moves parameters brings back the picture that it was seen on.

Double GO: what fires within `BOUNCE_S` of the last firing, a follow-on's included, is refused;
a pedal bounces, and a hand meets a follow-on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from msgspec import structs

from engine.errors import ConfigError, LocalProtocolError
from engine.host.looks import clean_look
from engine.protocol.cues import MAX_CUES, MAX_FADE_S, MAX_FOLLOW_S, CueSpec, CueState
from engine.protocol.values import Cut

BOUNCE_S = 0.25
MAX_CHUNKS = 1000
_NEVER_S = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class CueList:
    """Replaced, never changed. Names are empty for none.

    Attributes:
        name: of the list, for people.
        cues: in the order of the show; names are unique.
        on_air: whose look is on air.
        queued: fired, waits for its boundary.
        standby: what `go` fires.
        stood: what stood by when the queued cue was fired.
        left_s: to the follow-on at `at_s`; None when none counts.
        at_s: monotonic time up to which the countdown is counted.
        is_held: the performer stopped the countdown.
        fired_s: when a cue was fired last.
    """

    name: str = ""
    cues: tuple[CueSpec, ...] = ()
    on_air: str = ""
    queued: str = ""
    standby: str = ""
    stood: str = ""
    left_s: float | None = None
    at_s: float = 0.0
    is_held: bool = False
    fired_s: float = _NEVER_S


def loaded(before: CueList, name: str, cues: tuple[CueSpec, ...]) -> CueList:
    """Return the list with other cues; those of the same name keep their place in the show.

    A countdown goes on unless its cue is gone or has another follow-on time, which begins anew.

    Raises:
        ConfigError: a cue says what cannot be; the list is as it was.
    """
    clean = tuple(_clean(cue) for cue in cues)
    names = [cue.name for cue in clean]
    _check_names(names)
    after = replace(before, name=name, cues=clean)
    on_air, queued, stood = (
        one if one in names else "" for one in (before.on_air, before.queued, before.stood)
    )
    standby = before.standby if before.standby in names else _after(after, queued or on_air)
    left_s = before.left_s if on_air else None
    if on_air and cue_of(after, on_air).follow_s != cue_of(before, on_air).follow_s:
        left_s = cue_of(after, on_air).follow_s
    return replace(after, on_air=on_air, queued=queued, stood=stood, standby=standby, left_s=left_s)


def opened(name: str, cues: tuple[CueSpec, ...]) -> CueList:
    """Return the list of a show that opens with its first cue: queued for the first chunk.

    Raises:
        ConfigError: a cue says what cannot be.
    """
    fresh = loaded(CueList(), name, cues)
    first = fresh.standby
    return replace(fresh, queued=first, stood=first, standby=_after(fresh, first) if first else "")


def go(cues: CueList, now_s: float) -> tuple[CueList, CueSpec]:
    """Fire the cue that stands by; returns what to cut to.

    Raises:
        LocalProtocolError: none stands by, or the last firing was a moment ago; nothing changed.
    """
    if not cues.cues:
        raise LocalProtocolError("GO refused: the show has no cues; make one of a preset first")
    if not cues.standby:
        raise LocalProtocolError(
            "GO refused: the cue list is at its end; choose a cue to stand by, or go BACK"
        )
    if now_s - cues.fired_s < BOUNCE_S:
        raise LocalProtocolError(
            f"GO refused: it came {now_s - cues.fired_s:.2f} s after the one before it, "
            f"which within {BOUNCE_S:g} s is taken for the same; press again"
        )
    return _fired(cues, cues.standby, _after(cues, cues.standby), now_s)


def went_back(cues: CueList, now_s: float) -> tuple[CueList, CueSpec | None]:
    """Go back: returns the cue to cut to, or None when a queued one is merely taken back.

    Raises:
        LocalProtocolError: there is nothing before; nothing changed.
    """
    if cues.queued:
        return withdrawn(cues), None
    target = _before(cues, cues.on_air or cues.standby)
    if not target:
        raise LocalProtocolError(
            "BACK refused: no cue comes before; choose a cue to stand by and GO"
        )
    after, cue = _fired(cues, target, _after(cues, target), now_s)
    return after, _with_its_picture(after, cue)


def stood_by(cues: CueList, name: str) -> CueList:
    """Let a cue stand by.

    Raises:
        ConfigError: there is no such cue; nothing changed.
    """
    return replace(cues, standby=cue_of(cues, name).name)


def withdrawn(cues: CueList) -> CueList:
    """Note that the queued cue, if any, will not land."""
    if not cues.queued:
        return cues
    return replace(cues, queued="", standby=cues.stood, stood="")


def crossed(cues: CueList, now_s: float) -> CueList:
    """Note that a boundary took the cut that waited: the queued cue's, else one by hand."""
    if not cues.queued:
        return overtaken(cues)
    landed = cue_of(cues, cues.queued)
    return replace(
        cues, on_air=landed.name, queued="", stood="", left_s=landed.follow_s, at_s=now_s
    )


def overtaken(cues: CueList) -> CueList:
    """Note that a cut by hand landed: the cue on air has left; what is queued waits on."""
    return replace(cues, on_air="", left_s=None)


def held(cues: CueList, is_held: bool) -> CueList:
    """Stop the countdown, or let it go on."""
    return replace(cues, is_held=is_held)


def ticked(cues: CueList, now_s: float, is_panic: bool) -> tuple[CueList, bool]:
    """Count down to `now_s`; returns whether the follow-on is due. It is due once."""
    if cues.left_s is None:
        return cues, False
    if not cues.standby:
        return replace(cues, left_s=None), False
    if cues.queued or cues.is_held or is_panic:
        return replace(cues, at_s=now_s), False
    left_s = max(0.0, cues.left_s - max(0.0, now_s - cues.at_s))
    if left_s > 0 or now_s - cues.fired_s < BOUNCE_S:
        return replace(cues, left_s=left_s, at_s=now_s), False
    return replace(cues, left_s=None, at_s=now_s), True


def state_of(cues: CueList) -> CueState:
    """Return what the window shows."""
    return CueState(
        list_name=cues.name,
        names=tuple(cue.name for cue in cues.cues),
        on_air=cues.on_air,
        queued=cues.queued,
        standby=cues.standby,
        follow_in_s=cues.left_s,
        is_held=cues.is_held,
    )


def cue_of(cues: CueList, name: str) -> CueSpec:
    """Return the cue called `name`.

    Raises:
        ConfigError: there is none.
    """
    for cue in cues.cues:
        if cue.name == name:
            return cue
    known = ", ".join(cue.name for cue in cues.cues) or "none"
    raise ConfigError(f"there is no cue {name!r}; the list has: {known}")


def _fired(cues: CueList, name: str, standby: str, now_s: float) -> tuple[CueList, CueSpec]:
    stood = cues.stood if cues.queued else cues.standby
    after = replace(cues, queued=name, standby=standby, stood=stood, fired_s=now_s)
    return after, cue_of(cues, name)


def _with_its_picture(cues: CueList, cue: CueSpec) -> CueSpec:
    """Return a cue that only moves parameters with the picture that it was seen on."""
    reached = cues.cues[: cues.cues.index(cue) + 1]
    cutting = [index for index, one in enumerate(reached) if one.cut is not Cut.NONE]
    if not cutting or cue.cut is not Cut.NONE:
        return cue
    picture = reached[cutting[-1]]
    rows: dict[str, float] = {}
    for moved in reached[cutting[-1] :]:
        rows |= moved.look.parameters
    look = structs.replace(picture.look, parameters=rows)
    return structs.replace(
        cue, look=look, cut=picture.cut, num_chunks=picture.num_chunks, fade_s=0.0
    )


def _after(cues: CueList, name: str) -> str:
    """Return the name of the cue after `name`; the first after none; empty after the last."""
    names = [cue.name for cue in cues.cues]
    index = names.index(name) + 1 if name in names else 0
    return names[index] if index < len(names) else ""


def _before(cues: CueList, name: str) -> str:
    """Return the name of the cue before `name`; the last before none; empty before the first."""
    names = [cue.name for cue in cues.cues]
    index = names.index(name) if name in names else len(names)
    return names[index - 1] if index > 0 else ""


def _check_names(names: list[str]) -> None:
    if len(names) > MAX_CUES:
        raise ConfigError(f"cue list refused: got {len(names)} cues, at most {MAX_CUES} are played")
    twice = sorted({name for name in names if names.count(name) > 1 or not name.strip()})
    if twice:
        raise ConfigError(f"cue list refused: got {twice}, expected every name once and not empty")


def _clean(cue: CueSpec) -> CueSpec:
    """Return the cue with a clean look."""
    limits = (
        ("num_chunks", cue.num_chunks, 1, MAX_CHUNKS),
        ("fade_s", cue.fade_s, 0, MAX_FADE_S),
        ("follow_s", cue.follow_s, 0, MAX_FOLLOW_S),
    )
    for what, value, low, high in limits:
        if value is not None and not low <= value <= high:
            raise ConfigError(
                f"cue {cue.name!r} refused: {what} is {value:g}, expected {low} to {high:g}"
            )
    return structs.replace(cue, look=clean_look(cue.look))
