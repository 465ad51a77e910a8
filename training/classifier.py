"""The judge of the bench: train the classifier of families and colours on the renderer's clips.

python -m training.classifier --seconds 60 --out runs/house

It sees no picture of the model, and its clips are blurred, noised and smoothed in blocks as codecs
and models do, so that it judges what is shown and not how sharply.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.bench.classifier import CLIP_FRAMES, PictureClassifier, Reading, shrink
from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_clips
from engine.visuals.controls import CONTROL_KINDS, NUM_PARAMETERS
from engine.visuals.looks import Look, random_look
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES, MODIFIERS
from training.checkpoints import load_state, load_weights, save_state, save_weights
from training.optimisers import MovingAverage, cosine_scale
from training.runtime import Runtime, StageClock, check_finite, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

_RATE = 2e-3
_WARMUP_STEPS = 60
_DRAW_EVERY = 2
_FAMILIES_AT_ONCE = 16
_CONTROL_SHARE = 0.2
_SMOOTHING = 0.05
COLOUR_WEIGHT = 3.0  # a mean over 16 answers is small beside a cross-entropy over families
_TEST_SEED = 977

Degrade = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRun:
    """Settings of one run; the pool keeps `capacity` clips at 8 bits.

    `weights` is an earlier `classifier.safetensors` to start from, used when there is no state to
    resume. `worn` are modifiers that three clips of ten wear; what is measured is drawn evenly.
    """

    seconds: float
    out: Path
    state: Path
    seed: int = 6
    batch_size: int = 192
    full_px: int = 256
    capacity: int = 16384
    first_fill: int = 2048
    draw_size: int = 64
    test_clips: int = 1024
    families: Sequence[str] = FAMILIES
    worn: Sequence[str] = ()
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """Clips with what their captions say."""

    clips: Tensor  # [B, 12, 3, h, w] uint8
    family: Tensor  # [B] index into FAMILIES
    colours: Tensor  # [B, 16], 1 where the caption names the colour


def labels_of(looks: Sequence[Look], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the families [B] and the named colours [B, 16] of looks."""
    names = list(COLOURS)
    families = torch.tensor([FAMILIES.index(look.family) for look in looks], device=device)
    colours = [[float(name in look.colours) for name in names] for look in looks]
    return families, torch.tensor(colours, device=device)


def draw_labelled(
    rng: random.Random,
    count: int,
    device: torch.device,
    run: ClassifierRun,
    worn: Sequence[str] = (),
) -> Labelled:
    """Draw `count` clips of one chunk each, with all modifiers, `worn` often, and some control."""
    families = rng.sample(run.families, min(_FAMILIES_AT_ONCE, len(run.families)))
    looks = [random_look(rng, families, worn) for _ in range(count)]
    kinds = [
        rng.choice(list(CONTROL_KINDS)) if rng.random() < _CONTROL_SHARE else None for _ in looks
    ]
    shapes = torch.tensor([[rng.random() for _ in range(NUM_PARAMETERS)] for _ in looks])
    settings = ClipSettings(num_frames=CLIP_FRAMES, canvas=Canvas.of(run.full_px, run.full_px))
    frames = draw_clips(looks, [None] * count, kinds, shapes.to(device), settings).frames
    small = torch.unflatten(shrink(frames.flatten(0, 1)), 0, (count, CLIP_FRAMES))
    return Labelled((small * 255).round().to(torch.uint8), *labels_of(looks, device))


class ClipPool:
    """Ring of labelled clips on the device: drawn once, sampled many times."""

    def __init__(self, run: ClassifierRun, device: torch.device, rng: random.Random) -> None:
        self._run, self._device, self._rng = run, device, rng
        self._next = 0
        self.num_clips = 0
        first = draw_labelled(rng, run.draw_size, device, run, run.worn)
        self._kept = Labelled(
            *(
                part.new_zeros((run.capacity, *part.shape[1:]))
                for part in (first.clips, first.family, first.colours)
            )
        )
        self._put(first)
        while self.num_clips < run.first_fill:
            self.add()

    def add(self) -> None:
        """Draw `draw_size` clips, over the oldest when the pool is full."""
        run = self._run
        self._put(draw_labelled(self._rng, run.draw_size, self._device, run, run.worn))

    def _put(self, drawn: Labelled) -> None:
        rows = (torch.arange(len(drawn.family)) + self._next) % self._run.capacity
        rows = rows.to(self._device)
        self._kept.clips[rows] = drawn.clips
        self._kept.family[rows] = drawn.family
        self._kept.colours[rows] = drawn.colours
        self._next = (self._next + len(drawn.family)) % self._run.capacity
        self.num_clips = min(self.num_clips + len(drawn.family), self._run.capacity)

    def sample(self, batch_size: int) -> Labelled:
        """Return random clips."""
        i = torch.randint(self.num_clips, (batch_size,), device=self._device)
        kept = self._kept
        return Labelled(kept.clips[i], kept.family[i], kept.colours[i])


