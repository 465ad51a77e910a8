"""The window through which a picture is drawn."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Canvas:
    """A window of `width` x `height` px at (top, left) of a square of `full` px.

    Pixels are square in every window, so a wide picture shows the middle of the square. With
    `stride` every stride-th pixel is drawn.
    """

    full: int = 256
    width: int = 256
    height: int = 256
    top: int = 0
    left: int = 0
    stride: int = 1

    @staticmethod
    def of(width: int, height: int, stride: int = 1) -> "Canvas":
        """Return the middle of the smallest square that holds `width` x `height` px."""
        full = max(width, height)
        return Canvas(full, width, height, (full - height) // 2, (full - width) // 2, stride)

    def axes(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return u [1, 1, 1, W] and v [1, 1, H, 1] of the pixel centres, -1 to 1 over `full`."""
        line = (torch.arange(self.full, device=device) + 0.5) / self.full * 2 - 1
        offset = self.stride // 2
        columns = line[self.left + offset : self.left + self.width : self.stride]
        rows = line[self.top + offset : self.top + self.height : self.stride]
        return columns.view(1, 1, 1, -1), rows.view(1, 1, -1, 1)
