"""The chunk is a transaction: one plan in, frames out, one report. HOT.

In:     `ChunkPlan`.
Out:    BGRX frames [H, W, 4] uint8 in the frame ring, `FramesReady`, then `ChunkReport`.
Thread: main (generator). Nothing else touches the model while a chunk runs.
Full:   cannot fill: the host plans a chunk only when its frames have room.

What is urgent comes first: frames leave before the clean pass, which only the next chunk needs.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter
from engine.protocol.orders import KV_CACHE, ChunkPlan, ChunkReport, FramesReady, WorkerEvent
from engine.protocol.parameters import LORA_ROWS
from engine.protocol.values import PictureStatistics, Reset
from engine.worker.conditions import Condition, to_bytes
from engine.worker.inputs import Encoders, Inputs
from engine.worker.kernels.attention import backend_for
from engine.worker.kernels.fused import layer_backends
from engine.worker.model import LoadedModel
from engine.worker.models.spec import Control
from engine.worker.models.wan.vace import VaceControl
from engine.worker.noise import NoiseKey, normal_noise
from engine.worker.pictures import PictureWriter
from engine.worker.preprocess.control import control_channels
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.progress import Progress
from engine.worker.resets import Effect, Event, State, resets_for
from engine.worker.schedule import NUM_TRAIN_STEPS, DenoisingSteps, add_noise
from engine.worker.steps import chunk_steps, start_sigma
from engine.worker.streams import (
    InactiveEncodeStream,
    ReactiveEncodeStream,
    Streams,
    VideoEncodeStream,
)
from engine.worker.telemetry import Telemetry, fault_in, picture_statistics
from engine.worker.text_on_air import TextOnAir
from engine.worker.vace_stage import VaceStage

_MEMORY_STEP = 1 << 16  # noise key of the clean pass; denoising steps count from 0
_REFERENCE_STEP = 1 << 17  # noise keys of reference images, a step each

Tell = Callable[[WorkerEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What a chunk loop reads from and writes to."""

    frames: RingWriter
    inputs: RingReader
    preprocess: PreprocessRunner
    tell: Tell
    progress: Progress = field(default_factory=Progress)


class Handed(NamedTuple):
    """What became of a chunk's frames."""

    statistics: PictureStatistics
    fault: str
    crc32: int


