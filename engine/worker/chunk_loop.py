"""The chunk is a transaction: one plan in, frames out, one report. HOT.

In:     `ChunkPlan`.
Out:    BGRX frames [H, W, 4] uint8 in the frame ring, `FramesReady`, then `ChunkReport`.
Thread: main (generator). Nothing else touches the model while a chunk runs.
Full:   cannot fill: the host plans a chunk only when its frames have room.

What is urgent comes first: frames leave before the clean pass, which only the next chunk needs.
What a plan asks for is decided in `recipe`, what a boundary resets in `kept_state`. On a GPU a
steady chunk is played as one, see `whole_chunk`; the stages here are its plain twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from engine.protocol.frame_ring import RingReader, RingWriter
from engine.protocol.orders import ChunkPlan, ChunkReport, WorkerEvent
from engine.protocol.values import Reset
from engine.worker import recipe
from engine.worker.conditions import Condition, to_bytes
from engine.worker.frames_out import FramesOut, Handed
from engine.worker.guidance import Guidance
from engine.worker.inputs import Encoders, Inputs
from engine.worker.kept_state import KeptState
from engine.worker.kernels.attention import backend_for
from engine.worker.kernels.fused import layer_backends
from engine.worker.model import LoadedModel
from engine.worker.models.spec import Control
from engine.worker.models.wan.vace import VaceControl
from engine.worker.models.wan.whole_steps import ChunkInputs
from engine.worker.noise import normal_noise
from engine.worker.pictures import PictureWriter
from engine.worker.preprocess.control import control_channels
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.progress import Progress
from engine.worker.recipe import Commit
from engine.worker.resets import Event, State
from engine.worker.schedule import NUM_TRAIN_STEPS, add_noise
from engine.worker.streams import Streams
from engine.worker.telemetry import Telemetry
from engine.worker.text_on_air import TextOnAir
from engine.worker.vace_stage import VaceStage
from engine.worker.whole_chunk import WholeChunk

Tell = Callable[[WorkerEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What a chunk loop reads from and writes to."""

    frames: RingWriter
    inputs: RingReader
    preprocess: PreprocessRunner
    tell: Tell
    progress: Progress = field(default_factory=Progress)


