"""Generate latents chunk by chunk: denoise, hand on, commit. HOT.

In:     per chunk: noise by step, text rows, optional control (channels or a VACE context), optional
        video latents.
Out:    clean latents [B, F, C, h, w] float32, as many latent frames as the noise has.
Thread: generator.
Full:   cannot fill; the cache drops its oldest latents.   Source: Self-Forcing, LongLive, KREA.

One chunk of a model with a clean pass, in order:

    sampler.set_text(text)            only when the text changed
    latents = sampler.denoise_chunk(steps, noise)
    ...                               decode and hand the frames on: the next line is not urgent
    sampler.commit(latents)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.worker.models.wan.cache_plan import (
    CacheRule,
    CacheWindow,
    ContextPlan,
    ContextWrite,
    plan_context,
)
from engine.worker.models.wan.kv_cache import CacheShape, KVCache, TextCache
from engine.worker.models.wan.passes import Passes, PlainPasses, Steer
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vace import ChunkHints, VaceControl, VaceStack
from engine.worker.schedule import DenoisingSteps, add_noise, clean_from_flow

NoiseByStep = Callable[[int], Tensor]
"""step -> unit normal [B, F, C, h, w] float32; step 0 starts the chunk, step i > 0 follows
denoising step i - 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutConfig:
    """What does not change during a show.

    `height` and `width` are latent pixels; `context_timestep` is what the model is told of
    finished latents.
    """

    rule: CacheRule
    window: CacheWindow
    height: int
    width: int
    latents_per_chunk: int = 3
    context_timestep: float = 0.0
    keep_first_latent: bool = False
    batch: int = 1


