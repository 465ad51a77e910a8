"""Stage 1: train the house codec.

python -m training.codec --seconds 160 --out runs/house
"""

import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_batch
from engine.visuals.leaves import draw_leaves
from engine.worker.models.house.house import HOUSE_CODEC
from engine.worker.models.house.vocabulary import FAMILIES
from engine.worker.models.wan.tae import TAE, MemBlock
from training.checkpoints import load_state, load_weights, save_state, save_weights
from training.codec_losses import CodecLoss, codec_loss
from training.optimisers import MovingAverage, cosine_scale
from training.runtime import Runtime, StageClock, check_finite, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

GATE_SATURATION = 0.9
GATE_PSNR_DB = 28.0  # the linear shortcut alone reaches 27
_LATENT_NOISE = 0.08
_CLIP_FRAMES = 24
_TRAIN_FRAMES = 20
_LEAVES_EVERY = 6  # every sixth pool batch is dead leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecRun:
    """Settings of one run; `pool_batches` batches of clips are kept and refreshed on the way.

    `weights` is an earlier codec to go on from, `colours` one whose colour shortcut alone is taken.
    """

    seconds: float
    out: Path
    state: Path
    seed: int = 1
    batch_size: int = 32
    crop_px: int = 128
    full_px: int = 256
    pool_batches: int = 24
    rate: float = 1e-3
    weights: Path | None = None
    colours: Path | None = None


def init_codec(codec: TAE) -> None:
    """Initialise for training from scratch.

    The linear colour shortcut starts as a scaled projection and its transpose, so that colour is
    there from step one, and the convolutions start by adding nothing to the picture. Started with
    their noise on it, they are switched off within twenty steps and never come back: every ReLU
    of three stages was dead after a run of 145 s (2026-11).
    """
    for module in codec.modules():
        if isinstance(module, nn.Conv2d):
            # Convolutions without a bias have no ReLU behind them either.
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is None:
                module.weight.data.mul_(0.5**0.5)
            else:
                nn.init.zeros_(module.bias)
    for module in codec.modules():
        if isinstance(module, MemBlock):
            _last_convolution(module.conv).weight.data.zero_()
    _last_convolution(codec.encoder).weight.data.mul_(0.2)
    _last_convolution(codec.decoder).weight.data.zero_()
    nn.init.orthogonal_(codec.colour_encode.weight)
    codec.colour_encode.weight.data.mul_(1.5)
    codec.colour_decode.weight.data.copy_(codec.colour_encode.weight.T / 1.5**2)
    nn.init.zeros_(codec.colour_encode.bias)
    nn.init.zeros_(codec.colour_decode.bias)


def _last_convolution(layers: nn.Sequential) -> nn.Conv2d:
    last = layers[-1]
    assert isinstance(last, nn.Conv2d)
    return last


@torch.no_grad()
def dead_share(codec: TAE, frames: Tensor) -> float:
    """Return the share of memory-block channels that are zero everywhere on `frames`."""
    dead: list[Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _m, _i, y: dead.append(y.amax((0, 2, 3)) <= 0))
        for module in codec.modules()
        if isinstance(module, MemBlock)
    ]
    codec.decode(codec.encode(frames)[0])
    for hook in hooks:
        hook.remove()
    return float(torch.cat(dead).float().mean())


def load_colours(codec: TAE, path: Path) -> None:
    """Take the colour shortcut of an earlier codec, so that its latents mean the same colours."""
    earlier = TAE(HOUSE_CODEC)
    load_weights(earlier, path)
    codec.colour_encode.load_state_dict(earlier.colour_encode.state_dict())
    codec.colour_decode.load_state_dict(earlier.colour_decode.state_dict())


def load_earlier(codec: TAE, path: Path) -> None:
    """Go on from an earlier codec, on raw latents: their statistics are measured at the end."""
    load_weights(codec, path)
    codec.latent_mean.zero_()
    codec.latent_std.fill_(1)


