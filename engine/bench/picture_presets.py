"""The presets of a show: one line a preset and a contact sheet, one row a preset.

Seams are the mean frame difference at chunk edges, and at the other latent edges, as a ratio to
that inside latent frames: 1 is seamless.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor

from engine.bench.picture_measures import measured
from engine.bench.picture_play import open_loop, rgb
from engine.bench.picture_sheets import Row, cells_of, evenly, sheet
from engine.errors import ConfigError
from engine.host.score import open_score
from engine.protocol.show_file import load_show
from engine.protocol.values import Look, ModelChoice

_MOMENTS = 8
_CELL_PX = 128
_SHOW_SEED = 1


@dataclass(frozen=True, slots=True)
class PresetNumbers:
    """What a preset looks like; all but the seams in 0 to 1.

    `chunk_seam` and `latent_seam` are ratios to the motion inside latent frames, `seam_ratio` is
    the one to the other.
    """

    name: str
    motion: float
    contrast: float
    saturation: float
    chunk_seam: float
    latent_seam: float
    seam_ratio: float

    def line(self) -> str:
        """Return the numbers as one line of text."""
        return (
            f"{self.name:24} motion {self.motion:.3f}  contrast {self.contrast:.3f}  "
            f"saturation {self.saturation:.3f}  seam: chunk {self.chunk_seam:.2f}, "
            f"latent {self.latent_seam:.2f}, ratio {self.seam_ratio:.2f}"
        )


def preset_numbers(name: str, frames: Tensor, frames_per_chunk: int) -> PresetNumbers:
    """Measure frames [F, 3, H, W] uint8 that begin with a chunk.

    Raises:
        ValueError: there are fewer than two chunks.
    """
    numbers = measured(frames, frames_per_chunk)
    means, seams = numbers.means(), numbers.seams()
    return PresetNumbers(
        name=name,
        motion=means["motion"],
        contrast=means["contrast"],
        saturation=means["saturation"],
        chunk_seam=seams.chunk_to_inside,
        latent_seam=seams.latent_to_inside,
        seam_ratio=seams.chunk_to_latent,
    )


def play_looks(
    choice: ModelChoice, looks: Sequence[Look], num_chunks: int
) -> Iterator[tuple[str, Tensor, int]]:
    """Play every look from a cold start; yields name, frames [F, 3, H, W], frames a chunk."""
    with open_loop(choice) as (loop, player):
        for look in looks:
            _, frames = player.play(open_score(look, show_seed=_SHOW_SEED), num_chunks)
            shown = rgb(frames, torch.device("cpu"))
            yield look.name or look.prompt, shown, loop.model.spec.frames_per_chunk


def play_show(folder: str, num_chunks: int, out: Path | None, *, as_json: bool) -> None:
    """Play and measure the presets of a show, and print what was found.

    Raises:
        EngineError: the show cannot be read or has no presets, or its model does not load.
    """
    show = load_show(folder)
    if not show.presets:
        raise ConfigError(f"{folder}: the show lists no presets, so there is nothing to measure")
    rows, table = [], []
    looks = [preset.look() for preset in show.presets]
    for name, frames, per_chunk in play_looks(show.model, looks, max(num_chunks, 2)):
        rows.append(Row(name, cells_of(frames, evenly(len(frames), _MOMENTS), _CELL_PX)))
        table.append(preset_numbers(name, frames, per_chunk))
        if not as_json:
            print(table[-1].line(), flush=True)
    if as_json:
        print(json.dumps([asdict(row) for row in table]))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out), sheet(rows))