def _mirrored(clips: Tensor, _amount: Tensor) -> Tensor:
    return clips.flip(4)


def _blurred(clips: Tensor, amount: Tensor) -> Tensor:
    flat = clips.flatten(0, 1)
    soft = F.avg_pool2d(F.pad(flat, (2, 2, 2, 2), mode="replicate"), 5, 1)
    return clips.lerp(torch.unflatten(soft, 0, clips.shape[:2]), amount)


def _smeared(clips: Tensor, amount: Tensor) -> Tensor:
    """Pull the frames of each latent (four) towards their mean, as a codec does."""
    latents = torch.unflatten(clips, 1, (-1, 4))
    smeared = latents.lerp(latents.mean(2, keepdim=True), 0.6 * amount.unsqueeze(1))
    return smeared.flatten(1, 2)


def _blocked(clips: Tensor, amount: Tensor) -> Tensor:
    """Pull 8-pixel blocks of the full picture (4 of the small one) towards their mean."""
    flat = clips.flatten(0, 1)
    blocks = F.interpolate(F.avg_pool2d(flat, 4), size=flat.shape[2:], mode="bilinear")
    return clips.lerp(torch.unflatten(blocks, 0, clips.shape[:2]), 0.8 * amount)


def _noised(clips: Tensor, amount: Tensor) -> Tensor:
    return clips + 0.05 * amount * torch.randn_like(clips)


def _relit(clips: Tensor, amount: Tensor) -> Tensor:
    """Change contrast around the mean and brightness, by up to a quarter."""
    mean = clips.mean((1, 2, 3, 4), keepdim=True)
    gain = 0.75 + 0.5 * torch.rand_like(amount)
    return (mean + (clips - mean) * gain) * (0.8 + 0.4 * amount)


def _recoloured(clips: Tensor, amount: Tensor) -> Tensor:
    """Change saturation by up to a sixth: the colour words stay right."""
    grey = clips.mean(2, keepdim=True)
    return grey + (clips - grey) * (0.85 + 0.3 * amount)


_DEGRADATIONS: tuple[tuple[float, Degrade], ...] = (
    (0.5, _mirrored),
    (0.4, _blurred),
    (0.3, _smeared),
    (0.3, _blocked),
    (0.4, _noised),
    (0.5, _relit),
    (0.4, _recoloured),
)
"""Share of the clips, and what happens to them by a random amount."""


def degrade(clips: Tensor) -> Tensor:
    """Return clips [B, 12, 3, h, w] in 0 to 1 as codecs and models would show them."""
    for share, change in _DEGRADATIONS:
        chosen = (torch.rand(len(clips), device=clips.device) < share).nonzero().flatten()
        if chosen.numel():
            amount = torch.rand(len(chosen), 1, 1, 1, 1, device=clips.device)
            clips = clips.index_copy(0, chosen, change(clips[chosen], amount))
    return clips.clamp(0, 1)


@dataclass(frozen=True, slots=True)
class Loss:
    """Losses of a batch."""

    family: Tensor
    colour: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.family + COLOUR_WEIGHT * self.colour


def classifier_loss(net: PictureClassifier, batch: Labelled) -> Loss:
    """Return the losses of a batch, degraded on the way."""
    families, colours = net(degrade(batch.clips.float() / 255))
    return Loss(
        F.cross_entropy(families.float(), batch.family, label_smoothing=_SMOOTHING),
        F.binary_cross_entropy_with_logits(colours.float(), batch.colours),
    )


