"""Parameters that travel to a cue's values over seconds. PURE: time is an argument.

Only continuous rows travel; the others come with the cut. A hand on a row takes it out of its
fade, and so does a newer cue or cut that has the row. The end of a fade *is* the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.host.looks import Values, between
from engine.protocol.parameters import PARAMETERS, Applies, Kind

Fades = Mapping[str, "Fade"]


@dataclass(frozen=True, slots=True)
class Fade:
    """One row under way, from `start` at `began_s` to `target` after `length_s` > 0."""

    start: float
    target: float
    began_s: float
    length_s: float


def split(values: Values) -> tuple[dict[str, float], dict[str, float]]:
    """Return the rows that travel, and those that come with the cut."""
    travel = {k: v for k, v in values.items() if PARAMETERS[k].kind is Kind.CONTINUOUS}
    return travel, {k: v for k, v in values.items() if k not in travel}


def begun(
    fades: Fades, live: Values, target: Values, now_s: float, length_s: float, delay_s: float
) -> dict[str, Fade]:
    """Return the fades with new ones from the live values.

    Rows of playout begin `delay_s` later than those of the generator: when its picture is seen.
    """
    new = {}
    for key, value in target.items():
        late_s = delay_s if PARAMETERS[key].applies is Applies.FRAME else 0.0
        new[key] = Fade(live[key], value, now_s + late_s, length_s)
    return {**fades, **new}


def sampled(fades: Fades, now_s: float) -> tuple[dict[str, Fade], dict[str, float]]:
    """Return the fades that are still under way, and the values to set now."""
    values, under_way = {}, {}
    for key, fade in fades.items():
        share = (now_s - fade.began_s) / fade.length_s
        if share >= 0:
            values[key] = between(fade.start, fade.target, share)
        if share < 1:
            under_way[key] = fade
    return under_way, values


def without(fades: Fades, rows: Values) -> dict[str, Fade]:
    """Return the fades less those of the rows that something else moves."""
    return {key: fade for key, fade in fades.items() if key not in rows}
