"""What a plan asks of the sampler, decided without a model: steps, noise, what goes into the cache.

In:     a `ChunkPlan`, the row of the model, what conditions the chunk.
Out:    step lists, noise keys, levels of noise.
Thread: generator. Nothing here keeps state or touches a device.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from engine.protocol.orders import KV_CACHE, ChunkPlan
from engine.protocol.parameters import LORA_ROWS
from engine.protocol.values import Reset, WeightedPrompt
from engine.worker.conditions import Condition
from engine.worker.models.spec import ModelSpec
from engine.worker.noise import NoiseKey
from engine.worker.schedule import DenoisingSteps
from engine.worker.steps import chunk_steps, start_sigma

MEMORY_STEP = 1 << 16  # noise key of the clean pass; denoising steps count from 0
REFERENCE_STEP = 1 << 17  # noise keys of reference images, a step each


class Commit(Enum):
    """How a finished chunk gets into the context."""

    CLEAN = "clean"  # as it is
    NOISY = "noisy"  # with memory noise on it
    RECOMPUTE = "recompute"  # the whole context is made anew, with or without noise


def warm_up_plan(index: int, text: tuple[WeightedPrompt, ...], num_steps: int = 1) -> ChunkPlan:
    """Return the plan of chunk `index` of a warm-up, steered if the model can be.

    Args:
        index: of the chunk.
        text: that it is made under.
        num_steps: denoising steps; 0 is as many as the model's own.
    """
    return ChunkPlan(
        chunk_index=-1, cut_number=0, chunk_in_cut=index, snapshot_version=0, seed=0,
        text=text, parameters={"steps": float(num_steps), "control_amount": 1.0},
    )  # fmt: skip


def steps_of(spec: ModelSpec, plan: ChunkPlan, condition: Condition) -> DenoisingSteps:
    """Return the noise levels of the plan's chunk."""
    count = int(plan.parameters.get("steps", 0.0))
    return chunk_steps(
        spec.steps, count, _start_share(plan, condition),
        shift=spec.shift, ends_clean=spec.ends_clean, tells_less=spec.tells_less,
    )  # fmt: skip


def _start_share(plan: ChunkPlan, condition: Condition) -> float:
    """Return the share of noise that the chunk starts from: 1 without a video."""
    if condition.video is None:
        return 1.0
    if condition.noise_share is not None:
        return condition.noise_share
    return start_sigma(plan.parameters.get("input_amount", 0.0))


def noise_key(plan: ChunkPlan, step: int) -> NoiseKey:
    """Return the key of the noise of a step, see the constants above."""
    return NoiseKey(seed=plan.seed, chunk=plan.chunk_in_cut, step=step)


def control_amount(plan: ChunkPlan) -> float:
    """Return how strongly control steers, 0..1."""
    return plan.parameters.get("control_amount", 0.0)


def memory_sigma(plan: ChunkPlan) -> float:
    """Return the noise level of what the model remembers, 0..1."""
    return plan.parameters.get("memory_noise", 0.0)


def commit_of(spec: ModelSpec, plan: ChunkPlan) -> Commit:
    """Return how the plan's chunk is committed."""
    if spec.recomputes:
        return Commit.RECOMPUTE
    return Commit.NOISY if memory_sigma(plan) else Commit.CLEAN


def lora_amounts(plan: ChunkPlan) -> tuple[float, ...]:
    """Return how strongly each LoRA changes the model."""
    return tuple(plan.parameters.get(name, 0.0) for name in LORA_ROWS)


def starts_anew(resets: Iterable[Reset]) -> bool:
    """Return whether the picture goes on from nothing."""
    return any(reset.state == KV_CACHE for reset in resets)