class ChunkSampler:
    """One running show: a model, its caches, and the latents it still remembers."""

    def __init__(
        self, model: CausalTransformer, config: RolloutConfig, vace: VaceStack | None = None
    ) -> None:
        self.model = model
        self.vace = vace
        self.config = config
        grid = model.grid(1, config.height, config.width)
        shape = CacheShape(
            num_layers=model.config.num_layers,
            batch=config.batch,
            rows=grid.rows,
            columns=grid.columns,
            num_heads=model.config.num_heads,
            head_dim=model.config.head_dim,
            spacing=model.config.spacing(grid.rows, grid.columns),
        )
        self.cache = KVCache(shape, config.rule, config.window, model.dtype, model.device)
        self.text = TextCache(model, vace)
        self.plain = PlainPasses(model, self.cache, self.text)
        self.passes: Passes = self.plain
        self.reset()

    def reset(self) -> None:
        """Forget every latent; the text stays."""
        self.cache.reset()
        self.num_finished = 0
        self._first: Tensor | None = None
        self._recent: Tensor | None = None  # with their control channels: what the model saw

    def set_text(self, text: Tensor) -> None:
        """Use text rows [B, <= text_len, text_dim] from the next pass on."""
        self.text.set_text(text)

    def forget_rows(self) -> None:
        """Make text and time rows again at the next pass: weights have changed."""
        self.text.invalidate()
        self.passes.forget_rows()

    @torch.inference_mode()
    def denoise_chunk(
        self,
        steps: DenoisingSteps,
        noise: NoiseByStep,
        *,
        control: Tensor | None = None,
        video: Tensor | None = None,
        vace: VaceControl | None = None,
    ) -> Tensor:
        """Generate the next chunk.

        Args:
            steps: noise levels, noisiest first.
            noise: see `NoiseByStep`.
            control: [B, F, in_dim - out_dim, h, w]; None is zeros.
            video: latents [B, F, C, h, w] to start from, mixed with noise at `steps.start_sigma`.
            vace: what steers the chunk through the VACE stack. It steers the denoising alone: what
                the context remembers is made without it.

        Returns:
            Clean latents [B, F, C, h, w] float32, not yet in the context: see `commit`.
        """
        x = self.start(noise(0), video, steps.start_sigma)
        control = self.control_for(x, control)
        hints = self.hints_for(x, vace)
        self.cache.begin_chunk(x.shape[1])
        clean = x
        for step, (timestep, sigma) in enumerate(zip(steps.timesteps, steps.sigmas, strict=True)):
            if step:
                x = add_noise(clean, noise(step), sigma)
                self.cache.begin_repeat(x.shape[1])
            steer = Steer(hints, step, sigma) if hints else None
            flow = self._velocity(joined(x, control), timestep, steer)
            clean = clean_from_flow(x, flow, sigma)
        return clean

    @torch.inference_mode()
    def commit(
        self,
        latents: Tensor,
        *,
        control: Tensor | None = None,
        seen: Tensor | None = None,
        timestep: float | None = None,
    ) -> None:
        """Make the finished chunk part of the context.

        Args:
            latents: what `denoise_chunk` returned.
            control: what it was given.
            seen: latents to remember in place of the finished ones (noise added on purpose).
            timestep: what the model is told of `seen`; `context_timestep` if left out.
        """
        self._check("commit", latents)
        control = self.control_for(latents, control)
        if self.config.rule.context_write is ContextWrite.CLEAN_PASS:
            self.cache.begin_repeat(latents.shape[1])
            self._context_pass(joined(latents if seen is None else seen, control), timestep)
        self.remember(joined(latents, control))

    @torch.inference_mode()
    def prefill(self, latents: Tensor, *, control: Tensor | None = None) -> None:
        """Take given latents [B, F, C, h, w] as the next chunk, as if it had been generated."""
        self._check("prefill", latents)
        self.cache.begin_chunk(latents.shape[1])
        inputs = joined(latents, self.control_for(latents, control))
        self._context_pass(inputs)
        self.remember(inputs)

    @torch.inference_mode()
    def recache(self) -> int:
        """Rewrite the cached context under the present text, in one pass.

        Returns:
            Number of latents that were rewritten; 0 when nothing is cached.
        """
        self.text.invalidate()
        if self._recent is None or not self.cache.state.cached:
            return 0
        count = min(self._recent.shape[1], self.cache.state.cached)
        self.cache.begin_recache(count)
        self._context_pass(self._recent[:, -count:])
        return count

    @torch.inference_mode()
    def recompute(
        self, context: Tensor, *, control: Tensor | None = None, timestep: float | None = None
    ) -> None:
        """Replace the cached context by latents.

        `latents_per_chunk` latents form a block; blocks see themselves and the past.

        Args:
            context: [B, F, C, h, w].
            control: of the same latents; None is zeros.
            timestep: what the model is told of them; `context_timestep` if left out.
        """
        self._check("recompute", context)
        self.cache.begin_context(context.shape[1], self.config.latents_per_chunk)
        self._context_pass(joined(context, self.control_for(context, control)), timestep)

    def context_plan(self) -> ContextPlan | None:
        """Context to recompute before the next chunk; None when the rule or the start has none."""
        is_recomputed = self.config.rule.context_write is ContextWrite.RECOMPUTE
        if not is_recomputed or not self.num_finished:
            return None
        chunk = self.config.latents_per_chunk
        count = self.config.window.window_latents - chunk
        return plan_context(
            self.num_finished, chunk, count, keep_first=self.config.keep_first_latent
        )

    def context_latents(self, plan: ContextPlan, anchor: Tensor | None = None) -> Tensor:
        """Assemble the context that `plan` names.

        Args:
            plan: what `context_plan` returned.
            anchor: [B, 1, C, h, w], the re-encoded frame, when the plan needs it.

        Raises:
            ValueError: the anchor is needed and missing.
        """
        if self._first is None or self._recent is None:
            raise ValueError("no latents are finished: commit a chunk before its context is asked")
        head = anchor if plan.needs_anchor else self._first
        if head is None:
            raise ValueError("this context begins with a re-encoded anchor: pass anchor=...")
        channels = self.model.config.out_dim
        recent = self._recent[:, self._recent.shape[1] - len(plan.recent) :, :channels]
        return torch.cat([head, recent], 1)

    def start(self, noise: Tensor, video: Tensor | None, sigma: float) -> Tensor:
        """What a chunk starts from: noise, or video latents mixed with it at `sigma`.

        Raises:
            ValueError: one of them has other sizes than the show.
        """
        self._check("noise", noise)
        if video is None:
            return noise
        self._check("video", video)
        if video.shape != noise.shape:
            raise ValueError(f"video latents {list(video.shape)} and noise {list(noise.shape)}")
        return add_noise(video.float(), noise, sigma)

    def _check(self, what: str, latents: Tensor) -> None:
        """Raise unless `latents` is [batch, any, out_dim, height, width]."""
        config = self.config
        expected = (config.batch, self.model.config.out_dim, config.height, config.width)
        if latents.ndim != 5 or (latents.shape[0], *latents.shape[2:]) != expected:
            batch, channels, height, width = expected
            raise ValueError(
                f"{what} latents are {list(latents.shape)}, "
                f"expected [{batch}, F, {channels}, {height}, {width}]"
            )

    def control_for(self, latents: Tensor, control: Tensor | None) -> Tensor | None:
        """Control channels for these latents, zeros if there are none; None if the model has none.

        Raises:
            ValueError: the control has other sizes than the latents need.
        """
        channels = self.model.config.in_dim - self.model.config.out_dim
        shape = (*latents.shape[:2], channels, *latents.shape[3:])
        if control is None:
            return latents.new_zeros(shape) if channels else None
        if control.shape != shape:
            raise ValueError(f"control is {list(control.shape)}, expected {list(shape)}")
        return control.to(latents.dtype)

    def hints_for(self, latents: Tensor, vace: VaceControl | None) -> ChunkHints | None:
        """Prepare the hints of a chunk; None when nothing steers it.

        Raises:
            ValueError: there is no stack, or the context has other sizes than the latents need.
        """
        if vace is None or not vace.scale:
            return None
        if self.vace is None:
            raise ValueError("this model has no VACE stack: leave `vace` out")
        batch, count, _, height, width = latents.shape
        channels = self.vace.vace.in_dim
        shape = (batch, vace.num_references + count, channels, height, width)
        if vace.context.shape != shape:
            raise ValueError(
                f"VACE context is {list(vace.context.shape)}, expected {list(shape)}: "
                f"{vace.num_references} references and {count} latents"
            )
        return ChunkHints(self.model, self.vace, vace, self.text.vace_kvs())

    def _velocity(self, inputs: Tensor, timestep: float, steer: Steer | None = None) -> Tensor:
        """Predicted velocity [B, F, C, h, w] float32 of noisy latents with their control."""
        return self.passes.velocity(inputs, timestep, steer)

    def _context_pass(self, inputs: Tensor, timestep: float | None = None) -> None:
        """Leave keys and values of finished latents, with their control, in the cache."""
        told = self.config.context_timestep if timestep is None else timestep
        self.passes.context(inputs, told)

    def remember(self, inputs: Tensor) -> None:
        """Keep the newest window of finished latents, with their control."""
        if self._first is None:
            self._first = inputs[:, :1, : self.model.config.out_dim].clone()
        kept = inputs if self._recent is None else torch.cat([self._recent, inputs], 1)
        self._recent = kept[:, -self.config.window.window_latents :].clone()
        self.num_finished += inputs.shape[1]


def joined(latents: Tensor, control: Tensor | None) -> Tensor:
    """What the model sees: latents with their control channels, [B, F, in_dim, h, w]."""
    return latents if control is None else torch.cat([latents, control], 2)