class CodecClips:
    """A pool of 8-bit crops on the device, refreshed a batch at a time."""

    def __init__(self, run: CodecRun, runtime: Runtime, rng: random.Random) -> None:
        self._run, self._device, self._rng = run, runtime.device, rng
        self._generator = torch.Generator(runtime.device).manual_seed(rng.randrange(2**31))
        self._drawn = 0
        self._pool = torch.cat([self._draw() for _ in range(run.pool_batches)])

    def _draw(self) -> Tensor:
        run = self._run
        top, left = (self._rng.randrange(0, run.full_px - run.crop_px + 1, 8) for _ in range(2))
        canvas = Canvas(run.full_px, run.crop_px, run.crop_px, top, left)
        self._drawn += 1
        if self._drawn % _LEAVES_EVERY == 0:
            frames = draw_leaves(run.batch_size, _CLIP_FRAMES, canvas, self._generator)
        else:
            settings = ClipSettings(num_frames=_CLIP_FRAMES, change_share=0.15, canvas=canvas)
            frames = draw_batch(self._rng, run.batch_size, self._device, settings).frames
        return (frames * 255).round().to(torch.uint8)

    def refresh(self) -> None:
        """Replace one batch of the pool."""
        start = self._rng.randrange(self._run.pool_batches) * self._run.batch_size
        self._pool[start : start + self._run.batch_size] = self._draw()

    def sample(self) -> Tensor:
        """Return a random batch [B, 20, 3, crop, crop] in 0 to 1, starting at any frame."""
        rows = torch.randint(len(self._pool), (self._run.batch_size,), device=self._device)
        start = self._rng.randrange(_CLIP_FRAMES - _TRAIN_FRAMES + 1)
        return self._pool[rows, start : start + _TRAIN_FRAMES].float() / 255


def reconstruct(codec: TAE, frames: Tensor, skip_latents: int) -> tuple[Tensor, Tensor, Tensor]:
    """Encode, add noise, decode at full and half size.

    The decoder starts cold after `skip_latents`, as it does at a hard cut into a running video.
    """
    latents, _ = codec.encode(frames)
    kept = latents[:, skip_latents:]
    noisy = kept + _LATENT_NOISE * torch.randn_like(kept)
    half = torch.unflatten(F.avg_pool2d(noisy.flatten(0, 1), 2), 0, noisy.shape[:2])
    return codec.decode(noisy)[0], codec.decode(half)[0], latents


def train_step(
    codec: TAE, frames: Tensor, skip_latents: int, progress: float, device_type: str
) -> CodecLoss:
    """Compute the loss of one batch."""
    with torch.autocast(device_type, dtype=torch.bfloat16):
        decoded, half, latents = reconstruct(codec, frames, skip_latents)
    temporal_weight = 0.25 + 0.75 * min(1.0, 2 * progress)
    target = frames[:, skip_latents * 4 :]
    return codec_loss(decoded.float(), half.float(), target, latents.float(), temporal_weight)


def train(run: CodecRun, runtime: Runtime) -> TAE:
    """Train within the time budget and return the averaged codec with latent statistics."""
    rng = runtime.rng(run.seed)
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    if run.colours:
        load_colours(codec, run.colours)
    if run.weights:
        load_earlier(codec, run.weights)
    codec.to(runtime.device)
    runtime.share_weights(codec)
    clips = CodecClips(run, runtime, rng)
    fused = runtime.device.type == "cuda"
    adam = torch.optim.AdamW(
        codec.parameters(), lr=run.rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=fused
    )
    average = MovingAverage(codec, 0.998)
    saved = load_state(run.state / "codec.pt", runtime.device)
    if saved:
        codec.load_state_dict(saved["codec"])
        average.module.load_state_dict(saved["average"])
        adam.load_state_dict(saved["adam"])
    clock, step = StageClock(runtime, run.seconds), 0
    while (progress := clock.progress()) < 1:
        if step % 4 == 2:
            clips.refresh()
        loss = train_step(codec, clips.sample(), rng.choice([0, 0, 1]), progress, _kind(runtime))
        torch.autograd.backward(loss.total)
        runtime.average_gradients([codec])
        norm = nn.utils.clip_grad_norm_(codec.parameters(), 1.0)
        adam.param_groups[0]["lr"] = run.rate * cosine_scale(progress, step, 200)
        adam.step()
        adam.zero_grad(set_to_none=True)
        average.update(codec)
        step += 1
        if step in (1, 20, 100) or step % 200 == 0:
            _report(runtime, step, loss, float(norm), step / clock.elapsed_s)
            runtime.log(f"dead channels {dead_share(codec, clips.sample()[:4]):.2f}")
    measure_latents(average.module, run, runtime, rng)
    if runtime.rank == 0:
        state = {"codec": codec.state_dict(), "average": average.module.state_dict()}
        save_state(run.state / "codec.pt", {**state, "adam": adam.state_dict()})
    return average.module


def _kind(runtime: Runtime) -> str:
    return runtime.device.type


