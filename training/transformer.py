"""Stage 2: train the house transformer by teacher forcing.

python -m training.transformer --seconds 600 --out runs/house
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.worker.models.house.house import (
    HOUSE_CODEC,
    HOUSE_TRANSFORMER,
    CaptionEmbedding,
)
from engine.worker.models.wan.tae import TAE
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from training.checkpoints import load_state, load_weights, save_state, save_weights
from training.forced import Chunks, compile_layers, forced_velocity
from training.optimisers import MovingAverage, MuonAdam, trapezoid_scale
from training.pool import (
    FINE,
    SQUARE,
    WIDE,
    ClipSample,
    PoolSet,
    PoolSettings,
    favouring,
    frozen_codec,
)
from training.runtime import Runtime, StageClock, check_finite, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser

_CAPTION_DROPOUT = 0.1
_WARMUP_STEPS = 150
_DECAY_SHARE = 0.6
_DRAW_EVERY = 12
_FIRST_CHUNK_WEIGHT = 2.0  # a hard cut shows it, and it has no context to help it


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerRun:
    """Settings of one run. `copies` noisy versions of each clip share one context.

    `weights` is a folder of earlier weights to start from, used when there is no state to resume;
    `weights_suffix` says which: "-base" is what this stage writes, "" a distilled model.
    A long training may be cut into runs: `start` and `end` say which part of the whole learning
    rate schedule, 0 to 1, this run covers.
    """

    seconds: float
    out: Path
    state: Path
    seed: int = 2
    batch_size: int = 18
    copies: int = 3
    start: float = 0.0
    end: float = 1.0
    compiled: bool = True
    favour: str = ""
    weights: Path | None = None
    weights_suffix: str = "-base"
    config: TransformerConfig = HOUSE_TRANSFORMER
    pools: tuple[PoolSettings, ...] = (SQUARE, WIDE, FINE)


class HouseNet(nn.Module):
    """Transformer and captions: what is trained, averaged and saved together."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.transformer = CausalTransformer(config)
        self.captions = CaptionEmbedding()
        init_transformer(self.transformer)

    def save(self, folder: Path, suffix: str = "") -> None:
        """Save both parts."""
        save_weights(self.transformer, folder / f"transformer{suffix}.safetensors")
        save_weights(self.captions, folder / f"captions{suffix}.safetensors")

    def load(self, folder: Path, suffix: str = "") -> None:
        """Load both parts."""
        load_weights(self.transformer, folder / f"transformer{suffix}.safetensors")
        load_weights(self.captions, folder / f"captions{suffix}.safetensors")


def init_transformer(model: CausalTransformer) -> None:
    """Initialise for a short training: text is heard at once, time changes nothing at first."""
    model.init_weights()
    for layer in model.text_embedding:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
    projection = model.time_projection[-1]
    assert isinstance(projection, nn.Linear)
    nn.init.zeros_(projection.weight)
    for index in range(model.config.num_layers):
        nn.init.zeros_(model.block(index).cross_attn.o.weight)


