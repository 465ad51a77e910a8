"""Stage 1b: teach the codec's decoder smooth latent edges and full colours, on a CPU.

python -m training.decoder --seconds 1250 --out runs/house

It starts from the `codec.safetensors` in the folder and writes it anew. The encoder stays as it is,
to the bit, so latents mean the same and a transformer trained on them stays valid. Clips are drawn
and encoded once and kept; a run that is started again goes on where it stopped, within the same
budget.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_batch
from engine.visuals.leaves import draw_leaves
from engine.worker.models.house.house import HOUSE_CODEC
from engine.worker.models.wan.tae import TAE
from training.checkpoints import load_state, load_weights, save_state, save_weights
from training.codec_losses import DecoderLoss, decoder_loss
from training.optimisers import MovingAverage, cosine_scale
from training.runtime import Runtime, check_finite, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

_CLIP_FRAMES = 24
_DRAWN_AT_ONCE = 8
_KEPT_TOGETHER = 64  # clips in one file of the state
_LEAVES_EVERY = 6
_LATENT_NOISE = 0.08
_WARMUP_STEPS = 20
_SAVED_EVERY_S = 240.0
_TOLD_EVERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderRun:
    """Settings of one run; `seconds` of training are spent over all its starts."""

    seconds: float
    out: Path
    state: Path
    seed: int = 8
    clips: int = 352
    test_clips: int = 32
    batch_size: int = 2
    crop_px: int = 128
    full_px: int = 256
    rate: float = 4e-5


@dataclass(frozen=True, slots=True)
class Pairs:
    """Clips and their latents."""

    frames: Tensor  # [N, 24, 3, crop, crop] uint8
    latents: Tensor  # [N, 6, 16, crop / 8, crop / 8] bf16

    def rows(self, i: Tensor) -> tuple[Tensor, Tensor]:
        """Return some of the clips, in 0 to 1, and their latents, in float32."""
        return self.frames[i].float() / 255, self.latents[i].float()


def kept_pairs(codec: TAE, run: DecoderRun, runtime: Runtime) -> Pairs:
    """Return the run's clips, drawing and encoding what is missing; the last are for tests."""
    player = TAE(HOUSE_CODEC)
    player.load_state_dict(codec.state_dict())
    player.to(device=runtime.device, dtype=torch.bfloat16)  # latents as the instrument has them
    wanted = run.clips + run.test_clips
    parts = []
    for first in range(0, wanted, _KEPT_TOGETHER):
        path = run.state / f"decoder-clips-{first}.pt"
        kept = load_state(path, runtime.device)
        if kept is None:
            kept = _drawn(player, first, min(_KEPT_TOGETHER, wanted - first), run, runtime)
            save_state(path, kept)
            runtime.log(f"{first + len(kept['frames'])} of {wanted} clips drawn")
        parts.append(kept)
    return Pairs(torch.cat([p["frames"] for p in parts]), torch.cat([p["latents"] for p in parts]))


@torch.no_grad()
def _drawn(
    player: TAE, first: int, count: int, run: DecoderRun, runtime: Runtime
) -> dict[str, Tensor]:
    rng = random.Random(f"decoder {run.seed} {first}")
    frames = torch.cat(
        [
            _draw(rng, min(_DRAWN_AT_ONCE, count - i), run, runtime, leaves=n % _LEAVES_EVERY == 5)
            for n, i in enumerate(range(0, count, _DRAWN_AT_ONCE))
        ]
    )
    parts = [player.encode(f.float() / 255)[0] for f in torch.split(frames, _DRAWN_AT_ONCE)]
    return {"frames": frames, "latents": torch.cat(parts)}


def _draw(
    rng: random.Random, count: int, run: DecoderRun, runtime: Runtime, *, leaves: bool
) -> Tensor:
    top, left = (rng.randrange(0, run.full_px - run.crop_px + 1, 8) for _ in range(2))
    canvas = Canvas(run.full_px, run.crop_px, run.crop_px, top, left)
    if leaves:
        generator = torch.Generator(runtime.device).manual_seed(rng.randrange(2**31))
        frames = draw_leaves(count, _CLIP_FRAMES, canvas, generator)
    else:
        settings = ClipSettings(num_frames=_CLIP_FRAMES, change_share=0.15, canvas=canvas)
        frames = draw_batch(rng, count, runtime.device, settings).frames
    return (frames * 255).round().to(torch.uint8)


