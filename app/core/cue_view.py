"""The cue list as the window draws it. PURE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from engine.protocol.cues import CueState
from engine.protocol.show import Cue, Show
from engine.protocol.values import Cut


class CueLight(StrEnum):
    """How a cue is lit."""

    IDLE = "idle"
    STANDBY = "standby"
    QUEUED = "queued"  # blinks: lands at the next boundary
    ON_AIR = "on air"


@dataclass(frozen=True, slots=True, kw_only=True)
class CueView:
    """One cue."""

    number: int
    name: str
    how: str  # its cut, fade and follow-on in a few words
    note: str
    colour: str  # of its preset
    light: CueLight


def cue_views(show: Show, state: CueState) -> tuple[CueView, ...]:
    """Return the cues of the show in order, lit as the engine says."""
    return tuple(
        CueView(
            number=number,
            name=cue.name,
            how=how_text(cue, show),
            note=cue.note,
            colour=show.preset(cue.preset).colour,
            light=_light(cue.name, state),
        )
        for number, cue in enumerate(show.cues, start=1)
    )


def lit(views: tuple[CueView, ...], state: CueState) -> tuple[CueView, ...]:
    """Return the same cues, lit as the engine says now; those that stay are the same objects."""
    lights = [_light(view.name, state) for view in views]
    return tuple(
        view if view.light is light else replace(view, light=light)
        for view, light in zip(views, lights, strict=True)
    )


def _light(name: str, state: CueState) -> CueLight:
    if name == state.queued:
        return CueLight.QUEUED
    if name == state.on_air:
        return CueLight.ON_AIR
    return CueLight.STANDBY if name == state.standby else CueLight.IDLE


def how_text(cue: Cue, show: Show) -> str:
    """Return `soft 4 · fade 2 s · → 0:20`: how it comes and how long it stays by itself."""
    spec = cue.spec(show.preset(cue.preset))
    cut = {Cut.HARD: "hard", Cut.SOFT: f"soft {spec.num_chunks}", Cut.NONE: "values"}[spec.cut]
    fade = f"fade {spec.fade_s:g} s" if spec.fade_s else ""
    mask = f"{len(cue.rows)} row{'s' * (len(cue.rows) != 1)}" if cue.rows is not None else ""
    follow = f"→ {time_text(cue.follow_s)}" if cue.follow_s is not None else ""
    return " · ".join(part for part in (cut, fade, mask, follow) if part)


def time_text(seconds: float) -> str:
    """Return `0:07` or, below ten seconds, `7.5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def countdown_text(state: CueState) -> str:
    """Return what GO's line says: the countdown, or what waits for a hand; empty without cues."""
    if not state.names:
        return ""
    if state.moves_in_s is not None:
        return f"moves in {state.moves_in_s:.1f} s"
    if not state.standby:
        return "end of the list"
    if state.follow_in_s is None:
        return "waits for GO"
    held = " · held" if state.is_held else ""
    return f"goes in {state.follow_in_s:.0f} s{held}"


def neighbour(state: CueState, by: int) -> str:
    """Return the cue `by` steps from the one that stands by, kept within the list; empty: none."""
    if not state.names:
        return ""
    at = state.names.index(state.standby) if state.standby in state.names else len(state.names)
    return state.names[min(max(at + by, 0), len(state.names) - 1)]
