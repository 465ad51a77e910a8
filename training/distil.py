"""Stage 3: distil the house transformer to two denoising steps.

python -m training.distil --seconds 240 --out runs/house

Distribution matching on the model's own rollouts. The student plays chunk after chunk from its own
past; each finished chunk is noised, and two score models say where the data (frozen teacher, with
guidance) and where the student's own output (critic, trained along) would go; the student follows
the difference. Some shows start from noisy video of another caption, so that video-to-video works
in two steps too. With `--judge` a small head on the critic also learns to tell rendered from played
chunks, and the student follows its gradient as well: what the teacher never learnt (straight
edges, fine patterns) can only come from the data.
Source: Yin et al., DMD2 (2024); Huang et al., Self-Forcing (2025).
"""

import copy
import random
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.models.house.house import HOUSE_SAMPLING, HOUSE_TRANSFORMER
from engine.worker.models.house.vocabulary import NUM_SLOTS
from engine.worker.models.wan.transformer import TransformerConfig
from training.checkpoints import load_state, save_state
from training.forced import Chunks, compile_layers, forced_pass, forced_velocity
from training.judge import Judge
from training.optimisers import MovingAverage, trapezoid_scale
from training.pool import FINE, SQUARE, WIDE, ClipSample, PoolSet, PoolSettings, favouring
from training.rollout import Rollout, Sampling, ShowInputs, roll_out
from training.runtime import Runtime, StageClock, check_finite, start_runtime, stop_runtime
from training.stage import parse_run, stage_parser
from training.transformer import (
    HouseNet,
    context_sigma,
    load_codec,
    noisy_chunks,
    shift_sigma,
    training_sigma,
)

_SCORE_CONTEXT_SIGMA = 0.08
_VIDEO_SHARE = 0.3
_GO_ON_SHARE = 0.5
_LAST_STEP_SHARE = 0.75
_CRITIC_WARMUP = 10
_BUFFER = 12
_JUDGE_DEPTH = 0.7  # of the critic's layers
_JUDGE_LOSS = 0.03
_JUDGED_SIGMA = (0.02, 0.7)
_DRAW_EVERY = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilRun:
    """Settings of one run."""

    seconds: float
    out: Path
    state: Path
    seed: int = 3
    batch_size: int = 16
    rate: float = 1.5e-4
    guidance: float = 2.0
    critic_steps: int = 2
    judge: float = 0.0  # size of the judge's push, as a share of the score difference
    compiled: bool = True
    favour: str = ""
    config: TransformerConfig = HOUSE_TRANSFORMER
    pools: tuple[PoolSettings, ...] = (
        replace(SQUARE, first_fill=768),
        replace(WIDE, first_fill=384),
        replace(FINE, first_fill=96, batch_scale=0.25, starts_at=0.0),
    )


@dataclass(frozen=True, slots=True)
class Produced:
    """Student output of one step together with what it was made under.

    The first `num_given` chunks are the end of the step before: context, not output.
    """

    rendered: ClipSample
    sample: ClipSample
    num_given: int
    past: Tensor  # [B, N - 1, ...] the rolled-out chunks that were its context
    latents: Tensor  # [B, N, ...] what the student predicted


def going_on(rendered: ClipSample, last: Tensor) -> ClipSample:
    """Return what a show is played under that goes on after its last chunk [B, 1, ...]."""
    control = rendered.control
    batch, num_chunks = rendered.latents.shape[:2]
    return ClipSample(
        latents=torch.cat([last, rendered.latents], 1),
        control=torch.cat([control[:, -1:], control], 1),
        caption_from=rendered.caption_to,
        caption_to=rendered.caption_to,
        blend=rendered.blend.new_ones(batch, num_chunks + 1),
    )


