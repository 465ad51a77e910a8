"""Measure and show the pictures of a show: `python -m engine.bench.picture presets/first-light`.

Every preset runs through the real score and the real chunk loop; out come one line a preset and a
contact sheet, one row a preset. Seams are the mean frame difference at chunk edges, and at the
other latent edges, as a ratio to that inside latent frames: 1 is seamless.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.host.score import Score, next_chunk, open_score
from engine.protocol import frame_ring
from engine.protocol.show_file import load_show
from engine.protocol.values import Look, ModelChoice

if TYPE_CHECKING:
    from engine.worker.chunk_loop import ChunkLoop

Frames = npt.NDArray[np.uint8]

_CELL_PX = 128
_COLUMNS = 8
_LATENT_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Motion:
    """What a run of frames looks like, in numbers; all but the seams in 0..1.

    `chunk_seam` and `latent_seam` are ratios to the motion inside latent frames.
    """

    name: str
    motion: float
    contrast: float
    saturation: float
    chunk_seam: float
    latent_seam: float

    @property
    def seam_ratio(self) -> float:
        """Chunk edges against the other latent edges: 1 means that a chunk is not to be seen."""
        return self.chunk_seam / self.latent_seam


def measure(name: str, frames: Frames, frames_per_chunk: int) -> Motion:
    """Measure frames [F, H, W, 3 or 4] uint8 that begin with a chunk, at least two chunks.

    Raises:
        ValueError: there are fewer frames than that.
    """
    if len(frames) < 2 * frames_per_chunk:
        raise ValueError(f"{name}: {len(frames)} frames, expected two chunks or more")
    steps = np.array([_difference(a, b) for a, b in pairwise(frames)])
    place = np.arange(1, len(frames))
    at_chunk = place % frames_per_chunk == 0
    at_latent = (place % _LATENT_FRAMES == 0) & ~at_chunk
    inside = max(float(steps[place % _LATENT_FRAMES != 0].mean()), 1e-9)
    colours = frames[..., :3]
    return Motion(
        name=name,
        motion=float(steps.mean()),
        contrast=float(np.mean([frame.mean(-1).std() for frame in colours]) / 255),
        saturation=float((colours.max(-1).astype(float) - colours.min(-1)).mean() / 255),
        chunk_seam=float(steps[at_chunk].mean()) / inside,
        latent_seam=float(steps[at_latent].mean()) / inside,
    )


def _difference(a: Frames, b: Frames) -> float:
    return float(cv2.absdiff(a, b)[..., :3].mean()) / 255


def contact_sheet(rows: Sequence[tuple[str, Frames]], cell_px: int = _CELL_PX) -> Frames:
    """Return one picture: a row a name, evenly spaced moments of its frames from left to right."""
    return np.concatenate([_sheet_row(name, frames, cell_px) for name, frames in rows])


def _sheet_row(name: str, frames: Frames, cell_px: int) -> Frames:
    moments = np.linspace(0, len(frames) - 1, _COLUMNS).round().astype(int)
    size = (cell_px, cell_px)
    cells = [
        cv2.resize(frames[moment, ..., :3], size, interpolation=cv2.INTER_AREA)
        for moment in moments
    ]
    row: Frames = np.ascontiguousarray(np.concatenate(cells, 1))
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(row, name, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, width, cv2.LINE_AA)
    return row


@contextmanager
def open_loop(choice: ModelChoice, num_threads: int = 0) -> Iterator[tuple[ChunkLoop, Player]]:
    """Load a model into a chunk loop of this process, with rings of its own."""
    from engine.worker.chunk_loop import Channels, ChunkLoop
    from engine.worker.device import choose_compute
    from engine.worker.model import load_model
    from engine.worker.preprocess.runner import PreprocessRunner, default_preprocessors

    pixels = choice.width_px * choice.height_px
    frames = frame_ring.create("bench-frames", 64, pixels * 4)
    inputs = frame_ring.create("bench-input", 64, pixels * 3)
    try:
        reader = frame_ring.RingReader(inputs)
        channels = Channels(
            frames=frame_ring.RingWriter(frames),
            inputs=reader,
            preprocess=PreprocessRunner(
                frame_ring.RingReader(inputs), default_preprocessors(), on_error=_never
            ),
            tell=lambda _event: None,
        )
        loop = ChunkLoop(load_model(choice, choose_compute(choice.device, num_threads)), channels)
        yield loop, Player(loop, frame_ring.RingReader(frames))
    finally:
        frame_ring.remove(frames)
        frame_ring.remove(inputs)


def _never(error: BaseException) -> None:
    raise AssertionError("the preprocess thread is not started here") from error


class Player:
    """Runs a score through a chunk loop and collects the frames."""

    def __init__(self, loop: ChunkLoop, ring: frame_ring.RingReader) -> None:
        self._loop = loop
        self._ring = ring

    def play(self, score: Score, num_chunks: int) -> tuple[Score, Frames]:
        """Make `num_chunks` chunks; returns the score after them and frames [F, H, W, 4]."""
        frames: list[Frames] = []
        for _ in range(num_chunks):
            before = self._ring.num_written
            score, plan = next_chunk(score)
            self._loop.run_chunk(plan)
            for number in range(before, self._ring.num_written):
                frame = self._ring.read(number)
                assert frame is not None, "the ring holds several chunks and nobody else writes"
                frames.append(frame.pixels)
        return score, np.stack(frames)


def play_looks(
    choice: ModelChoice, looks: Sequence[Look], num_chunks: int
) -> Iterator[tuple[str, Frames, int]]:
    """Play every look from a cold start; yields name, frames [F, H, W, 4], frames a chunk."""
    with open_loop(choice) as (loop, player):
        for look in looks:
            _, frames = player.play(open_score(look, show_seed=1), num_chunks)
            yield look.name or look.prompt, frames, loop.model.spec.frames_per_chunk


def main(argv: Sequence[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="segue bench --picture", description=__doc__)
    parser.add_argument("show", help="folder of the show")
    parser.add_argument("--chunks", type=int, default=8, help="chunks a preset (default 8)")
    parser.add_argument("--out", type=Path, help="write the contact sheet to this PNG")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        return _run(args)
    except EngineError as error:
        print(f"segue: {error}", file=sys.stderr)
        return int(error.exit_code)


def _run(args: argparse.Namespace) -> int:
    show = load_show(args.show)
    rows, table = [], []
    for name, frames, per_chunk in play_looks(
        show.model, [preset.look() for preset in show.presets], max(args.chunks, 2)
    ):
        rows.append((name, frames))
        table.append(measure(name, frames, per_chunk))
        if not args.json:
            print(_line(table[-1]), flush=True)
    if args.json:
        print(json.dumps([asdict(row) | {"seam_ratio": row.seam_ratio} for row in table]))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(args.out), contact_sheet(rows))
    return 0


def _line(row: Motion) -> str:
    return (
        f"{row.name:24} motion {row.motion:.3f}  contrast {row.contrast:.3f}  "
        f"saturation {row.saturation:.3f}  seam: chunk {row.chunk_seam:.2f}, "
        f"latent {row.latent_seam:.2f}, ratio {row.seam_ratio:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
