"""Contact sheets of the proof: JPEG files small enough to lie beside a document.

Rows have a name; cells are square and show a whole frame, wide ones letterboxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

Picture = npt.NDArray[np.uint8]

MAX_BYTES: Final = 400_000
CELL_PX: Final = 112

_QUALITIES = (88, 80, 72, 64, 56)
_SHRINK = 0.88
_NAME_PX = 14


@dataclass(frozen=True, slots=True)
class Row:
    """Cells [n, 3, c, c] uint8 RGB from left to right; `other` names those from `other_from` on."""

    name: str
    cells: Tensor
    other: str = ""
    other_from: int = 0


def cells_of(frames: Tensor, moments: Sequence[int], cell_px: int = CELL_PX) -> Tensor:
    """Return frames [F, 3, H, W] at `moments` as cells [n, 3, c, c] on the CPU."""
    chosen = frames[list(moments)].float()
    height, width = chosen.shape[-2:]
    scale = cell_px / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = F.interpolate(chosen, size=size, mode="bilinear", antialias=True)
    small = small.clamp(0, 255).round().to(torch.uint8).cpu()
    top, left = (cell_px - size[0]) // 2, (cell_px - size[1]) // 2
    cells = torch.zeros(len(small), 3, cell_px, cell_px, dtype=torch.uint8)
    cells[:, :, top : top + size[0], left : left + size[1]] = small
    return cells


def grey_cells(maps: Tensor, moments: Sequence[int], cell_px: int = CELL_PX) -> Tensor:
    """Return control maps [F, h, w] in 0 to 1 at `moments` as cells."""
    grey = (maps * 255).round().clamp(0, 255).to(torch.uint8)
    return cells_of(grey.unsqueeze(1).expand(-1, 3, -1, -1), moments, cell_px)


def evenly(num_frames: int, count: int) -> list[int]:
    """Return `count` moments from the first to the last frame."""
    return [round(i * (num_frames - 1) / max(count - 1, 1)) for i in range(count)]


def sheet(rows: Sequence[Row]) -> Picture:
    """Return one BGR picture; short rows are filled up with black.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("a sheet needs at least one row")
    widest = max(len(row.cells) for row in rows)
    return np.concatenate([_row_picture(row, widest) for row in rows])


def _row_picture(row: Row, num_cells: int) -> Picture:
    missing = num_cells - len(row.cells)
    cells = F.pad(row.cells, (0, 0, 0, 0, 0, 0, 0, missing))
    # [n, 3, c, c] RGB to [c, n * c, 3] BGR
    line = cells.flip(1).permute(2, 0, 3, 1).flatten(1, 2).numpy()
    picture: Picture = np.ascontiguousarray(line)
    _write_name(picture, row.name, 0)
    if row.other:
        _write_name(picture, row.other, row.other_from * picture.shape[0])
    return picture


def _write_name(picture: Picture, name: str, left: int) -> None:
    """Write white on a dark strip: outlines are as wide as other letters in some fonts."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.4
    (width, _), _ = cv2.getTextSize(name, font, scale, 1)
    strip = picture[: _NAME_PX + 4, left : left + width + 8]
    strip //= 4
    cv2.putText(
        picture, name, (left + 4, _NAME_PX), font, scale, (255, 255, 255), 1, cv2.LINE_AA
    )  # fmt: skip


def write_sheet(path: Path, rows: Sequence[Row], max_bytes: int = MAX_BYTES) -> int:
    """Write a JPEG of at most `max_bytes`: first at less quality, then smaller; returns its size.

    Raises:
        OSError: the file cannot be written.
    """
    picture = sheet(rows)
    while True:
        for quality in _QUALITIES:
            encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            if len(encoded) <= max_bytes:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encoded.tobytes())
                return len(encoded)
        height, width = picture.shape[:2]
        smaller = (max(1, int(width * _SHRINK)), max(1, int(height * _SHRINK)))
        picture = np.asarray(cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA), np.uint8)