def shift_sigma(sigma: Tensor, shift: float) -> Tensor:
    """Move noise shares towards 1 by the timestep shift."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def training_sigma(shape: tuple[int, int], uniform_share: float, device: torch.device) -> Tensor:
    """Draw noise shares [B, N]: mostly logit-normal, some uniform, both shifted to more noise."""
    normal = shift_sigma(torch.sigmoid(torch.randn(shape, device=device)), 2.2)
    uniform = shift_sigma(torch.rand(shape, device=device), 2.0)
    chosen = torch.where(torch.rand(shape, device=device) < uniform_share, uniform, normal)
    return chosen.clamp(0.001, 1.0)


def context_sigma(shape: tuple[int, int], device: torch.device) -> Tensor:
    """Draw the noise shares of context chunks: often none, seldom much (at most 0.4)."""
    unit = torch.rand(shape, device=device)
    clean = torch.rand(shape, device=device) < 0.3
    return torch.where(clean, torch.zeros_like(unit), 0.4 * unit.square())


def noised(latents: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    """Mix latents [B, N, ...] with noise at noise shares [B, N]."""
    share = sigma.view(*sigma.shape, *[1] * (latents.ndim - 2))
    return latents.lerp(noise, share)


def noisy_chunks(
    sample: ClipSample, latents: Tensor, sigma: Tensor, noise: Tensor, text: Tensor
) -> Chunks:
    """Build model inputs from latents [B, n <= N, ...] at noise shares [B, n]."""
    n = latents.shape[1]
    inputs = torch.cat([noised(latents, sigma, noise), sample.control[:, :n]], 3)
    return Chunks(inputs, sigma, text[:, :n])


def velocity_loss(net: HouseNet, sample: ClipSample, copies: int) -> tuple[Tensor, Tensor]:
    """Return the flow-matching loss and its mean per chunk position [N]."""
    latents, device = sample.latents, sample.latents.device
    batch, num_chunks = latents.shape[:2]
    text = sample.text(net.captions, torch.rand(batch, device=device) < _CAPTION_DROPOUT)
    past = latents[:, :-1]
    context = noisy_chunks(
        sample, past, context_sigma((batch, num_chunks - 1), device), torch.randn_like(past), text
    )
    noises = [torch.randn_like(latents) for _ in range(copies)]
    noisy = [
        noisy_chunks(sample, latents, training_sigma((batch, num_chunks), 0.2, device), noise, text)
        for noise in noises
    ]
    velocities = forced_velocity(net.transformer, context, noisy)
    errors = [(v - (e - latents)).square() for v, e in zip(velocities, noises, strict=True)]
    by_chunk = torch.stack(errors).mean((0, 1, 3, 4, 5, 6))
    weight = torch.ones_like(by_chunk)
    weight[0] = _FIRST_CHUNK_WEIGHT
    return (by_chunk * weight).sum() / weight.sum(), by_chunk.detach()


class TransformerTrainer:
    """Everything a run keeps between steps."""

    def __init__(self, run: TransformerRun, runtime: Runtime, pools: PoolSet) -> None:
        self.run, self.runtime, self.pools = run, runtime, pools
        self.net = HouseNet(run.config).to(runtime.device)
        if run.weights:
            self.net.load(run.weights, run.weights_suffix)
        self.average = MovingAverage(self.net, 0.999)
        self.optimiser = MuonAdam(
            [self.net.transformer, self.net.captions], fused=runtime.device.type == "cuda"
        )
        self.step = 0
        self._load()
        runtime.share_weights(self.net)
        runtime.share_weights(self.average.module)

    @property
    def _state_path(self) -> Path:
        return self.run.state / "transformer.pt"

    def _load(self) -> None:
        state = load_state(self._state_path, self.runtime.device)
        if state is not None:
            self.net.load_state_dict(state["net"])
            self.average.module.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = self.average.steps = state["step"]
            self.runtime.log(f"resumed at step {self.step}")

    def save(self) -> None:
        """Save the resumable state and the averaged weights, from the first process."""
        if self.runtime.rank:
            return
        state: dict[str, Any] = {
            "net": self.net.state_dict(),
            "average": self.average.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        save_state(self._state_path, state)
        self.average.module.save(self.run.out, "-base")

    def train(self) -> None:
        """Train until the budget is spent."""
        run, runtime = self.run, self.runtime
        clock, begin = StageClock(runtime, run.seconds), self.step
        while (progress := clock.progress()) < 1:
            overall = run.start + (run.end - run.start) * progress
            if self.step % _DRAW_EVERY == 0:
                self.pools.add(overall)
            loss, by_chunk, norm = self.train_step(overall)
            done = self.step - begin
            if done in (1, 10, 50) or done % 250 == 0:
                value = float(runtime.mean(loss))
                check_finite(value, f"velocity loss at step {self.step}")
                runtime.log(
                    f"transformer {self.step} loss {value:.4f} first {by_chunk[0]:.3f} later "
                    f"{by_chunk[1:].mean():.3f} grad {norm:.2f} {done / clock.elapsed_s:.2f} it/s "
                    f"pool {self.pools.num_clips}"
                )

    def train_step(self, overall_progress: float) -> tuple[Tensor, Tensor, Tensor]:
        """Take one optimiser step. Nothing here waits for the device."""
        sample = self.pools.sample(self.run.batch_size, overall_progress)
        with torch.autocast(self.runtime.device.type, dtype=torch.bfloat16):
            loss, by_chunk = velocity_loss(self.net, sample, self.run.copies)
        torch.autograd.backward(loss)
        self.runtime.average_gradients([self.net])
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step(
            trapezoid_scale(overall_progress, self.step, _WARMUP_STEPS, _DECAY_SHARE, 0.03)
        )
        self.average.update(self.net)
        self.step += 1
        return loss.detach(), by_chunk, norm.detach()


def load_codec(folder: Path, runtime: Runtime) -> TAE:
    """Load the codec of stage 1."""
    codec = TAE(HOUSE_CODEC)
    load_weights(codec, folder / "codec.safetensors")
    return frozen_codec(codec, runtime.device)


def main() -> None:
    """Train from the command line."""
    parser = stage_parser(__doc__, seconds=600, seed=2, out="folder of the codec, and for weights")
    parser.add_argument("--batch-size", type=int, default=18)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--end", type=float, default=1.0)
    parser.add_argument("--weights", type=Path, help="folder of earlier weights to start from")
    parser.add_argument("--weights-suffix", default="-base", help='"" is a distilled model')
    parser.add_argument("--favour", default="", help="words to draw more of, with commas")
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    run = parse_run(parser, TransformerRun)
    runtime = start_runtime()
    rng = runtime.rng(run.seed)
    if run.compiled:
        compile_layers()
    wanted = favouring(run.pools, run.favour)
    pools = PoolSet(load_codec(run.out, runtime), wanted, runtime.device, rng)
    runtime.log(f"pools hold {pools.num_clips} clips")
    trainer = TransformerTrainer(run, runtime, pools)
    trainer.train()
    trainer.save()
    runtime.log(f"saved at step {trainer.step}")
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