class ChunkLoop:
    """A model, its streams, and the state that a show carries from chunk to chunk."""

    def __init__(self, model: LoadedModel, channels: Channels) -> None:
        self.model = model
        self.streams = Streams.of(model.codec, model.compute.device)
        self.telemetry = Telemetry(model.compute.device, channels.progress)
        self._channels = channels
        self._device = model.compute.device
        self._is_gpu = self._device.type == "cuda"
        self._sampler = model.sampler
        choice, count = model.choice, model.spec.frames_per_chunk
        pictures = PictureWriter(count, choice.height_px, choice.width_px, self._device)
        self._out = FramesOut(channels.frames, channels.tell, self.telemetry, pictures)
        self.whole = WholeChunk(model, self.streams.picture, self._out, self.telemetry)
        self.vace = vace_stage_of(model, self.streams)
        self.guidance = Guidance(self.vace)
        encoders = Encoders(self.streams.video, self.vace)
        self._inputs = Inputs(channels.inputs, channels.preprocess, encoders, count, self._device)
        self._kept = KeptState(model, self.streams, self._inputs, lambda: self.frame_counter)
        self._text = TextOnAir(model.prompts, model.sampler, recaches=model.spec.recaches)

    @property
    def frame_counter(self) -> int:
        """Frames handed on since the worker began, never reset."""
        return self._out.num_written

    def run_chunk(self, plan: ChunkPlan, received_s: float | None = None) -> None:
        """Cross one boundary and make one chunk.

        Args:
            plan: what to make.
            received_s: monotonic time at which it came; now if left out.
        """
        telemetry = self.telemetry
        telemetry.begin(plan.chunk_index, received_s)
        with telemetry.span("condition"):
            resets = self.cross_boundary(plan)
            condition = self._inputs.condition(plan)
            given = self._given(plan, condition)
        is_first, starts_anew = self._sampler.num_finished == 0, recipe.starts_anew(resets)
        commit = self._begin_frames(plan, given)
        with telemetry.span("hand_on"):
            handed = self._out.hand_on(plan.chunk_index, is_first=is_first, starts_anew=starts_anew)
        if handed.fault:
            resets += self._kept.apply({Event.FAULT: handed.fault}, plan.input_until)
        elif commit is not None:
            commit()
        self._report(plan, condition, handed, resets)

    def _begin_frames(self, plan: ChunkPlan, given: ChunkInputs) -> Callable[[], None] | None:
        """Make a chunk and begin to hand it on; returns what is then left to do, if anything."""
        if self.whole.try_play(given):
            return None
        with self.telemetry.span("denoise"):
            latents = self._denoise(given)
        with self.telemetry.span("decode"):
            self._out.begin(self._decode(latents))
        commit = partial(self._commit, plan, given, latents)
        # A GPU works on the context while the host waits for frames and hands them on. A CPU is
        # the host: there, frames leave first.
        if not self._is_gpu:
            return commit
        commit()
        return None

    def warm_up(self) -> None:
        """Run the shapes of a first and of a later chunk, then forget them.

        On a GPU what a show plays back is recorded here: the passes at every fill level of the
        cache, those that rewrite it under a new prompt, and the steady chunk as a whole.
        """
        text = self._text.warm_up()
        # A GPU records passes with and without control apart; a knob must not wait for that.
        for is_steered in (False, True) if self._is_gpu and self.vace else (True,):
            num_filling = self._num_warm_up_chunks()
            for index in range(num_filling):
                self._warm_up_chunk(recipe.warm_up_plan(index, text), is_steered=is_steered)
                if self._is_gpu and self.model.spec.recaches:
                    self._sampler.recache()
            with self.whole.recording():
                for index in range(num_filling, num_filling + self.whole.num_warm_up_chunks):
                    plan = recipe.warm_up_plan(index, text, num_steps=0)
                    self._warm_up_chunk(plan, is_steered=is_steered)
            self._kept.apply({Event.FAULT: "warm-up"}, None)
        self._text.forget()
        self.whole.forget_counts()

    def _warm_up_chunk(self, plan: ChunkPlan, *, is_steered: bool) -> None:
        self.cross_boundary(plan)
        condition = Condition(vace=self.vace.push(None, None) if self.vace and is_steered else None)
        commit = self._begin_frames(plan, self._given(plan, condition))
        self._out.pictures.finish()
        if commit is not None:
            commit()

    def _num_warm_up_chunks(self) -> int:
        """A first and a later chunk; on a GPU, every fill level of the cache is recorded."""
        if not self._is_gpu:
            return 2
        config = self._sampler.config
        return -(-config.window.window_latents // config.latents_per_chunk) + 1

    def is_fresh(self, state: State) -> bool | None:
        """Whether a piece of state is as after loading; None where the plan says what it is."""
        return self._kept.is_fresh(state)

    def cross_boundary(self, plan: ChunkPlan) -> list[Reset]:
        """Take the plan's text and guides and do what the reset table says."""
        self.guidance.take(plan)
        resets = self._kept.apply(self._text.take(plan), plan.input_until)
        self._play_loras(plan)
        self._text.recache_if_due()
        return resets

    def keep_masks_ready(self, kinds: Sequence[str]) -> None:
        """Let these preprocessors run although nothing asks for them yet."""
        self._channels.preprocess.keep(kinds if self.vace is not None else ())

    def _play_loras(self, plan: ChunkPlan) -> None:
        """Turn LoRAs to the plan's amounts. The context stays: what was made, was made."""
        if self.model.loras is None:
            return
        if self.model.loras.set_amounts(recipe.lora_amounts(plan)):
            self._sampler.forget_rows()

    def _control(self, plan: ChunkPlan, condition: Condition) -> Tensor | None:
        """Return control channels [1, F, 5, h, w], or None without control."""
        amount = recipe.control_amount(plan)
        is_taken = self.model.spec.control is Control.CHANNELS
        if condition.control is None or not amount or not is_taken:
            return None
        per_latent = self.model.codec.config.frames_per_latent
        return control_channels(condition.control, amount, per_latent, self._device)

    def _vace(self, plan: ChunkPlan, condition: Condition) -> VaceControl | None:
        """Return what steers through the VACE stack, or None without control."""
        amount = recipe.control_amount(plan)
        if condition.vace is None or not amount:
            return None
        count = condition.vace.num_references
        return VaceControl(
            context=condition.vace.joined(),
            scale=amount,
            num_references=count,
            reference_noise=lambda step: self._noise(plan, recipe.REFERENCE_STEP + step, count),
        )

    def _given(self, plan: ChunkPlan, condition: Condition) -> ChunkInputs:
        """Return what the sampler makes the plan's chunk from."""
        return ChunkInputs(
            steps=recipe.steps_of(self.model.spec, plan, condition),
            noise=partial(self._noise, plan),
            control=self._control(plan, condition),
            video=condition.video,
            vace=self._vace(plan, condition),
            memory_sigma=recipe.memory_sigma(plan),
            memory_noise=partial(self._noise, plan, recipe.MEMORY_STEP),
        )

    def _denoise(self, given: ChunkInputs) -> Tensor:
        return self._sampler.denoise_chunk(
            given.steps, given.noise, control=given.control, video=given.video, vace=given.vace
        )

    def _noise(self, plan: ChunkPlan, step: int, num_latents: int | None = None) -> Tensor:
        """Draw noise of a step for a chunk, or for another number of latents."""
        config = self._sampler.config
        count = config.latents_per_chunk if num_latents is None else num_latents
        channels = self.model.spec.transformer.out_dim
        shape = (config.batch, count, channels, config.height, config.width)
        return normal_noise(shape, recipe.noise_key(plan, step), self._device)

    def _decode(self, latents: Tensor) -> Tensor:
        """Return frames [F, 3, H, W] in [0, 1]."""
        frames = self.streams.picture.push(latents)
        if self.model.anchor is not None:
            self.model.anchor.push(frames[None])
        return frames

    def _commit(self, plan: ChunkPlan, given: ChunkInputs, latents: Tensor) -> None:
        """Make the chunk part of the context."""
        sigma, control = given.memory_sigma, given.control
        with self.telemetry.span("commit"):
            match recipe.commit_of(self.model.spec, plan):
                case Commit.RECOMPUTE:
                    self._sampler.commit(latents)
                    self._recompute(given)
                case Commit.NOISY:
                    seen = add_noise(latents, given.memory_noise(latents.shape[1]), sigma)
                    told = NUM_TRAIN_STEPS * sigma
                    self._sampler.commit(latents, control=control, seen=seen, timestep=told)
                case Commit.CLEAN:
                    self._sampler.commit(latents, control=control)

    def _recompute(self, given: ChunkInputs) -> None:
        """Make the context of the next chunk anew, for models whose rule that is.

        It runs now, after the frames have left, and so under the text that they were made with:
        published inference does the same at the next chunk's start, before it takes a new text.
        """
        wanted = self._sampler.context_plan()
        if wanted is None:
            return
        anchor = self.model.anchor
        head = anchor.latent() if anchor is not None and wanted.needs_anchor else None
        context, sigma = self._sampler.context_latents(wanted, head), given.memory_sigma
        if not sigma:
            self._sampler.recompute(context)
            return
        seen = add_noise(context, given.memory_noise(context.shape[1]), sigma)
        self._sampler.recompute(seen, timestep=NUM_TRAIN_STEPS * sigma)

    def _report(
        self, plan: ChunkPlan, condition: Condition, handed: Handed, resets: list[Reset]
    ) -> None:
        self._channels.tell(
            ChunkReport(
                chunk_index=plan.chunk_index,
                num_frames=0 if handed.fault else self.model.spec.frames_per_chunk,
                stage_ms=self.telemetry.stage_ms(),
                backends=self.backends(),
                shapes=self._shapes(),
                resets=tuple(resets),
                statistics=handed.statistics,
                discarded=handed.fault,
                input_first=condition.input_first,
                input_last=condition.input_last,
                stale_frames=condition.stale_frames,
                control_kind=self._inputs.control_kind,
                control_refusal=self._inputs.control_refusal,
                guides=self.vace.in_use if self.vace else (),
                guide_refusal=self.guidance.refusal or self._inputs.mask_refusal,
                condition=to_bytes(condition),
                frames_crc32=handed.crc32,
                text=self._text.mix,
                late_prompts=self._text.late,
            )
        )

    def backends(self) -> dict[str, str]:
        """Return op → backend that runs with the shapes of a whole chunk."""
        grid = self._sampler.model.grid(1, self._sampler.config.height, self._sampler.config.width)
        num_tokens = grid.num_tokens * self._sampler.config.latents_per_chunk
        tokens = torch.empty(1, num_tokens, 1, 1, dtype=self.model.compute.dtype).to(self._device)
        return {
            "attention": backend_for(tokens, tokens, None),
            **layer_backends(self._device, self.model.compute.dtype),
            **self.model.fast_path.backends,
            **self.whole.backends,
        }

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        config, choice = self._sampler.config, self.model.choice
        return {
            "latents": (config.latents_per_chunk, config.height, config.width),
            "frames": (self.model.spec.frames_per_chunk, choice.height_px, choice.width_px),
            "context_latents": (self._sampler.cache.state.cached,),
        }


def vace_stage_of(model: LoadedModel, streams: Streams) -> VaceStage | None:
    """Return what makes control contexts; None for a model that takes control another way."""
    if model.spec.control is not Control.VACE:
        return None
    size = (model.spec.frames_per_chunk, model.choice.height_px, model.choice.width_px)
    return VaceStage(model.codec, streams, size, model.compute.device)
