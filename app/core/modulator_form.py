"""Modulators as their panel edits them. PURE."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from engine.protocol.modulators import MODULATED, SHAPES, Modulator, rate_text
from engine.protocol.parameters import parameter

_BEATS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_HZ = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
FIRST = Modulator(parameter="saturation")


@dataclass(frozen=True, slots=True)
class Rate:
    """One entry of the list of rates."""

    text: str
    beats: float
    hz: float


RATES = tuple(
    Rate(rate_text(Modulator(parameter="", beats=beats, hz=hz)), beats, hz)
    for beats, hz in (*((beats, 0.0) for beats in _BEATS), *((0.0, hz) for hz in _HZ))
)
LABELS = tuple(parameter(row).label for row in MODULATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulatorForm:
    """What a row of the panel says; `rates` has a rate of the file's own where it is no usual."""

    label: int  # place in LABELS
    shape: int  # place in SHAPES
    rates: tuple[Rate, ...]
    rate: int
    depth: str
    offset: str


def form_of(one: Modulator) -> ModulatorForm:
    """Return the row of a modulator."""
    places = [n for n, rate in enumerate(RATES) if (rate.beats, rate.hz) == _rate(one)]
    rates = RATES if places else (*RATES, Rate(rate_text(one), *_rate(one)))
    return ModulatorForm(
        label=MODULATED.index(one.parameter),
        shape=SHAPES.index(one.shape),
        rates=rates,
        rate=places[0] if places else len(RATES),
        depth=f"{one.depth * 100:g}",
        offset=f"{one.offset * 100:g}",
    )


def _rate(one: Modulator) -> tuple[float, float]:
    return (one.beats, 0.0) if one.beats else (0.0, one.hz)


def with_rate(one: Modulator, rate: Rate) -> Modulator:
    """Return the modulator at another rate."""
    return structs.replace(one, beats=rate.beats, hz=rate.hz)


def share_of(text: str, low: float, high: float) -> float | None:
    """Return a percentage as a share, clamped; None when it is no number."""
    try:
        value = float(text.replace("%", "").replace(",", ".").strip()) / 100
    except ValueError:
        return None
    return min(max(value, low), high) if value == value else None  # NaN is no number


def changed(modulators: tuple[Modulator, ...], index: int, one: Modulator) -> tuple[Modulator, ...]:
    """Return the list with another in the place of `index`."""
    return tuple(one if n == index else old for n, old in enumerate(modulators))


def without(modulators: tuple[Modulator, ...], index: int) -> tuple[Modulator, ...]:
    """Return the list less the one at `index`."""
    return tuple(old for n, old in enumerate(modulators) if n != index)
