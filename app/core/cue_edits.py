"""Changes of a show's cue list and presets: a show in, a show out. PURE."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from app.core.deck import new_preset
from engine.errors import ConfigError
from engine.protocol.messages import EngineState
from engine.protocol.show import Cue, Preset, Show


def with_cue(show: Show, preset: str, after: str = "") -> tuple[Show, Cue]:
    """Return the show with a cue that goes to `preset`, after the cue `after` or at the end."""
    taken = {cue.name for cue in show.cues}
    names = (preset if n == 1 else f"{preset} {n}" for n in count(1))
    cue = Cue(name=next(name for name in names if name not in taken), preset=preset)
    at = _index(show, after) + 1 if after in taken else len(show.cues)
    return replace(show, cues=(*show.cues[:at], cue, *show.cues[at:])), cue


def with_snapshot(show: Show, state: EngineState, after: str = "") -> tuple[Show, Preset]:
    """Return the show with the look on air as a new preset, and a cue that goes to it."""
    preset = new_preset(show, state)
    kept = replace(show, presets=(*show.presets, preset))
    return with_cue(kept, preset.name, after)[0], preset


def with_all_pads(show: Show) -> Show:
    """Return the show with a cue for each preset that has none."""
    cued = {cue.preset for cue in show.cues}
    for preset in show.presets:
        if preset.name not in cued:
            show, _ = with_cue(show, preset.name)
    return show


def without_cue(show: Show, name: str) -> Show:
    """Return the show without a cue; its preset stays."""
    _index(show, name)
    return replace(show, cues=tuple(cue for cue in show.cues if cue.name != name))


def moved(show: Show, name: str, by: int) -> Show:
    """Return the show with a cue further down (up for negative `by`); the ends hold it."""
    at = _index(show, name)
    rest = [cue for cue in show.cues if cue.name != name]
    rest.insert(min(max(at + by, 0), len(rest)), show.cues[at])
    return replace(show, cues=tuple(rest))


def with_changed(show: Show, name: str, cue: Cue) -> Show:
    """Return the show with another cue in place of the one called `name`.

    Raises:
        ConfigError: the cue or its name cannot be in this show.
    """
    at = _index(show, name)
    return replace(show, cues=(*show.cues[:at], cue, *show.cues[at + 1 :]))


def _index(show: Show, name: str) -> int:
    for index, cue in enumerate(show.cues):
        if cue.name == name:
            return index
    raise ConfigError(f"there is no cue {name!r} in {show.name!r}; it may be gone by undo")