class ChunkLoop:
    """A model, its streams, and the state that a show carries from chunk to chunk."""

    def __init__(self, model: LoadedModel, channels: Channels) -> None:
        self.model = model
        self.streams = Streams.of(model.codec)
        self.telemetry = Telemetry(model.compute.device, channels.progress)
        self.frame_counter = 0  # frames handed on since the worker began, never reset
        self._channels = channels
        self._device = model.compute.device
        self._sampler = model.sampler
        choice, count = model.choice, model.spec.frames_per_chunk
        self._pictures = PictureWriter(count, choice.height_px, choice.width_px, self._device)
        self.vace = vace_stage_of(model, self.streams)
        encoders = Encoders(self.streams.video, self.vace)
        self._inputs = Inputs(channels.inputs, channels.preprocess, encoders, count, self._device)
        self._text = TextOnAir(model.prompts, model.sampler, recaches=model.spec.recaches)

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
            control = self._control(plan, condition)
        with telemetry.span("denoise"):
            latents = self._denoise(plan, condition, control)
        with telemetry.span("decode"):
            frames = self._decode(latents)
        with telemetry.span("hand_on"):
            handed = self._hand_on(plan, frames, starts_anew=_starts_anew(resets))
        with telemetry.span("commit"):
            resets += self._finish(plan, latents, control, handed.fault)
        self._report(plan, condition, handed, resets)

    def warm_up(self) -> None:
        """Run the shapes of a first and of a later chunk, then forget them."""
        parameters = {"steps": 1.0, "control_amount": 1.0}
        text = self._text.warm_up()
        for index in range(2):
            plan = ChunkPlan(
                chunk_index=-1, cut_number=0, chunk_in_cut=index, snapshot_version=0, seed=0,
                text=text, parameters=parameters,
            )  # fmt: skip
            self.cross_boundary(plan)
            condition = Condition(vace=self.vace.push(None, None) if self.vace else None)
            latents = self._denoise(plan, condition, None)
            self._pictures.write(self._decode(latents))
            self._finish(plan, latents, None, "")
        self._apply({Event.FAULT: "warm-up"}, None)
        self._text.forget()

    def is_fresh(self, state: State) -> bool | None:
        """Whether a piece of state is as after loading; None where the plan says what it is."""
        cache = self._sampler.cache.state
        encode = {state: stream.is_fresh for state, stream in self._encode_streams.items()}
        others = {
            State.DECODE_STREAM: self.streams.picture.is_fresh,
            State.VIDEO_NOISE: self._inputs.noise.is_fresh,
            State.KV_CACHE: cache.cached == 0,
            State.CROSS_ATTENTION: not self._sampler.text.is_valid,
            State.CONTEXT_LATENTS: self._sampler.num_finished == 0,
            State.POSITION: cache.position == 0,
            State.FRAME_COUNTER: self.frame_counter == 0,
            State.PREPROCESSOR: self._inputs.is_preprocessor_fresh,
            State.INPUT_QUEUE: self._inputs.num_waiting == 0,
        }
        return (encode | others).get(state)

    @property
    def _encode_streams(
        self,
    ) -> dict[State, VideoEncodeStream | ReactiveEncodeStream | InactiveEncodeStream]:
        streams = self.streams
        return {
            State.ENCODE_VIDEO: streams.video,
            State.ENCODE_REACTIVE: streams.reactive,
            State.ENCODE_INACTIVE: streams.inactive,
        }

    def cross_boundary(self, plan: ChunkPlan) -> list[Reset]:
        """Take the plan's text and do what the reset table says."""
        resets = self._apply(self._text.take(plan), plan.input_until)
        self._play_loras(plan)
        self._text.recache_if_due()
        return resets

    def _play_loras(self, plan: ChunkPlan) -> None:
        """Turn LoRAs to the plan's amounts. The context stays: what was made, was made."""
        if self.model.loras is None:
            return
        wanted = (plan.parameters.get(name, 0.0) for name in LORA_ROWS)
        if self.model.loras.set_amounts(tuple(wanted)):
            self._sampler.forget_rows()

    def _apply(self, events: dict[Event, str], input_until: int | None) -> list[Reset]:
        """Execute the reset table for these events."""
        resets = []
        for state, effect, reason in resets_for(events):
            self._reset(state, effect, input_until)
            resets.append(Reset(state=state.value, reason=reason))
        return resets

    def _reset(self, state: State, effect: Effect, input_until: int | None) -> None:
        match state:
            case State.DECODE_STREAM:
                self.streams.picture.reset()
            case State.ENCODE_VIDEO | State.ENCODE_REACTIVE | State.ENCODE_INACTIVE:
                self._encode_streams[state].reset()
            case State.VIDEO_NOISE:
                self._inputs.noise.reset()
            case State.KV_CACHE | State.CONTEXT_LATENTS | State.POSITION:
                self._forget_context()
            case State.CROSS_ATTENTION:
                self._sampler.text.invalidate()
            case State.INPUT_QUEUE if effect is Effect.FLUSH:
                self._inputs.flush(input_until)
            case State.INPUT_QUEUE | State.PREPROCESSOR:
                self._inputs.restart(input_until)
            case State.FRAME_COUNTER | State.SEED | State.TEXT | State.PARAMETERS:
                raise AssertionError(f"the reset table never resets the {state}")

    def _forget_context(self) -> None:
        """Forget all latents at once: cache, positions and context belong together."""
        self._sampler.reset()
        if self.model.anchor is not None:
            self.model.anchor.reset()

    def _control(self, plan: ChunkPlan, condition: Condition) -> Tensor | None:
        """Return control channels [1, F, 5, h, w], or None without control."""
        amount = plan.parameters.get("control_amount", 0.0)
        is_taken = self.model.spec.control is Control.CHANNELS
        if condition.control is None or not amount or not is_taken:
            return None
        per_latent = self.model.codec.config.frames_per_latent
        return control_channels(condition.control, amount, per_latent, self._device)

    def _vace(self, plan: ChunkPlan, condition: Condition) -> VaceControl | None:
        """Return what steers through the VACE stack, or None without control."""
        amount = plan.parameters.get("control_amount", 0.0)
        if condition.vace is None or not amount:
            return None
        count = condition.vace.num_references
        return VaceControl(
            context=condition.vace.joined(),
            scale=amount,
            num_references=count,
            reference_noise=lambda step: self._noise(plan, _REFERENCE_STEP + step, count),
        )

    def _denoise(self, plan: ChunkPlan, condition: Condition, control: Tensor | None) -> Tensor:
        noise = partial(self._noise, plan)
        steps = self._steps(plan, condition)
        vace = self._vace(plan, condition)
        return self._sampler.denoise_chunk(
            steps, noise, control=control, video=condition.video, vace=vace
        )

    def _steps(self, plan: ChunkPlan, condition: Condition) -> DenoisingSteps:
        spec = self.model.spec
        count = int(plan.parameters.get("steps", 0.0))
        share = condition.noise_share
        if condition.video is None:
            share = 1.0
        elif share is None:
            share = start_sigma(plan.parameters.get("input_amount", 0.0))
        return chunk_steps(
            spec.steps, count, share,
            shift=spec.shift, ends_clean=spec.ends_clean, tells_less=spec.tells_less,
        )  # fmt: skip

    def _noise(self, plan: ChunkPlan, step: int, num_latents: int | None = None) -> Tensor:
        """Draw noise of a step for a chunk, or for another number of latents."""
        config = self._sampler.config
        count = config.latents_per_chunk if num_latents is None else num_latents
        channels = self.model.spec.transformer.out_dim
        shape = (config.batch, count, channels, config.height, config.width)
        key = NoiseKey(seed=plan.seed, chunk=plan.chunk_in_cut, step=step)
        return normal_noise(shape, key, self._device)

    def _decode(self, latents: Tensor) -> Tensor:
        """Return frames [F, 3, H, W] in [0, 1]."""
        frames = self.streams.picture.push(latents)
        if self.model.anchor is not None:
            self.model.anchor.push(frames[None])
        return frames

    def _hand_on(self, plan: ChunkPlan, frames: Tensor, *, starts_anew: bool) -> Handed:
        """Write the frames into the ring and say so, unless the picture is broken."""
        statistics = picture_statistics(frames)
        is_first = self._sampler.num_finished == 0
        fault = fault_in(statistics, is_first=is_first)
        if fault:
            return Handed(statistics, fault, 0)
        pictures = self._pictures.write(frames)
        first = self._write(plan, pictures)
        self._channels.tell(
            FramesReady(
                chunk_index=plan.chunk_index,
                first_frame=first,
                num_frames=len(pictures),
                first_frame_ms=self.telemetry.elapsed_ms(),
                starts_anew=starts_anew,
            )
        )
        return Handed(statistics, "", zlib.crc32(pictures.data))

    def _write(self, plan: ChunkPlan, pictures: npt.NDArray[np.uint8]) -> int:
        """Write BGRX pictures [F, H, W, 4] into the frame ring; returns the first one's number."""
        made_ns = time.monotonic_ns()
        numbers = []
        for picture in pictures:
            meta = FrameMeta(
                media_index=self.frame_counter, chunk_index=plan.chunk_index, captured_ns=made_ns
            )
            numbers.append(self._channels.frames.write(picture, meta))
            self.frame_counter += 1
        return numbers[0]

    def _finish(
        self, plan: ChunkPlan, latents: Tensor, control: Tensor | None, fault: str
    ) -> list[Reset]:
        """Commit the chunk to the context, or forget everything if its picture was broken."""
        if fault:
            return self._apply({Event.FAULT: fault}, plan.input_until)
        sigma = plan.parameters.get("memory_noise", 0.0)
        if self.model.spec.recomputes:
            self._sampler.commit(latents)
            self._recompute(plan, sigma)
        elif sigma:
            seen = add_noise(latents, self._noise(plan, _MEMORY_STEP), sigma)
            told = NUM_TRAIN_STEPS * sigma
            self._sampler.commit(latents, control=control, seen=seen, timestep=told)
        else:
            self._sampler.commit(latents, control=control)
        return []

    def _recompute(self, plan: ChunkPlan, sigma: float) -> None:
        """Make the context of the next chunk anew, for models whose rule that is.

        It runs now, after the frames have left, and so under the text that they were made with:
        published inference does the same at the next chunk's start, before it takes a new text.
        """
        wanted = self._sampler.context_plan()
        if wanted is None:
            return
        anchor = self.model.anchor
        head = anchor.latent() if anchor is not None and wanted.needs_anchor else None
        context = self._sampler.context_latents(wanted, head)
        if not sigma:
            self._sampler.recompute(context)
            return
        noise = self._noise(plan, _MEMORY_STEP, num_latents=context.shape[1])
        seen = add_noise(context, noise, sigma)
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
        }

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        config, choice = self._sampler.config, self.model.choice
        return {
            "latents": (config.latents_per_chunk, config.height, config.width),
            "frames": (self.model.spec.frames_per_chunk, choice.height_px, choice.width_px),
            "context_latents": (self._sampler.cache.state.cached,),
        }


def _starts_anew(resets: list[Reset]) -> bool:
    return any(reset.state == KV_CACHE for reset in resets)


def vace_stage_of(model: LoadedModel, streams: Streams) -> VaceStage | None:
    """Return what makes control contexts; None for a model that takes control another way."""
    if model.spec.control is not Control.VACE:
        return None
    size = (model.spec.frames_per_chunk, model.choice.height_px, model.choice.width_px)
    return VaceStage(model.codec, streams, size, model.compute.device)
