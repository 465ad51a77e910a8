"""Which colours was a picture painted with? Read by painting: every palette is tried.

The renderer maps shade through a palette and dims it by light (`engine.visuals.looks`). How often
which shade comes with which light was counted over its own paintings (`training/shades.py`), so
each palette of n colours foretells how a picture's pixels are spread over RGB, and the palette
under which the pixels are likeliest is read. Nothing else was fitted, and no picture of the model
was seen. A colour that is dimmed (brown, orange in the dark) or that a named colour's own tint
resembles (white beside pink) is told apart by everything else that the same palette must show.

    palettes = load_palettes()
    palettes.see(frames).colours(2)      # indices into COLOURS, darkest stop first
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.bench.classifier import as_clips
from engine.errors import WeightsError
from engine.visuals.looks import colourise, stops_of
from engine.worker.models.house.vocabulary import COLOURS

SPREAD_PATH: Final = Path(__file__).parent / "weights" / "shades.safetensors"
SPREAD_KEY: Final = "spread"
NUM_SHADES: Final = 48
NUM_LIGHTS: Final = 16
MOST_LIGHT: Final = 1.15

_LEVELS = 16  # of each channel
_FRAME_STRIDE = 6
_PIXEL_STRIDE = 2
_UNEXPLAINED = 1e-4  # share of pixels that may have any colour: noise, blur between shapes
_RARE = 1e-6  # shades and lights rarer than this are left out


@dataclass(frozen=True, slots=True)
class Painted:
    """How the pixels of each chunk of a clip are spread over 16 x 16 x 16 colours."""

    spread: Tensor  # [N, 4096], each row sums to 1
    palettes: PaletteReader

    def after_first(self) -> Painted:
        """Leave out the first chunk, in which a picture without a past is still forming."""
        return Painted(self.spread[1:], self.palettes)

    def first(self) -> Painted:
        """Return the first chunk alone."""
        return Painted(self.spread[:1], self.palettes)

    def colours(self, count: int) -> tuple[int, ...]:
        """Return the palette of `count` colours that explains all chunks together best."""
        return self.palettes.likeliest(self.spread.mean(0), count)

    def agreement(self, colours: Sequence[int]) -> float:
        """Return which share of a caption's colours is in the palette of as many that is read."""
        return len(set(self.colours(len(colours))) & set(colours)) / len(colours)


class PaletteReader:
    """All palettes, and what each foretells; those of n colours are painted when first needed."""

    def __init__(self, spread: Tensor) -> None:
        """Take how often each shade comes with each light, [48, 16], summing to 1."""
        self._spread = spread
        self._foretold: dict[int, Tensor] = {}

    def see(self, frames: Tensor) -> Painted:
        """Look at frames [F, 3, H, W] uint8 that begin with a chunk; F is a multiple of 12.

        Raises:
            ValueError: F is not.
        """
        few = as_clips(frames)[:, ::_FRAME_STRIDE, :, ::_PIXEL_STRIDE, ::_PIXEL_STRIDE].cpu()
        return Painted(torch.stack([_counted(clip) for clip in few]), self)

    def likeliest(self, spread: Tensor, count: int) -> tuple[int, ...]:
        """Return the palette of `count` colours under which pixels spread like this [4096]."""
        if count not in self._foretold:
            self._foretold[count] = _log_foretold(self._spread, count)
        best = int((self._foretold[count] @ spread).argmax())
        return palettes_of(count)[best]


@cache
def palettes_of(count: int) -> tuple[tuple[int, ...], ...]:
    """Return every palette of `count` named colours, as indices into `COLOURS`."""
    return tuple(permutations(range(len(COLOURS)), count))


def _counted(clip: Tensor) -> Tensor:
    """Return how the pixels of a clip [F, 3, H, W] uint8 are spread, [4096]."""
    levels = clip.long() * _LEVELS // 256
    bins = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
    counts = torch.bincount(bins.flatten(), minlength=_LEVELS**3).float()
    return counts / counts.sum()


def _log_foretold(spread: Tensor, count: int) -> Tensor:
    """Return the logarithm of how each palette of `count` colours spreads pixels, [P, 4096]."""
    names = list(COLOURS)
    stops = torch.stack([stops_of([names[i] for i in one]) for one in palettes_of(count)])
    shade = (torch.arange(NUM_SHADES) + 0.5) / NUM_SHADES
    light = (torch.arange(NUM_LIGHTS) + 0.5) / NUM_LIGHTS * MOST_LIGHT
    kept = spread > _RARE
    # [K], then as pictures of one row: [1, 1, 1, K]
    shades, lights = (
        grid[kept].view(1, 1, 1, -1) for grid in torch.meshgrid(shade, light, indexing="ij")
    )
    rgb = colourise(shades, lights, stops)
    foretold = _splatted(rgb[:, 0, :, 0].movedim(1, -1), spread[kept] / spread[kept].sum())
    return torch.log((1 - _UNEXPLAINED) * foretold + _UNEXPLAINED / _LEVELS**3)


def _splatted(rgb: Tensor, weight: Tensor) -> Tensor:
    """Share K colours [P, K, 3] with weights [K] among the eight bins around each: [P, 4096]."""
    place = rgb * _LEVELS - 0.5
    low = place.floor()
    above = place - low
    result = rgb.new_zeros(len(rgb), _LEVELS**3)
    for corner in range(8):
        part, index = weight.expand(len(rgb), -1), torch.zeros_like(low[..., 0], dtype=torch.long)
        for axis in range(3):
            up = corner >> axis & 1
            part = part * (above[..., axis] if up else 1 - above[..., axis])
            index = index * _LEVELS + (low[..., axis].long() + up).clamp(0, _LEVELS - 1)
        result.scatter_add_(1, index, part)
    return result


def load_palettes(path: Path = SPREAD_PATH) -> PaletteReader:
    """Load what was counted over the renderer's paintings.

    Raises:
        WeightsError: the file is missing, truncated or of another shape.
    """
    advice = "make it with `python -m training.shades`, or restore the file from its release"
    if not path.is_file():
        raise WeightsError(f"palettes: {path} is missing; {advice}")
    try:
        spread = load_file(path)[SPREAD_KEY]
    except (SafetensorError, OSError, KeyError) as error:
        raise WeightsError(f"palettes: {path} cannot be read ({error}); {advice}") from error
    if spread.shape != (NUM_SHADES, NUM_LIGHTS):
        raise WeightsError(
            f"palettes: {path} counts {tuple(spread.shape)} shades and lights, expected "
            f"{(NUM_SHADES, NUM_LIGHTS)}; {advice}"
        )
    return PaletteReader(spread.float())
