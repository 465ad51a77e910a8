"""A cue as its form says it: texts of fields in, a cue out, or one sentence. PURE."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import ConfigError
from engine.protocol.show import Cue, FieldError, Preset
from engine.protocol.values import Cut

AS_PRESET = "as pad"
CUTS = (AS_PRESET, "hard", "soft", "values")
_CUT_OF = {AS_PRESET: None, "hard": Cut.HARD, "soft": Cut.SOFT, "values": Cut.NONE}
_FIELDS = {"chunks": "Chunks", "fade_s": "Fade", "follow_s": "Then after", "name": "Name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CueForm:
    """What the fields hold. `rows` are those that are checked of the preset's."""

    name: str
    preset: str
    cut: str = AS_PRESET
    chunks: str = ""
    fade: str = ""
    follow: str = ""
    note: str = ""
    rows: tuple[str, ...] | None = None


def form_of(cue: Cue) -> CueForm:
    """Return what the fields hold for a cue."""
    return CueForm(
        name=cue.name,
        preset=cue.preset,
        cut=next(text for text, cut in _CUT_OF.items() if cut is cue.cut),
        chunks="" if cue.chunks is None else str(cue.chunks),
        fade=f"{cue.fade_s:g}" if cue.fade_s else "",
        follow="" if cue.follow_s is None else f"{cue.follow_s:g}",
        note=cue.note,
        rows=cue.rows,
    )


def cue_of(form: CueForm, preset: Preset) -> Cue:
    """Return the cue that the fields describe; a mask of all rows of its preset is none.

    Raises:
        ConfigError: a field holds what it cannot.
    """
    everything = form.rows is not None and set(form.rows) >= set(preset.parameters)
    try:
        return Cue(
            name=form.name.strip(),
            preset=form.preset,
            cut=_CUT_OF[form.cut],
            chunks=_whole(form.chunks) if form.chunks.strip() else None,
            fade_s=_seconds("Fade", form.fade) if form.fade.strip() else 0.0,
            rows=None if everything else form.rows,
            follow_s=_seconds("Then after", form.follow) if form.follow.strip() else None,
            note=form.note.strip(),
        )
    except FieldError as error:
        field = _FIELDS.get(error.field, error.field)
        raise ConfigError(f"{field}: got {error.got!r}, expected {error.expected}") from error


def _whole(text: str) -> int:
    if not text.strip().isdecimal():
        raise ConfigError(
            f"Chunks: got {text!r}, expected a whole number, or nothing for the pad's"
        )
    return int(text)


def _seconds(field: str, text: str) -> float:
    """Return seconds of `90`, `1.5`, `1,5` or `1:30`."""
    minutes, colon, rest = text.strip().rpartition(":")
    try:
        seconds = float(rest.replace(",", ".").removesuffix("s")) + 60 * float(minutes or 0)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0 or (colon and not minutes):
        raise ConfigError(f"{field}: got {text!r}, expected seconds, or minutes like 1:30")
    return seconds
