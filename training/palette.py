"""The judge of the bench, its colours: train palette and heads while the shapes stay, on a CPU.

python -m training.palette --clips 4096 --seconds 240 --out runs/house

It starts from the `classifier.safetensors` that `training.classifier` left in the folder and writes
it anew. Clips are drawn once and kept, so a run that is started again goes on drawing where it
stopped. Shapes are seen once per degraded copy; after that a step takes milliseconds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.bench.classifier import PictureClassifier, seen_colours
from training.checkpoints import load_state, load_weights, save_state, save_weights
from training.classifier import (
    COLOUR_WEIGHT,
    ClassifierRun,
    Labelled,
    accuracy,
    degrade,
    draw_labelled,
)
from training.optimisers import MovingAverage, cosine_scale
from training.runtime import Runtime, StageClock, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

_RATE = 1e-3
_WARMUP_STEPS = 50
_DRAWN_AT_ONCE = 4  # more do not fit into a processor's cache and take twice as long
_SAVED_EVERY = 256
_SEEN_AT_ONCE = 16
_COLOUR_JITTER = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteRun:
    """Settings of one run."""

    seconds: float
    out: Path
    state: Path
    seed: int = 7
    clips: int = 4096
    copies: int = 6
    batch_size: int = 256
    full_px: int = 256
    test_clips: int = 512

    def drawing(self) -> ClassifierRun:
        """Return how its clips are drawn."""
        return ClassifierRun(
            seconds=self.seconds, out=self.out, state=self.state, full_px=self.full_px,
            test_clips=self.test_clips, draw_size=_DRAWN_AT_ONCE,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the frozen shapes and the small pictures say of N degraded clips."""

    means: Tensor  # [N, 112]
    peaks: Tensor  # [N, 112]
    small: Tensor  # [N, 2, 3, h, w]
    family: Tensor  # [N]
    colours: Tensor  # [N, 16]

    def rows(self, i: Tensor) -> "Seen":
        """Return some of the clips."""
        parts = (self.means, self.peaks, self.small, self.family, self.colours)
        return Seen(*(part[i] for part in parts))


def drawn_clips(run: PaletteRun, runtime: Runtime) -> Labelled:
    """Draw what is missing of the run's clips, and keep them."""
    path = run.state / "palette-clips.pt"
    kept = load_state(path, runtime.device)
    parts = [Labelled(kept["clips"], kept["family"], kept["colours"])] if kept else []
    num_clips = sum(len(part.family) for part in parts)
    while num_clips < run.clips:
        rng = random.Random(f"palette {run.seed} {num_clips}")
        parts.append(draw_labelled(rng, _DRAWN_AT_ONCE, runtime.device, run.drawing()))
        num_clips += _DRAWN_AT_ONCE
        if num_clips % _SAVED_EVERY == 0 or num_clips >= run.clips:
            parts = [joined(parts)]
            whole = parts[0]
            tensors = {"clips": whole.clips, "family": whole.family, "colours": whole.colours}
            save_state(path, tensors)
            runtime.log(f"{num_clips} of {run.clips} clips drawn")
    return joined(parts)


def joined(parts: list[Labelled]) -> Labelled:
    """Return several batches as one."""
    return Labelled(
        torch.cat([part.clips for part in parts]),
        torch.cat([part.family for part in parts]),
        torch.cat([part.colours for part in parts]),
    )


@torch.no_grad()
def see(net: PictureClassifier, clips: Labelled, copies: int) -> Seen:
    """Look at every clip, `copies` times differently degraded."""
    means, peaks, small = [], [], []
    for _ in range(copies):
        for part in torch.split(clips.clips, _SEEN_AT_ONCE):
            shown = degrade(part.float() / 255)
            found = net.seen_shapes(shown)
            means.append(found[0])
            peaks.append(found[1])
            small.append(seen_colours(shown))
    return Seen(
        torch.cat(means), torch.cat(peaks), torch.cat(small),
        clips.family.repeat(copies), clips.colours.repeat(copies, 1),
    )  # fmt: skip


def palette_loss(net: PictureClassifier, seen: Seen) -> Tensor:
    """Return the loss of a batch, whose small pictures are noised a little."""
    small = (seen.small + _COLOUR_JITTER * torch.randn_like(seen.small)).clamp(0, 1)
    families, colours = net.answer(seen.means, seen.peaks, small)
    named = F.binary_cross_entropy_with_logits(colours, seen.colours)
    return F.cross_entropy(families, seen.family, label_smoothing=0.05) + COLOUR_WEIGHT * named


def train(net: PictureClassifier, seen: Seen, run: PaletteRun, runtime: Runtime) -> nn.Module:
    """Train palette and heads until the budget is spent; returns the averaged weights."""
    net.shapes.requires_grad_(False)
    trained = [p for p in net.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(trained, lr=_RATE, betas=(0.9, 0.99), weight_decay=0.05)
    average = MovingAverage(net, 0.998)
    clock = StageClock(runtime, run.seconds)
    batches = _batches(len(seen.family), run.batch_size)
    step = 0
    while (progress := clock.progress()) < 1:
        loss = palette_loss(net, seen.rows(next(batches)))
        torch.autograd.backward(loss)
        adam.param_groups[0]["lr"] = _RATE * cosine_scale(progress, step, _WARMUP_STEPS)
        adam.step()
        adam.zero_grad(set_to_none=True)
        average.update(net)
        step += 1
        if step % 200 == 1:
            runtime.log(f"palette {step} loss {float(loss.detach()):.3f}")
    return average.module


def _batches(count: int, size: int) -> Iterator[Tensor]:
    while True:
        yield from torch.split(torch.randperm(count), size)


def main() -> None:
    """Train from the command line."""
    parser = stage_parser(__doc__, seconds=240, seed=7, out="folder with classifier.safetensors")
    parser.add_argument("--clips", type=int, default=4096)
    parser.add_argument("--copies", type=int, default=6, help="degraded copies of each clip")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--full-px", type=int, default=256, help="size the clips are drawn at")
    parser.add_argument("--test-clips", type=int, default=512)
    run = parse_run(parser, PaletteRun)
    runtime = start_runtime()
    runtime.rng(run.seed)
    net = PictureClassifier().to(runtime.device)
    load_weights(net, run.out / "classifier.safetensors")
    seen = see(net, drawn_clips(run, runtime), run.copies)
    runtime.log(f"{len(seen.family)} degraded clips seen")
    average = train(net, seen, run, runtime)
    save_weights(average, run.out / "classifier.safetensors")
    assert isinstance(average, PictureClassifier)
    found = accuracy(average, replace(run.drawing(), draw_size=64), runtime.device)
    runtime.log(f"fresh clips: family {found.family:.3f}, colour {found.colour:.3f}")
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