class Distiller:
    """Student, critic, teacher, judge and their optimisers."""

    def __init__(self, run: DistilRun, runtime: Runtime, pools: PoolSet) -> None:
        self.run, self.runtime, self.pools = run, runtime, pools
        self.rng: random.Random = runtime.rng(run.seed)
        self.teacher = HouseNet(run.config).to(runtime.device)
        self.teacher.load(run.out, "-base")
        self.student = copy.deepcopy(self.teacher)
        self.critic = copy.deepcopy(self.teacher)
        self.judge = Judge(run.config.dim).to(runtime.device)
        self._judge_layers = round(_JUDGE_DEPTH * run.config.num_layers)
        self.teacher.requires_grad_(False)
        for net in (self.student, self.critic):
            net.captions.requires_grad_(False)
        self.average = MovingAverage(self.student, 0.995)
        self.step = 0
        self._adam_student = self._adam([self.student.transformer], run.rate)
        self._adam_critic = self._adam([self.critic.transformer, self.judge], 2 * run.rate)
        self._load()
        self._produced: list[Produced] = []
        self._tail: tuple[ClipSample, Tensor] | None = None
        nulls = torch.zeros(NUM_SLOTS, dtype=torch.long, device=runtime.device)
        self._null_text = self.teacher.captions(nulls).detach()

    def _adam(self, modules: list[nn.Module], rate: float) -> torch.optim.AdamW:
        fused = self.runtime.device.type == "cuda"
        parameters = [parameter for module in modules for parameter in module.parameters()]
        return torch.optim.AdamW(parameters, rate, betas=(0.0, 0.99), weight_decay=0, fused=fused)

    @property
    def _state_path(self) -> Path:
        return self.run.state / "distil.pt"

    def _load(self) -> None:
        state = load_state(self._state_path, self.runtime.device)
        if state is not None:
            self.student.load_state_dict(state["student"])
            self.critic.load_state_dict(state["critic"])
            self.judge.load_state_dict(state["judge"])
            self._adam_student.load_state_dict(state["adam student"])
            self._adam_critic.load_state_dict(state["adam critic"])
            self.average.module.load_state_dict(state["average"])
            self.step = self.average.steps = state["step"]
            self.runtime.log(f"resumed at step {self.step}")

    def save(self) -> None:
        """Save the resumable state and the averaged student, which is the shipped model."""
        if self.runtime.rank:
            return
        state = {
            "student": self.student.state_dict(),
            "critic": self.critic.state_dict(),
            "judge": self.judge.state_dict(),
            "average": self.average.module.state_dict(),
            "adam student": self._adam_student.state_dict(),
            "adam critic": self._adam_critic.state_dict(),
            "step": self.step,
        }
        save_state(self._state_path, state)
        self.average.module.save(self.run.out)

    def train(self) -> None:
        """Distil until the budget is spent."""
        clock, begin = StageClock(self.runtime, self.run.seconds), self.step
        while (progress := clock.progress()) < 1:
            if self.step % _DRAW_EVERY == 0:
                self.pools.add(progress)
            scale = trapezoid_scale(progress, self.step - begin, 20, 0.4, 0.1)
            push = self.student_step(scale, progress)
            loss = torch.zeros(())
            for _ in range(self.run.critic_steps):
                loss = self.critic_step(max(scale, 0.3))
            self.step += 1
            done = self.step - begin
            if done in (1, _CRITIC_WARMUP + 1, 20) or done % 25 == 0:
                value = float(self.runtime.mean(loss.to(self.runtime.device)))
                check_finite(value, f"critic loss at step {self.step}")
                spread = self._produced[-1].latents.std()
                moving = self._produced[-1].latents.diff(dim=2).abs().mean()
                real = self._produced[-1].rendered.latents.diff(dim=2).abs().mean()
                self.runtime.log(
                    f"distil {self.step} push {push:.4f} critic {value:.4f} std {spread:.3f} "
                    f"motion {moving:.3f} (data {real:.3f}) {done / clock.elapsed_s:.2f} it/s"
                )

    def student_step(self, scale: float, progress: float) -> Tensor:
        """Roll out, keep the result for the critic, and (after its warm-up) push the student."""
        rendered, sample, num_given = self._next_show(progress)
        text = sample.text(self.student.captions).detach()
        with self._autocast():
            rollout = roll_out(
                self.student.transformer,
                self._show_inputs(sample, text, num_given),
                Sampling(sigmas=HOUSE_SAMPLING.sigmas),
                num_given=num_given,
            )
            latents = self._predict(sample, rollout, text, num_given)
        self._tail = rendered, rollout.latents[:, -1:]
        kept = Produced(rendered, sample, num_given, rollout.latents[:, :-1], latents.detach())
        self._produced = [*self._produced, kept][-_BUFFER:]
        if self.step < _CRITIC_WARMUP:
            return torch.zeros(())
        push = self._score_difference(kept, text)
        if self.run.judge:
            pull = self._judge_gradient(kept, text)
            size = self.run.judge * push.abs().mean() / pull.abs().mean().clamp_min(1e-12)
            push = push + size * pull
        push[:, :num_given] = 0
        loss = 0.5 * (latents - (kept.latents - push)).square().mean()
        torch.autograd.backward(loss)
        self._finish_step(self.student, self._adam_student, self.run.rate * scale)
        self.average.update(self.student)
        return push.abs().mean()

    def _next_show(self, progress: float) -> tuple[ClipSample, ClipSample, int]:
        """Begin new shows, or go on with those of the step before, as a night goes on.

        Returns the rendered clips, what is played under, and how many chunks of it are given.
        """
        if self._tail is not None and self.rng.random() < _GO_ON_SHARE:
            rendered, last = self._tail
            return rendered, going_on(rendered, last), 1
        rendered = self.pools.sample(self.run.batch_size, progress)
        return rendered, rendered, 0

    def _show_inputs(self, sample: ClipSample, text: Tensor, num_given: int) -> ShowInputs:
        """Most shows start from noise, some from the video of the next clip of the batch."""
        batch, device = text.shape[0], text.device
        strength = 0.4 + 0.55 * torch.rand(batch, device=device)
        from_noise = torch.rand(batch, device=device) >= _VIDEO_SHARE
        return ShowInputs(
            text=text,
            control=sample.control,
            null_text=self._null_text,
            video=torch.cat(
                [sample.latents[:, :num_given], sample.latents[:, num_given:].roll(1, 0)], 1
            ),
            strength=strength.masked_fill(from_noise, 1.0),
        )

    def _predict(
        self, sample: ClipSample, rollout: Rollout, text: Tensor, num_given: int
    ) -> Tensor:
        """Repeat one denoising step of the rollout, all chunks at once, with gradients."""
        last = len(rollout.step_inputs) - 1
        step = last if self.rng.random() < _LAST_STEP_SHARE else self.rng.randrange(last)
        given, batch = rollout.step_inputs[step], text.shape[0]
        num_chunks = given.shape[1]
        past = rollout.latents[:, :-1]
        zeros = torch.zeros(batch, num_chunks, device=text.device)
        sigma = rollout.step_sigmas[step].unsqueeze(1).expand(-1, num_chunks)
        context = noisy_chunks(sample, past, zeros[:, 1:], past, text)
        # `given` is noisy already: mix in none, but tell the model its noise share.
        chunks = noisy_chunks(sample, given, zeros, given, text).at(sigma)
        (velocity,) = forced_velocity(self.student.transformer, context, [chunks])
        share = sigma.view(batch, num_chunks, 1, 1, 1, 1)
        predicted = given - share * velocity
        return torch.cat([rollout.latents[:, :num_given], predicted[:, num_given:]], 1)

    @torch.no_grad()
    def _score_difference(self, produced: Produced, text: Tensor) -> Tensor:
        """Return the gradient to descend: where the critic points, less where the data points."""
        sample, latents = produced.sample, produced.latents
        batch, num_chunks = latents.shape[:2]
        uniform = 0.02 + 0.96 * torch.rand(batch, 1, device=latents.device)
        sigma = shift_sigma(uniform, 2.5).expand(-1, num_chunks).contiguous()
        level = torch.full_like(sigma[:, 1:], _SCORE_CONTEXT_SIGMA)
        noise, past_noise = torch.randn_like(latents), torch.randn_like(produced.past)

        def velocity(net: HouseNet, rows: Tensor) -> Tensor:
            context = noisy_chunks(sample, produced.past, level, past_noise, rows)
            noisy = noisy_chunks(sample, latents, sigma, noise, rows)
            return forced_velocity(net.transformer, context, [noisy])[0]

        with self._autocast():
            guided, fake = velocity(self.teacher, text), velocity(self.critic, text)
            plain = velocity(self.teacher, self._null_text.expand_as(text))
        real = plain + self.run.guidance * (guided - plain)
        share = sigma.view(batch, num_chunks, 1, 1, 1, 1)
        noisy_latents = latents.lerp(noise, share)
        distance = (latents - (noisy_latents - share * real)).abs()
        normaliser = distance.mean((2, 3, 4, 5), keepdim=True).clamp_min(0.02)
        return torch.nan_to_num(share * (real - fake) / normaliser)

    def critic_step(self, scale: float) -> Tensor:
        """Teach the critic the velocity field of what the student makes."""
        produced = self.rng.choice(self._produced)
        sample, latents = produced.sample, produced.latents
        shape, device = (latents.shape[0], latents.shape[1]), latents.device
        text = sample.text(self.critic.captions).detach()
        noise, past = torch.randn_like(latents), produced.past
        with self._autocast():
            level = context_sigma((shape[0], shape[1] - 1), device)
            context = noisy_chunks(sample, past, level, torch.randn_like(past), text)
            sigma = training_sigma(shape, 0.5, device)
            noisy = noisy_chunks(sample, latents, sigma, noise, text)
            played = forced_pass(self.critic.transformer, context, [noisy], tap=self._judge_layers)
            loss = (played.velocities[0] - (noise - latents)).square().mean()
            if self.run.judge:
                loss = loss + _JUDGE_LOSS * self._judge_loss(
                    produced.rendered, (level, sigma), played.features[0]
                )
        torch.autograd.backward(loss)
        self._finish_step(self.critic, self._adam_critic, 2 * self.run.rate * scale)
        return loss.detach()

    def _judge_loss(
        self, sample: ClipSample, levels: tuple[Tensor, Tensor], played: Tensor
    ) -> Tensor:
        """Loss of telling played tokens from those of rendered clips at the same noise shares."""
        past, num_chunks = sample.latents[:, :-1], sample.latents.shape[1]
        levels = levels[0][:, : num_chunks - 1], levels[1][:, :num_chunks]
        text = sample.text(self.critic.captions).detach()
        context = noisy_chunks(sample, past, levels[0], torch.randn_like(past), text)
        noise = torch.randn_like(sample.latents)
        noisy = noisy_chunks(sample, sample.latents, levels[1], noise, text)
        rendered = self._features(context, noisy)
        return F.softplus(-self.judge(rendered)).mean() + F.softplus(self.judge(played)).mean()

    def _judge_gradient(self, produced: Produced, text: Tensor) -> Tensor:
        """Return the gradient to descend for the judge to take the latents for rendered ones."""
        sample, past = produced.sample, produced.past
        latents = produced.latents.clone().requires_grad_()
        batch, num_chunks = latents.shape[:2]
        low, high = _JUDGED_SIGMA
        drawn = low + (high - low) * torch.rand(batch, 1, device=latents.device)
        sigma = drawn.expand(-1, num_chunks).contiguous()
        level = torch.full_like(sigma[:, 1:], _SCORE_CONTEXT_SIGMA)
        with self._autocast():
            context = noisy_chunks(sample, past, level, torch.randn_like(past), text)
            noisy = noisy_chunks(sample, latents, sigma, torch.randn_like(latents), text)
            logits = self.judge(self._features(context, noisy))
        (gradient,) = torch.autograd.grad(F.softplus(-logits).mean(), latents)
        return gradient

    def _features(self, context: Chunks, noisy: Chunks) -> Tensor:
        found = forced_pass(
            self.critic.transformer, context, [noisy], tap=self._judge_layers, features_only=True
        )
        return found.features[0]

    def _finish_step(self, net: HouseNet, adam: torch.optim.AdamW, rate: float) -> None:
        parameters = [p for p in adam.param_groups[0]["params"] if p.grad is not None]
        self.runtime.average_gradients([net])
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.param_groups[0]["lr"] = rate
        adam.step()
        adam.zero_grad(set_to_none=True)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.runtime.device.type, dtype=torch.bfloat16)


def main() -> None:
    """Distil from the command line."""
    parser = stage_parser(__doc__, seconds=240, seed=3, out="folder of stages 1 and 2")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--critic-steps", type=int, default=2)
    parser.add_argument("--judge", type=float, default=0.0, help="size of the judge's push")
    parser.add_argument("--favour", default="", help="words to draw more of, with commas")
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    run = parse_run(parser, DistilRun)
    runtime = start_runtime()
    if run.compiled:
        compile_layers(dynamic=True)  # three sizes, two lengths and eight kinds of passes
    rng = runtime.rng(run.seed)
    wanted = favouring(run.pools, run.favour)
    pools = PoolSet(load_codec(run.out, runtime), wanted, runtime.device, rng)
    runtime.log(f"pools hold {pools.num_clips} clips")
    distiller = Distiller(run, runtime, pools)
    distiller.train()
    distiller.save()
    runtime.log(f"saved at step {distiller.step}")
    stop_runtime(runtime)


if __name__ == "__main__":
    main()
