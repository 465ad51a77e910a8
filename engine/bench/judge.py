"""The judge of the bench: what does a picture show? Families by form, colours by palette.

Both halves have seen the renderer's pictures alone: a network reads the family
(`engine.bench.classifier`), and the colours are those of the palette that explains the pixels best
(`engine.bench.palette_reader`). What the judge says of the renderer's own clips is its ceiling,
and the bench always prints both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.bench.classifier import (
    WEIGHTS_PATH,
    Agreement,
    PictureClassifier,
    Reading,
    load_classifier,
)
from engine.bench.palette_reader import Painted, PaletteReader, load_palettes
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge sees in each chunk of a clip."""

    reading: Reading
    painted: Painted

    def after_first(self) -> Verdict:
        """Leave out the first chunk, in which a picture without a past is still forming."""
        return Verdict(self.reading.after_first(), self.painted.after_first())

    def first(self) -> Verdict:
        """Return the first chunk alone."""
        return Verdict(self.reading.first(), self.painted.first())

    def agreement(self, family: int, colours: Sequence[int]) -> Agreement:
        """Compare with a caption: an index into `FAMILIES`, and at least one into `COLOURS`."""
        return Agreement(
            family=float(self.reading.family() == family),
            colour=self.painted.agreement(colours),
        )

    def words(self, num_colours: int) -> tuple[str, ...]:
        """Return the family and the colours, darkest first, that the picture is read as."""
        names = list(COLOURS)
        colours = self.painted.colours(num_colours)
        return (FAMILIES[self.reading.family()], *(names[colour] for colour in colours))


@dataclass(frozen=True, slots=True)
class Judge:
    """Reads pictures."""

    classifier: PictureClassifier
    palettes: PaletteReader

    def read(self, frames: Tensor) -> Verdict:
        """Read frames [F, 3, H, W] uint8 that begin with a chunk; F is a multiple of 12.

        Raises:
            ValueError: F is not.
        """
        return Verdict(self.classifier.read(frames), self.palettes.see(frames))


def load_judge(device: torch.device, classifier: Path = WEIGHTS_PATH) -> Judge:
    """Load both halves; the network runs on `device`.

    Raises:
        WeightsError: a file is missing, truncated or of another vocabulary.
    """
    return Judge(load_classifier(device, classifier), load_palettes())
