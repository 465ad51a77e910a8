"""The judge of the bench, its colours: count how the renderer spreads shade and light.

python -m training.shades --looks 2400 --out runs/house

The judge tries every palette on a picture (`engine.bench.palette_reader`) and has to know which
shades and lights come how often, over all families and modifiers. There is nothing to train: a
table of 48 shades by 16 lights is counted over random looks, on any processor. Seeded; so short
that it does not resume.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.bench.classifier import CLIP_FRAMES
from engine.bench.palette_reader import (
    MOST_LIGHT,
    NUM_LIGHTS,
    NUM_SHADES,
    SPREAD_KEY,
    PaletteReader,
)
from engine.visuals.canvas import Canvas
from engine.visuals.looks import Look, Painting, paint, random_look
from engine.worker.models.house.vocabulary import COLOURS
from training.classifier import degrade
from training.runtime import Runtime, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

_AT_ONCE = 8
_STRIDE = 4
_MOMENTS = (0, 6)
_TEST_SEED = 991


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadesRun:
    """Settings of one run; `seconds` and `state` are what all stages take, and not needed here."""

    seconds: float
    out: Path
    state: Path
    seed: int = 55
    looks: int = 2400
    test_looks: int = 384
    full_px: int = 256


def counted_spread(run: ShadesRun, runtime: Runtime) -> Tensor:
    """Return how often each shade comes with each light, every look alike: [48, 16], sum 1."""
    rng = random.Random(run.seed)
    looks = [random_look(rng) for _ in range(run.looks)]
    canvas = Canvas.of(run.full_px, run.full_px, _STRIDE)
    total = torch.zeros(NUM_SHADES * NUM_LIGHTS)
    for start in range(0, len(looks), _AT_ONCE):
        part = looks[start : start + _AT_ONCE]
        for moment in _MOMENTS:
            painting = paint(part, 1, runtime.device, canvas, first_frame=moment)
            total += _counted(painting)
    return (total / total.sum()).view(NUM_SHADES, NUM_LIGHTS)


def _counted(painting: Painting) -> Tensor:
    shade = (painting.shade * NUM_SHADES).long().clamp(0, NUM_SHADES - 1)
    light = (painting.light / MOST_LIGHT * NUM_LIGHTS).long().clamp(0, NUM_LIGHTS - 1)
    bins = (shade * NUM_LIGHTS + light).flatten().cpu()
    return torch.bincount(bins, minlength=NUM_SHADES * NUM_LIGHTS).float() / len(painting.shade)


@dataclass(frozen=True, slots=True)
class ColourAccuracy:
    """Share of the named colours that are read on fresh clips of one chunk, 0 to 1."""

    plain: float
    degraded: float  # blurred, noised and relit as a model's pictures may be


@torch.no_grad()
def colour_accuracy(palettes: PaletteReader, run: ShadesRun, runtime: Runtime) -> ColourAccuracy:
    """Read looks that nothing was counted on."""
    rng = random.Random(_TEST_SEED)
    canvas = Canvas.of(run.full_px, run.full_px, 2)
    right = torch.zeros(2)
    for _ in range(run.test_looks):
        look = random_look(rng)
        clip = paint([look], CLIP_FRAMES, runtime.device, canvas).rgb()
        for row, shown in enumerate((clip, degrade(clip))):
            frames = (shown[0] * 255).round().to(torch.uint8)
            right[row] += palettes.see(frames).agreement(_named(look))
    return ColourAccuracy(*(right / run.test_looks).tolist())


def _named(look: Look) -> list[int]:
    names = list(COLOURS)
    return [names.index(colour) for colour in look.colours]


def main() -> None:
    """Count from the command line."""
    parser = stage_parser(__doc__, seconds=0, seed=55, out="folder for shades.safetensors")
    parser.add_argument("--looks", type=int, default=2400)
    parser.add_argument("--test-looks", type=int, default=384)
    parser.add_argument("--full-px", type=int, default=256, help="size the looks are drawn at")
    run = parse_run(parser, ShadesRun)
    runtime = start_runtime()
    runtime.rng(run.seed)
    spread = counted_spread(run, runtime)
    run.out.mkdir(parents=True, exist_ok=True)
    save_file({SPREAD_KEY: spread}, run.out / "shades.safetensors")
    runtime.log(f"{run.looks} looks counted")
    runtime.log(f"fresh clips: {colour_accuracy(PaletteReader(spread), run, runtime)}")
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