def decoder_of(codec: TAE) -> nn.ModuleDict:
    """Return the parts of a codec that decode, sharing its weights."""
    return nn.ModuleDict({"decoder": codec.decoder, "colour_decode": codec.colour_decode})


def train_step(codec: TAE, frames: Tensor, latents: Tensor, noise: float) -> DecoderLoss:
    """Return the loss of clips [B, 24, 3, H, W] in 0 to 1, decoded from noised latents."""
    noisy = latents + noise * torch.randn_like(latents)
    with torch.autocast(frames.device.type, dtype=torch.bfloat16):
        decoded = codec.decode(noisy)[0]
    return decoder_loss(decoded.float(), frames)


class DecoderTrainer:
    """Everything a run keeps between steps."""

    def __init__(self, codec: TAE, pairs: Pairs, run: DecoderRun, runtime: Runtime) -> None:
        self.run, self.runtime, self.codec = run, runtime, codec
        self._rng = runtime.rng(run.seed)
        self._trained, self._tests = _split(pairs, run.clips)
        codec.requires_grad_(False)
        self.parts = decoder_of(codec).requires_grad_(True)
        self.average = MovingAverage(codec, 0.99)
        self.adam = torch.optim.AdamW(
            self.parts.parameters(), lr=run.rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self.step, self.spent_s = 0, 0.0
        self._load()

    @property
    def _state_path(self) -> Path:
        return self.run.state / "decoder.pt"

    def _load(self) -> None:
        state = load_state(self._state_path, self.runtime.device)
        if state is not None:
            self.codec.load_state_dict(state["codec"])
            self.average.module.load_state_dict(state["average"])
            self.adam.load_state_dict(state["adam"])
            self.step = self.average.steps = state["step"]
            self.spent_s = state["spent_s"]
            self._rng.seed(f"decoder {self.run.seed} from {self.step}")
            self.runtime.log(f"resumed at step {self.step}, {self.spent_s:.0f} s spent")

    def save(self) -> None:
        """Save the resumable state and the averaged weights."""
        state = {
            "codec": self.codec.state_dict(),
            "average": self.average.module.state_dict(),
            "adam": self.adam.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        save_state(self._state_path, state)
        save_weights(self.average.module, self.run.out / "codec.safetensors")

    def train(self, seconds: Iterator[float]) -> None:
        """Train until the budget is spent; `seconds` tells how long each step took."""
        saved_s = self.spent_s
        while self.spent_s < self.run.seconds:
            loss = self.train_step()
            self.spent_s += next(seconds)
            if self.step % _TOLD_EVERY == 0:
                value = float(loss.total.detach())
                check_finite(value, f"decoder loss at step {self.step}")
                self.runtime.log(f"decoder {self.step}, {self.spent_s:.0f} s: {self.measure()}")
            if self.spent_s - saved_s > _SAVED_EVERY_S:
                self.save()
                saved_s = self.spent_s

    def train_step(self) -> DecoderLoss:
        """Take one optimiser step at the rate that the spent part of the budget asks for."""
        progress = self.spent_s / self.run.seconds
        rows = torch.randint(len(self._trained.frames), (self.run.batch_size,))
        noise = _LATENT_NOISE * self._rng.random()
        loss = train_step(self.codec, *self._trained.rows(rows), noise)
        torch.autograd.backward(loss.total)
        nn.utils.clip_grad_norm_(self.parts.parameters(), 1.0)
        self.adam.param_groups[0]["lr"] = self.run.rate * cosine_scale(
            progress, self.step, _WARMUP_STEPS
        )
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.average.update(self.codec)
        self.step += 1
        return loss

    @torch.no_grad()
    def measure(self) -> "Decoded":
        """Return what the averaged decoder makes of the test clips."""
        player = TAE(HOUSE_CODEC)
        player.load_state_dict(self.average.module.state_dict())
        return measured(player.to(device=self.runtime.device), self._tests)


def _split(pairs: Pairs, num_trained: int) -> tuple[Pairs, Pairs]:
    first, rest = slice(num_trained), slice(num_trained, None)
    return (
        Pairs(pairs.frames[first], pairs.latents[first]),
        Pairs(pairs.frames[rest], pairs.latents[rest]),
    )


@dataclass(frozen=True, slots=True)
class Decoded:
    """How a decoder shows test clips; all but `psnr_db` and `edge` are shares of the source's."""

    psnr_db: float
    edge: float  # frame difference at latent edges : inside
    source_edge: float
    motion_inside: float
    motion_at_edges: float
    saturation: float
    sharpness: float

    def __str__(self) -> str:
        """Return one line of a log."""
        return (
            f"{self.psnr_db:.2f} dB, edge {self.edge:.3f} (source {self.source_edge:.3f}), motion "
            f"inside {self.motion_inside:.3f}, at edges {self.motion_at_edges:.3f}, saturation "
            f"{self.saturation:.3f}, sharpness {self.sharpness:.3f}"
        )


@torch.no_grad()
def measured(codec: TAE, pairs: Pairs) -> Decoded:
    """Decode `pairs` in bf16 and measure; the first latent, which has no past, counts too."""
    sums, decibel = torch.zeros(2, 4, dtype=torch.float64), []
    for i in torch.split(torch.arange(len(pairs.frames)), 4):
        frames, latents = pairs.rows(i)
        with torch.autocast(frames.device.type, dtype=torch.bfloat16):
            decoded = codec.decode(latents)[0].float().clamp(0, 1)
        errors = (decoded - frames).square().mean((1, 2, 3, 4))
        decibel += [-10 * math.log10(error + 1e-9) for error in errors.tolist()]
        sums += torch.stack([_sums(decoded), _sums(frames)])
    (edge, inside, saturation, sharpness), source = sums.tolist()
    return Decoded(
        psnr_db=sum(decibel) / len(decibel),
        edge=edge / inside,
        source_edge=source[0] / source[1],
        motion_inside=inside / source[1],
        motion_at_edges=edge / source[0],
        saturation=saturation / source[2],
        sharpness=sharpness / source[3],
    )


def _sums(frames: Tensor) -> Tensor:
    """Return motion at latent edges and inside, saturation, sharpness; summed over clips."""
    steps = frames.diff(dim=1).abs().mean((2, 3, 4))
    at_edge = torch.arange(1, frames.shape[1], device=frames.device) % 4 == 0
    saturation = (frames.amax(2) - frames.amin(2)).mean((1, 2, 3))
    sharpness = frames.diff(dim=-1).abs().mean((1, 2, 3, 4))
    columns = (steps[:, at_edge].mean(1), steps[:, ~at_edge].mean(1), saturation, sharpness)
    return torch.stack(columns).sum(1).double().cpu()


def step_seconds(runtime: Runtime) -> Iterator[float]:
    """Yield the seconds since the value before, for ever."""
    before = runtime.elapsed_s
    while True:
        now = runtime.elapsed_s
        yield now - before
        before = now


def main() -> None:
    """Train from the command line."""
    parser = stage_parser(__doc__, seconds=1250, seed=8, out="folder with codec.safetensors")
    parser.add_argument("--clips", type=int, default=352)
    parser.add_argument("--test-clips", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--crop-px", type=int, default=128)
    parser.add_argument("--full-px", type=int, default=256)
    parser.add_argument("--rate", type=float, default=4e-5)
    run = parse_run(parser, DecoderRun)
    runtime = start_runtime()
    codec = TAE(HOUSE_CODEC)
    load_weights(codec, run.out / "codec.safetensors")
    codec.to(runtime.device)
    trainer = DecoderTrainer(codec, kept_pairs(codec, run, runtime), run, runtime)
    runtime.log(f"before: {trainer.measure()}")
    trainer.train(step_seconds(runtime))
    trainer.save()
    runtime.log(f"saved at step {trainer.step}: {trainer.measure()}")
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