class ClassifierTrainer:
    """Everything a run keeps between steps."""

    def __init__(self, run: ClassifierRun, runtime: Runtime, pool: ClipPool) -> None:
        self.run, self.runtime, self.pool = run, runtime, pool
        self.net = PictureClassifier().to(runtime.device)
        if run.weights:
            load_weights(self.net, run.weights)
        self.average = MovingAverage(self.net, 0.998)
        fused = runtime.device.type == "cuda"
        self.adam = torch.optim.AdamW(
            self.net.parameters(), lr=_RATE, betas=(0.9, 0.99), weight_decay=0.02, fused=fused
        )
        self.step = 0
        self._load()
        runtime.share_weights(self.net)
        runtime.share_weights(self.average.module)

    @property
    def _state_path(self) -> Path:
        return self.run.state / "classifier.pt"

    def _load(self) -> None:
        state = load_state(self._state_path, self.runtime.device)
        if state is not None:
            self.net.load_state_dict(state["net"])
            self.average.module.load_state_dict(state["average"])
            self.adam.load_state_dict(state["adam"])
            self.step = self.average.steps = state["step"]
            self.runtime.log(f"resumed at step {self.step}")

    def save(self) -> None:
        """Save the resumable state and the averaged weights, from the first process."""
        if self.runtime.rank:
            return
        state: dict[str, Any] = {
            "net": self.net.state_dict(),
            "average": self.average.module.state_dict(),
            "adam": self.adam.state_dict(),
            "step": self.step,
        }
        save_state(self._state_path, state)
        save_weights(self.average.module, self.run.out / "classifier.safetensors")

    def train(self) -> None:
        """Train until the budget is spent."""
        clock, begin = StageClock(self.runtime, self.run.seconds), self.step
        while (progress := clock.progress()) < 1:
            if self.step % _DRAW_EVERY == 0:
                self.pool.add()
            loss = self.train_step(progress)
            done = self.step - begin
            if done in (1, 10, 50) or done % 200 == 0:
                value = float(self.runtime.mean(loss.total.detach()))
                check_finite(value, f"classifier loss at step {self.step}")
                self.runtime.log(
                    f"classifier {self.step} loss {value:.3f} family {loss.family:.3f} colour "
                    f"{loss.colour:.3f} {done / clock.elapsed_s:.2f} it/s pool "
                    f"{self.pool.num_clips}"
                )

    def train_step(self, progress: float) -> Loss:
        """Take one optimiser step at `progress` 0 to 1 of the rate schedule."""
        with torch.autocast(self.runtime.device.type, dtype=torch.bfloat16):
            loss = classifier_loss(self.net, self.pool.sample(self.run.batch_size))
        torch.autograd.backward(loss.total)
        self.runtime.average_gradients([self.net])
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.param_groups[0]["lr"] = _RATE * cosine_scale(progress, self.step, _WARMUP_STEPS)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.average.update(self.net)
        self.step += 1
        return loss


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Agreement with the captions of fresh clips, one chunk each, all 0 to 1."""

    family: float
    colour: float
    by_family: dict[str, float]


@torch.no_grad()
def accuracy(
    net: PictureClassifier, run: ClassifierRun, device: torch.device, seed: int = _TEST_SEED
) -> Accuracy:
    """Measure on clips that no training process has drawn, as the bench counts agreement."""
    rng = random.Random(seed)
    right: dict[str, list[float]] = {}
    colours: list[float] = []
    for _ in range(0, run.test_clips, run.draw_size):
        batch = draw_labelled(rng, run.draw_size, device, run)
        families, named = net(batch.clips.float() / 255)
        reading = Reading(families.softmax(1), named.sigmoid())
        for row, family in enumerate(batch.family.tolist()):
            wanted = batch.colours[row].nonzero().flatten().tolist()
            one = Reading(reading.families[row : row + 1], reading.colours[row : row + 1])
            found = one.agreement(family, wanted)
            right.setdefault(FAMILIES[family], []).append(found.family)
            colours.append(found.colour)
    everything = [value for values in right.values() for value in values]
    return Accuracy(
        _mean(everything),
        _mean(colours),
        {family: _mean(values) for family, values in sorted(right.items())},
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    """Train from the command line."""
    parser = stage_parser(__doc__, seconds=60, seed=6, out="folder for weights")
    parser.add_argument("--batch-size", type=int, default=192)
    parser.add_argument("--full-px", type=int, default=256, help="size the clips are drawn at")
    parser.add_argument("--capacity", type=int, default=16384, help="clips kept on the device")
    parser.add_argument("--first-fill", type=int, default=2048)
    parser.add_argument("--draw-size", type=int, default=64)
    parser.add_argument("--test-clips", type=int, default=1024)
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES)
    parser.add_argument("--worn", nargs="+", default=(), choices=MODIFIERS, help="see more of them")
    parser.add_argument("--weights", type=Path, help="classifier.safetensors to start from")
    run = parse_run(parser, ClassifierRun)
    runtime = start_runtime()
    rng = runtime.rng(run.seed)
    pool = ClipPool(run, runtime.device, rng)
    runtime.log(f"pool holds {pool.num_clips} clips")
    trainer = ClassifierTrainer(run, runtime, pool)
    trainer.train()
    trainer.save()
    if runtime.rank == 0:
        found = accuracy(trainer.average.module, run, runtime.device)
        runtime.log(f"saved at step {trainer.step}; fresh clips: family {found.family:.3f}, "
                    f"colour {found.colour:.3f}")  # fmt: skip
        runtime.log("by family", {name: round(share, 2) for name, share in found.by_family.items()})
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
