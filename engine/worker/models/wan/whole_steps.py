"""All steps of a steady chunk, and what its context keeps, as work for one recording. HOT.

In:     `ChunkInputs`, written into memory that stays.
Out:    clean latents [1, F, C, h, w] float32; keys and values in the cache.
Thread: generator.   Plain twin: `ChunkSampler.denoise_chunk`, `commit` and `recompute`.

A chunk has three parts, and only the second one may be recorded:

    take               inputs into their memory: noise, time rows, shares of noise, text, control
    denoise, context   the device's part: reads and writes memory that stays where it is
    finish             what the host knows of the show: state of the cache, newest latents

`take` and `finish` leave the sampler exactly as its own methods do, so a show may go from one to
the other at any chunk. Whatever a performer changes is an input; see `StepsPlan` for what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.worker.models.wan.cache_plan import (
    CacheState,
    ContextPlan,
    ContextWrite,
    PassPlan,
    plan_chunk,
    plan_context,
    plan_repeat,
)
from engine.worker.models.wan.fast_inputs import HeldRows, PassInputs, PassSteer, copy_into
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.kv_cache import CachePass
from engine.worker.models.wan.rollout import ChunkSampler, NoiseByStep, joined
from engine.worker.models.wan.vace import ChunkHints, VaceControl
from engine.worker.schedule import NUM_TRAIN_STEPS, DenoisingSteps


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkInputs:
    """What one chunk is made from.

    Attributes:
        steps, noise, control, video, vace: as of `ChunkSampler.denoise_chunk`.
        memory_sigma: share of noise in what the context remembers.
        memory_noise: latents → unit normal [B, latents, C, h, w], asked for if the share is not 0.
    """

    steps: DenoisingSteps
    noise: NoiseByStep
    control: Tensor | None = None
    video: Tensor | None = None
    vace: VaceControl | None = None
    memory_sigma: float = 0.0
    memory_noise: Callable[[int], Tensor]

    @property
    def num_references(self) -> int | None:
        """Reference images of the stack; None where it does not steer."""
        return self.vace.num_references if self.vace is not None and self.vace.scale else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsPlan:
    """What a chunk does, as far as it cannot be an input.

    Attributes:
        num_steps: denoising steps.
        num_references: of the stack; None where it does not steer.
        first, repeat: the cache in the first step and in later ones.
        last: the cache in the pass over the context.
        context: which latents make up a recomputed context; None where the chunk itself is kept.
    """

    num_steps: int
    num_references: int | None
    first: PassPlan
    repeat: PassPlan
    last: PassPlan
    context: ContextPlan | None

    @property
    def key(self) -> Hashable:
        """Equal for chunks that do the same to the same memory."""
        passes = [_key(plan) for plan in (self.first, self.repeat, self.last)]
        return self.num_steps, self.num_references, *passes

    @property
    def needs_anchor(self) -> bool:
        """Whether the context begins with a frame of the chunk, encoded anew."""
        return self.context is not None


def _key(plan: PassPlan) -> Hashable:
    return plan.evict, plan.write_start, plan.write_stop, plan.write_skip, plan.query_positions


class WholeSteps:
    """The steps of one show. Its memory is made when it is first needed and stays."""

    def __init__(self, sampler: ChunkSampler, passes: FastPasses) -> None:
        self._sampler = sampler
        self._passes = passes
        self._held: dict[Hashable, Tensor] = {}
        self._shares: dict[Hashable, tuple[float, Tensor]] = {}
        self._rows: dict[Hashable, HeldRows] = {}

    def plan(self, given: ChunkInputs) -> StepsPlan | None:
        """Return what the next chunk does; None where that is not the rule of a running show."""
        sampler, cache = self._sampler, self._sampler.cache
        count = sampler.config.latents_per_chunk
        first = plan_chunk(cache.rule, cache.window, cache.state, count)
        repeat = plan_repeat(cache.rule, cache.window, first.after, count)
        last, context = repeat, None
        match cache.rule.context_write:
            case ContextWrite.CLEAN_PASS:
                pass
            case ContextWrite.RECOMPUTE:
                context = self._context_plan()
                if context is None:
                    return None
                last = plan_chunk(cache.rule, cache.window, CacheState(), context.num_latents)
            case ContextWrite.NONE:
                return None
        return StepsPlan(
            num_steps=len(given.steps), num_references=given.num_references,
            first=first, repeat=repeat, last=last, context=context,
        )  # fmt: skip

    def _context_plan(self) -> ContextPlan | None:
        """Return the context that will be recomputed, if all of it lies in the chunk itself."""
        config = self._sampler.config
        chunk = config.latents_per_chunk
        plan = plan_context(
            self._sampler.num_finished + chunk, chunk, config.window.window_latents - chunk,
            keep_first=config.keep_first_latent,
        )  # fmt: skip
        # One that is longer than a chunk is masked, and earlier latents do not stay in one place.
        is_within = plan.needs_anchor and len(plan.recent) <= chunk and plan.num_latents <= chunk
        return plan if is_within else None

    def take(self, plan: StepsPlan, given: ChunkInputs) -> None:
        """Write all that the device's part reads."""
        sampler, steps = self._sampler, given.steps
        start = sampler.start(given.noise(0), given.video, steps.start_sigma)
        copy_into(self._held, "start", start)
        control = sampler.control_for(start, given.control)
        if control is not None:
            copy_into(self._held, "control", control)
        hints = sampler.hints_for(start, given.vace)
        if hints is not None:
            self._passes.control.take_chunk(hints)
        self._passes.take_text(is_steered=hints is not None)
        for step, (timestep, sigma) in enumerate(zip(steps.timesteps, steps.sigmas, strict=True)):
            if step:
                copy_into(self._held, ("noise", step), given.noise(step))
            self._take_step(step, timestep, sigma, hints)
        self._take_memory(plan, given)

    def _take_step(
        self, step: int, timestep: float, sigma: float, hints: ChunkHints | None
    ) -> None:
        own, stack = self._passes.rows_at(timestep)
        self._rows.setdefault(step, HeldRows()).take(own)
        self._set_shares(step, sigma)
        if hints is None or stack is None:
            return
        self._rows.setdefault(("stack", step), HeldRows()).take(stack)
        references = hints.reference_tokens(step, sigma)
        if references is not None:
            copy_into(self._held, ("references", hints.num_references, step), references)

    def _take_memory(self, plan: StepsPlan, given: ChunkInputs) -> None:
        sigma, count = given.memory_sigma, plan.last.num_latents
        if sigma:
            copy_into(self._held, "memory", given.memory_noise(count))
        elif "memory" not in self._held:
            first = self._held["start"][:, :1]
            self._held["memory"] = torch.zeros_like(first).repeat(1, count, 1, 1, 1)
        told = NUM_TRAIN_STEPS * sigma if sigma else self._sampler.config.context_timestep
        self._rows.setdefault("memory", HeldRows()).take(self._passes.rows_at(told)[0])
        self._set_shares("memory", sigma)

    def _set_shares(self, name: Hashable, sigma: float) -> None:
        """Write the shares of clean latents and of noise, rounded as factors of a tensor are."""
        for key, value in ((("clean", name), 1 - sigma), (("noise", name), sigma)):
            known = self._shares.get(key)
            if known is None:
                known = value, torch.full((), value, device=self._sampler.model.device)
            elif known[0] != value:
                known = value, known[1].fill_(value)
            self._shares[key] = known

    def denoise(self, plan: StepsPlan, views: tuple[CachePass, CachePass]) -> Tensor:
        """Do the device's part of all steps; returns clean latents."""
        self._sampler.cache.make_room(plan.first)
        x = clean = self._held["start"]
        for step in range(plan.num_steps):
            if step:
                x = self._mixed(step, clean, self._held["noise", step])
            given = self._step_inputs(x, step, plan.num_references)
            flow = self._passes.velocity_of(views[min(step, 1)], given)
            clean = x - self._shares["noise", step][1] * flow
        return clean

    def context(
        self, plan: StepsPlan, view: CachePass, latents: Tensor, anchor: Tensor | None
    ) -> None:
        """Do the device's part of what the context keeps.

        Args:
            plan: of the chunk.
            view: the cache in this pass.
            latents: what `denoise` returned.
            anchor: [1, 1, C, h, w], the head of a recomputed context; None without one.
        """
        seen = latents
        if plan.context is not None and anchor is not None:
            recent = latents[:, latents.shape[1] - len(plan.context.recent) :]
            seen = torch.cat([anchor, recent], 1)
        # A share of 0 changes no latent, so memory noise is an input as well.
        seen = self._mixed("memory", seen, self._held["memory"])
        held = self._passes.latents_of(joined(seen, self._control_of(plan, seen)))
        self._passes.context_of(view, PassInputs(held, self._rows["memory"].rows))

    def views(self, plan: StepsPlan) -> tuple[CachePass, CachePass, CachePass]:
        """Return the cache as the first step, later ones, and the context pass see it."""
        cache = self._sampler.cache
        return cache.view(plan.first), cache.view(plan.repeat), cache.view(plan.last)

    def finish(self, plan: StepsPlan, latents: Tensor) -> None:
        """Do the host's part: where the cache stands now, and the newest latents."""
        self._sampler.cache.enter(plan.last)
        self._sampler.remember(joined(latents, self._held.get("control")))

    def _mixed(self, name: Hashable, clean: Tensor, noise: Tensor) -> Tensor:
        """Do what `schedule.add_noise` does, with shares that are inputs."""
        return self._shares["clean", name][1] * clean + self._shares["noise", name][1] * noise

    def _step_inputs(self, x: Tensor, step: int, num_references: int | None) -> PassInputs:
        latents = self._passes.latents_of(joined(x, self._held.get("control")))
        rows = self._rows[step].rows
        if num_references is None:
            return PassInputs(latents, rows)
        control, references = self._passes.control, ("references", num_references, step)
        steer = PassSteer(
            self._rows["stack", step].rows, control.context(num_references),
            self._held.get(references), control.gate, num_references,
        )  # fmt: skip
        return PassInputs(latents, rows, steer)

    def _control_of(self, plan: StepsPlan, seen: Tensor) -> Tensor | None:
        """Control channels of what is kept: the chunk's own, none for a recomputed context."""
        if plan.context is None:
            return self._held.get("control")
        return self._sampler.control_for(seen, None)
