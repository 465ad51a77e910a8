"""Streaming generation for training and evaluation: batches of shows, chunk by chunk.

The engine's own sampler plays one show; this one plays many at once, also with classifier-free
guidance and per-clip noise shares. A test holds the two equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.worker.models.wan.transformer import CausalTransformer
from training.forced import Chunks, LayerMemory, step_velocity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to denoise a chunk.

    `sigmas` are the noise shares of the denoising steps for a start from pure noise; a start from
    a video at strength s uses s times these. With `guidance` other than 1 the null caption's
    prediction is extrapolated from; `deterministic` steps along the flow instead of re-noising.
    """

    sigmas: tuple[float, ...] = (1.0, 0.7)
    context_sigma: float = 0.0
    guidance: float = 1.0
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class ShowInputs:
    """What drives B shows of N chunks."""

    text: Tensor  # [B, N, 8, text_dim]
    control: Tensor  # [B, N, 3, 5, h, w]
    null_text: Tensor  # [8, text_dim], for guidance
    video: Tensor  # [B, N, 3, 16, h, w], where a start from video starts
    strength: Tensor  # [B], noise share of the first step: 1 starts from pure noise


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a rollout leaves: the clean latents, and what each denoising step was given."""

    latents: Tensor  # [B, N, 3, 16, h, w]
    step_inputs: list[Tensor]  # per step [B, N, 3, 16, h, w]
    step_sigmas: list[Tensor]  # per step [B]


def text_only(text: Tensor, null_text: Tensor, height: int, width: int) -> ShowInputs:
    """Return inputs without control or video for text rows [B, N, 8, text_dim]."""
    shape = (*text.shape[:2], 3)
    return ShowInputs(
        text=text,
        control=text.new_zeros(*shape, 5, height, width),
        null_text=null_text,
        video=text.new_zeros(*shape, 16, height, width),
        strength=text.new_ones(text.shape[0]),
    )


@torch.no_grad()
def roll_out(
    model: CausalTransformer,
    inputs: ShowInputs,
    sampling: Sampling,
    *,
    generator: torch.Generator | None = None,
    reset_at: int | None = None,
    num_given: int = 0,
) -> Rollout:
    """Generate N chunks, each after the clean pass over the one before.

    Args:
        model: the transformer.
        inputs: text, control, video.
        sampling: how to denoise.
        generator: source of noise; None uses torch's default.
        reset_at: chunk before which the context is forgotten (a hard cut).
        num_given: so many chunks are not generated but taken from `inputs.video`, clean.
    """
    memory: Sequence[LayerMemory] | None = None
    null_memory: Sequence[LayerMemory] | None = None
    sigmas = [inputs.strength * sigma for sigma in sampling.sigmas]
    clean: list[Tensor] = []
    given: list[list[Tensor]] = [[] for _ in sigmas]
    for n in range(inputs.text.shape[1]):
        if n == reset_at:
            memory = null_memory = None
        text, control = inputs.text[:, n : n + 1], inputs.control[:, n : n + 1]
        guided = _Guided(model, text, inputs.null_text, control, sampling.guidance)
        x0 = inputs.video[:, n]
        x = _mix(x0, _noise_like(x0, generator), sigmas[0])
        for step, sigma in enumerate(sigmas):
            given[step].append(x)
            if n < num_given:
                continue
            velocity = guided.velocity(x, sigma, memory, null_memory)
            x0 = x - _wide(sigma) * velocity
            if step + 1 < len(sigmas):
                noise = velocity + x0 if sampling.deterministic else _noise_like(x0, generator)
                x = _mix(x0, noise, sigmas[step + 1])
        clean.append(x0)
        level = torch.full_like(inputs.strength, sampling.context_sigma)
        seen = _mix(x0, _noise_like(x0, generator), level) if sampling.context_sigma else x0
        memory, null_memory = guided.remember(seen, level, memory, null_memory)
    steps = [torch.stack(xs, 1) for xs in given]
    return Rollout(torch.stack(clean, 1), steps, sigmas)


@dataclass(frozen=True, slots=True)
class _Guided:
    """One chunk's conditions; answers with guidance if asked."""

    model: CausalTransformer
    text: Tensor
    null_text: Tensor
    control: Tensor
    guidance: float

    def velocity(
        self,
        x: Tensor,
        sigma: Tensor,
        memory: Sequence[LayerMemory] | None,
        null_memory: Sequence[LayerMemory] | None,
    ) -> Tensor:
        chunk = self._chunk(x, sigma, self.text)
        velocity, _ = step_velocity(self.model, chunk, memory)
        if self.guidance != 1:
            plain, _ = step_velocity(self.model, self._null(x, sigma), null_memory)
            velocity = plain + self.guidance * (velocity - plain)
        return velocity

    def remember(
        self,
        x: Tensor,
        sigma: Tensor,
        memory: Sequence[LayerMemory] | None,
        null_memory: Sequence[LayerMemory] | None,
    ) -> tuple[list[LayerMemory], list[LayerMemory] | None]:
        _, left = step_velocity(self.model, self._chunk(x, sigma, self.text), memory)
        if self.guidance == 1:
            return left, None
        return left, step_velocity(self.model, self._null(x, sigma), null_memory)[1]

    def _null(self, x: Tensor, sigma: Tensor) -> Chunks:
        return self._chunk(x, sigma, self.null_text.expand_as(self.text))

    def _chunk(self, x: Tensor, sigma: Tensor, text: Tensor) -> Chunks:
        inputs = torch.cat([x.unsqueeze(1), self.control], 3)
        return Chunks(inputs, sigma.unsqueeze(1), text)


def _wide(sigma: Tensor) -> Tensor:
    return sigma.view(-1, 1, 1, 1, 1)


def _mix(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    return clean.lerp(noise, _wide(sigma))


def _noise_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, device=x.device, dtype=x.dtype, generator=generator)
