"""Contact sheets: many clips by many moments in one PNG, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor


def write_sheet(
    path: Path, clips: Tensor, labels: Sequence[str], frames: Sequence[int], cell_px: int = 96
) -> None:
    """Write one row per clip, one column per chosen frame.

    Args:
        path: PNG or JPEG to write.
        clips: [B, F, 3, H, W] uint8.
        labels: B captions, drawn into the first cell of each row.
        frames: the frame indices to show.
        cell_px: size of a cell.
    """
    rows = []
    for clip, label in zip(clips, labels, strict=True):
        chosen = clip[list(frames)].float()
        cells = F.interpolate(chosen, size=(cell_px, cell_px), mode="bilinear", antialias=True)
        row = torch.cat(list(cells), -1).clamp(0, 255).round().to(torch.uint8)
        picture = np.ascontiguousarray(row.permute(1, 2, 0).cpu().numpy()[..., ::-1])
        for colour, weight in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(picture, label, (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, weight)
        rows.append(picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows, 0))
