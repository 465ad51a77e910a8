"""What a model's fast passes were found to compute, kept from load to load for the doctor.

One file in the performer's folder, one report per model, backend, card and torch; the newest stays.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.protocol import places
from engine.protocol.atomic_file import write_bytes_atomically

LEAST_COSINE = 0.995
"""Of the velocity of one pass against plain passes: below it a backend is refused."""


class LayerError(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves a layer against the plain pass: cosine, largest error over largest value."""

    cosine: float
    max_error: float


class NumericsReport(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of one pass; `layers` in order, `velocity` what the pass returns."""

    model: str
    backend: str  # products and attention, as people read it
    against: str
    card: str
    torch: str
    day: str  # ISO date
    velocity: LayerError
    layers: tuple[LayerError, ...]

    @property
    def is_good(self) -> bool:
        """Whether the backend may run."""
        return self.velocity.cosine >= LEAST_COSINE

    @property
    def worst_layer(self) -> int:
        """Number of the layer that differs most, counted from 0."""
        return min(range(len(self.layers)), key=lambda layer: self.layers[layer].cosine)

    def sentence(self) -> str:
        """Say what was found."""
        worst = self.worst_layer
        return (
            f"{self.model}, {self.backend}: cosine {self.velocity.cosine:.5f} against "
            f"{self.against} (at least {LEAST_COSINE}), worst layer {worst} "
            f"{self.layers[worst].cosine:.5f}, largest error {self.velocity.max_error:.3f}; "
            f"{self.card}, torch {self.torch}, {self.day}"
        )


def numerics_file() -> Path:
    """Return the file of all reports."""
    return places.home() / "numerics.json"


def read_reports() -> list[NumericsReport]:
    """Return all reports; none where the file is missing or not ours."""
    try:
        return msgspec.json.decode(numerics_file().read_bytes(), type=list[NumericsReport])
    except (OSError, msgspec.DecodeError):
        return []


def remember(report: NumericsReport) -> None:
    """Keep a report in place of the one before it.

    Raises:
        OSError: the file cannot be written.
    """
    others = [old for old in read_reports() if _about(old) != _about(report)]
    path = numerics_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, msgspec.json.encode([*others, report]))


def _about(report: NumericsReport) -> tuple[str, str, str, str]:
    return report.model, report.backend, report.card, report.torch
