"""The cue list in a show's file: `[[cue]]` tables, in the order of the night."""

from __future__ import annotations

from collections.abc import Sequence

from engine.protocol.cues import MAX_FADE_S, MAX_FOLLOW_S
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import MAX_CUT_CHUNKS, Cue
from engine.protocol.show_fields import Fields
from engine.protocol.values import Cut

CUE_KEYS = ("name", "preset", "cut", "chunks", "fade_s", "rows", "follow_s", "note")
_AS_PRESET = "preset"
_CUTS = (_AS_PRESET, *Cut)


def read_cues(fields: Fields, presets: Sequence[str], newer: bool) -> tuple[Cue, ...]:
    """Return the cues of a show whose presets have these names.

    Raises:
        ShowError: a cue says what cannot be: file, line, field, value, expectation.
    """
    return tuple(_read_cue(row, presets, newer) for row in fields.children("cue"))


def _read_cue(row: Fields, presets: Sequence[str], newer: bool) -> Cue:
    preset = row.string("preset")
    if preset not in presets:
        row.fail("preset", f"one of the presets {', '.join(presets) or '(there is none)'}")
    cut = row.choice("cut", _CUTS, _AS_PRESET)
    name = row.string("name", preset)
    if not name.strip():
        row.fail("name", "a name with at least one letter")
    return Cue(
        name=name,
        preset=preset,
        cut=None if cut == _AS_PRESET else Cut(cut),
        chunks=row.integer("chunks", 1, MAX_CUT_CHUNKS, 4) if "chunks" in row.values else None,
        fade_s=row.number("fade_s", 0.0, MAX_FADE_S, 0.0),
        rows=_read_rows(row, newer) if "rows" in row.values else None,
        follow_s=_read_follow(row),
        note=row.string("note", ""),
    )


def _read_follow(row: Fields) -> float | None:
    return row.number("follow_s", 0.0, MAX_FOLLOW_S, 0.0) if "follow_s" in row.values else None


def _read_rows(row: Fields, newer: bool) -> tuple[str, ...]:
    asked = row.strings("rows")
    known = tuple(name for name in asked if name in PARAMETERS)
    if len(known) < len(asked) and not newer:  # a newer Segue may have more knobs than we do
        row.fail("rows", f"a list of the parameters {', '.join(PARAMETERS)}")
    return known


def cue_in_toml(cue: Cue) -> dict[str, object]:
    """Return a cue as its table says it: only what differs from the defaults."""
    row: dict[str, object | None] = {
        "name": cue.name if cue.name != cue.preset else None,
        "preset": cue.preset,
        "cut": cue.cut.value if cue.cut is not None else None,
        "chunks": cue.chunks,
        "fade_s": cue.fade_s or None,
        "rows": list(cue.rows) if cue.rows is not None else None,
        "follow_s": cue.follow_s,
        "note": cue.note or None,
    }
    return {key: value for key, value in row.items() if value is not None}
