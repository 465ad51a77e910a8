"""Modulators in a show's file: `[[modulator]]` tables. A rate is `beats` or `hz`, not both."""

from __future__ import annotations

from collections.abc import Mapping

from engine.protocol.modulators import (
    MAX_BEATS,
    MAX_HZ,
    MAX_MODULATORS,
    MODULATED,
    SHAPES,
    Modulator,
    trouble_of,
)
from engine.protocol.show_fields import Fields

MODULATOR_KEYS = ("parameter", "shape", "beats", "hz", "depth", "offset")
_PLAIN = Modulator(parameter="")


def read_modulators(fields: Fields, newer: bool) -> tuple[Modulator, ...]:
    """Return the modulators of a show; those that only a `newer` Segue knows are left alone.

    Raises:
        ShowError: one says what cannot be: file, line, field, value, expectation.
    """
    rows = fields.children("modulator")
    if len(rows) > MAX_MODULATORS and not newer:
        fields.fail("modulator", f"at most {MAX_MODULATORS} of them")
    if newer:
        rows = [row for row in rows if is_known(row.values)]
    return tuple(_read(row) for row in rows[:MAX_MODULATORS])


def is_known(row: Mapping[str, object]) -> bool:
    """Whether we can play a modulator; a newer Segue has more parameters and shapes."""
    return row.get("parameter") in MODULATED and row.get("shape", _PLAIN.shape) in SHAPES


def _read(row: Fields) -> Modulator:
    if "beats" in row.values and "hz" in row.values:
        row.fail("hz", "a rate in beats or in hz, not both")
    by_hz = "hz" in row.values
    one = Modulator(
        parameter=row.choice("parameter", MODULATED, ""),
        shape=row.choice("shape", SHAPES, _PLAIN.shape),
        beats=0.0 if by_hz else row.number("beats", 0.0, MAX_BEATS, _PLAIN.beats),
        hz=row.number("hz", 0.0, MAX_HZ, 0.0),
        depth=row.number("depth", -1.0, 1.0, _PLAIN.depth),
        offset=row.number("offset", 0.0, 1.0, 0.0),
    )
    if trouble := trouble_of(one):
        row.fail("hz" if by_hz else "beats", trouble[2])
    return one


def modulator_in_toml(one: Modulator) -> dict[str, object]:
    """Return a modulator as its table says it."""
    rate: dict[str, object] = {"beats": one.beats} if one.beats else {"hz": one.hz}
    offset = {"offset": one.offset} if one.offset else {}
    return {
        "parameter": one.parameter, "shape": one.shape, **rate, "depth": one.depth, **offset,
    }  # fmt: skip
