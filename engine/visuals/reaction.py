"""How a picture reacts to a control map: full colours where the map is 1, dimmed where it is 0."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.visuals.looks import Painting, colourise

OUTSIDE_LIGHT = 0.34
"""How much of the picture's light remains outside a control map: alive, but behind the figure."""
INSIDE_FLOOR = 0.78
"""The least value inside; the family's light moves the rest, so that texture stays."""

_ROLL_OFF = 0.45
_TINY = 1e-3


@dataclass(frozen=True, slots=True)
class Inside:
    """What a map reveals, before its colours are brought to full value."""

    hue: Tensor  # [B, F, 3, H, W], of any brightness
    value: Tensor  # [B, F, H, W] in 0 to 1

    @staticmethod
    def of(painting: Painting) -> "Inside":
        """Take the palette backwards, so that a figure stands out by its colour, too."""
        stops = full_value(painting.palette, 2)
        backwards = 1 - 0.85 * painting.shade
        hue = colourise(backwards, torch.ones_like(painting.shade), stops)
        return Inside(hue, INSIDE_FLOOR + (1 - INSIDE_FLOOR) * painting.light.clamp(max=1))

    def lead_to(self, rows: list[int], other: "Inside", share: Tensor) -> None:
        """Mix `other` into the clips `rows` by `share` [B, F, 1, H, W], in place."""
        self.hue[rows] = self.hue[rows].lerp(other.hue, share)
        self.value[rows] = self.value[rows].lerp(other.value, share.squeeze(2))

    def rgb(self) -> Tensor:
        """Return the colours [B, F, 3, H, W], their largest channel being the value."""
        return full_value(self.hue, 2) * self.value.unsqueeze(2)


def full_value(rgb: Tensor, dim: int) -> Tensor:
    """Scale colours so that the largest channel is 1; black becomes white."""
    return (rgb + _TINY) / (rgb.amax(dim, keepdim=True) + _TINY)


def react(picture: Tensor, inside: Inside, maps: Tensor) -> Tensor:
    """Return the picture under a control map.

    Args:
        picture: [B, F, 3, H, W] in 0 to 1, as it is without control.
        inside: the same clips as the map reveals them.
        maps: [B, F, H, W] in 0 to 1.
    """
    return outside(picture).lerp(inside.rgb(), maps.unsqueeze(2))


def outside(picture: Tensor) -> Tensor:
    """Return the picture dimmed, its highlights more than its middle tones.

    Sparks would otherwise compete with the figure; hues, and so the life of the picture, stay.
    """
    light = picture.amax(2, keepdim=True)
    return picture * (OUTSIDE_LIGHT * (1 + _ROLL_OFF / 2 - _ROLL_OFF * light))