def _report(runtime: Runtime, step: int, loss: CodecLoss, norm: float, rate: float) -> None:
    total = loss.total.item()
    check_finite(total, f"codec loss at step {step}")
    psnr = -10 * math.log10(loss.mse.item() + 1e-9)
    runtime.log(
        f"codec {step} loss {total:.4f} l1 {loss.l1.item():.4f} temporal "
        f"{loss.temporal.item():.4f} psnr {psnr:.2f} dB grad {norm:.2f} {rate:.2f} it/s"
    )


@torch.no_grad()
def measure_latents(codec: TAE, run: CodecRun, runtime: Runtime, rng: random.Random) -> None:
    """Fill the latent mean and std buffers from many full-size clips, the same in all processes."""
    codec.latent_mean.zero_()
    codec.latent_std.fill_(1)
    settings = ClipSettings(num_frames=24, canvas=Canvas.of(run.full_px, run.full_px))
    sums = torch.zeros(2, HOUSE_CODEC.latent_channels, device=runtime.device, dtype=torch.float64)
    batches = 24 if runtime.device.type == "cuda" else 2
    for _ in range(batches):
        frames = draw_batch(rng, 8, runtime.device, settings).frames
        with torch.autocast(runtime.device.type, dtype=torch.bfloat16):
            latents = codec.encode(frames)[0].double()
        sums += torch.stack([latents.mean((0, 1, 3, 4)), latents.square().mean((0, 1, 3, 4))])
    mean, square = runtime.mean(sums / batches).unbind()
    codec.latent_mean.copy_(mean.float())
    codec.latent_std.copy_((square - mean**2).sqrt().float())


@dataclass(frozen=True, slots=True)
class GateResult:
    """How well the codec reproduces fresh clips."""

    psnr_db: float
    saturation_ratio: float
    sharpness_ratio: float
    seam_ratio: float
    latent_std: float

    @property
    def passed(self) -> bool:
        """Whether a transformer may be trained on this codec's latents."""
        return self.psnr_db > GATE_PSNR_DB and self.saturation_ratio > GATE_SATURATION


@torch.no_grad()
def gate(codec: TAE, full_px: int, device: torch.device, seed: int = 99) -> GateResult:
    """Measure PSNR, saturation and seam on clips no training process has drawn."""
    settings = ClipSettings(
        num_frames=48, canvas=Canvas.of(full_px, full_px), num_families=len(FAMILIES)
    )
    frames = draw_batch(random.Random(seed), len(FAMILIES), device, settings).frames
    decoded, latents = torch.empty_like(frames), []
    for row in range(len(frames)):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            z, _ = codec.encode(frames[row : row + 1])
            decoded[row] = codec.decode(z)[0][0].float().clamp(0, 1)
        latents.append(z.float())
    mse = (decoded - frames).square().mean((1, 2, 3, 4))
    saturation = [(x.amax(2) - x.amin(2)).mean() for x in (decoded, frames)]
    sharpness = [x.diff(dim=-1).abs().mean() for x in (decoded, frames)]
    seams = [_seam_ratio(x) for x in (decoded, frames)]
    return GateResult(
        psnr_db=float((-10 * torch.log10(mse)).mean()),
        saturation_ratio=float(saturation[0] / saturation[1]),
        sharpness_ratio=float(sharpness[0] / sharpness[1]),
        seam_ratio=float(seams[0] / seams[1]),
        latent_std=float(torch.cat(latents).std()),
    )


def _seam_ratio(frames: Tensor) -> Tensor:
    """Frame difference at latent edges as a ratio to that inside latent frames."""
    difference = frames.diff(dim=1).abs().mean((0, 2, 3, 4))
    edge = (
        torch.arange(1, frames.shape[1], device=frames.device) % HOUSE_CODEC.frames_per_latent == 0
    )
    return difference[edge].mean() / difference[~edge].mean()


def main() -> None:
    """Train, save, and stop the pipeline if the gate is not passed."""
    parser = stage_parser(__doc__, seconds=160, seed=1, out="folder for weights")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--crop-px", type=int, default=128)
    parser.add_argument("--full-px", type=int, default=256)
    parser.add_argument("--pool-batches", type=int, default=24)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--weights", type=Path, help="earlier codec to go on from")
    parser.add_argument("--colours", type=Path, help="codec whose colour shortcut to start from")
    run = parse_run(parser, CodecRun)
    runtime = start_runtime()
    codec = train(run, runtime)
    result = gate(codec, run.full_px, runtime.device)
    runtime.log(f"gate {'passed' if result.passed else 'FAILED'}: {result}")
    if runtime.rank == 0:
        save_weights(codec, run.out / "codec.safetensors")
    stop_runtime(runtime)
    if not result.passed:
        sys.exit("the codec did not pass its gate; train it longer before the transformer")


if __name__ == "__main__":
    main()
