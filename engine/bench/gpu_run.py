"""One case of `segue bench --gpu`: a show by the chunk, by the pass, plain, and its floor."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from engine.bench.gpu_cases import Case
from engine.bench.gpu_floor import PassFloor, pass_floor
from engine.bench.gpu_text import text_attention_ms
from engine.bench.gpu_trace import Trace, traced
from engine.bench.house_cpu_run import percentile
from engine.bench.random_model import random_model
from engine.bench.rig import loop_rig
from engine.protocol.orders import ChunkPlan, ChunkReport, FramesReady, WorkerEvent
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.chunk_loop import ChunkLoop
from engine.worker.device import Compute
from engine.worker.fast_path import FastPath, attention_shape
from engine.worker.kernels.attention_backends import AttentionChoice, choose_attention
from engine.worker.kernels.fused import plain_layers
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.streams import PictureStream

_NUM_TRACED = 3
_QUEUEING = ("condition", "chunk", "denoise", "decode", "commit")
_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is run: chunks that are timed, on fast and on plain passes."""

    num_chunks: int = 50
    num_plain: int = 5
    precision: str = "auto"
    attention: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkTimes:
    """Of steady chunks; wall times from the plan to the end of the report."""

    p50_ms: float
    p99_ms: float
    first_frame_ms: float
    stage_ms: dict[str, float]
    host_ms: float  # that the host spends until the device has all of its work

    def fps(self, frames: int) -> float:
        """Frames a second at the median chunk."""
        return 1000 * frames / self.p50_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What one case came to."""

    case: Case
    backends: dict[str, str]
    attention_ms: dict[str, float]
    attention_refused: dict[str, str]
    text_ms: dict[str, float]
    path: FastPath
    fast: ChunkTimes
    by_pass: ChunkTimes
    num_whole: int
    plain: ChunkTimes | None
    floor: PassFloor
    floor_ms: float
    warm_up_s: float
    peak_gib: float
    num_recorded_late: int
    num_allocated_late: int
    num_plain_passes: int
    trace: Trace

    @property
    def frames(self) -> int:
        """Frames of a chunk."""
        return self.case.spec.frames_per_chunk


@dataclass(slots=True)
class _Rig:
    loop: ChunkLoop
    case: Case
    events: list[WorkerEvent] = field(default_factory=list)
    walls_ms: list[float] = field(default_factory=list)
    hosts_ms: list[float] = field(default_factory=list)
    num_run: int = 0

    def run_chunk(self) -> None:
        """Run the next chunk of one long show."""
        index, self.num_run = self.num_run, self.num_run + 1
        if self.case.steers and self.loop.vace is not None:
            size = (self.case.height_px, self.case.width_px, 3)
            self.loop.vace.give_frames(first=np.full(size, index % 256, np.uint8))
        parameters = {"control_amount": 1.0 if self.case.steers else 0.0}
        began = time.perf_counter()
        self.loop.run_chunk(
            ChunkPlan(
                chunk_index=index, cut_number=0, chunk_in_cut=index, snapshot_version=0, seed=1,
                text=(WeightedPrompt(text="slow red gold flames", weight=1.0),),
                parameters=parameters,
            )
        )  # fmt: skip
        self.walls_ms.append(1000 * (time.perf_counter() - began))
        spent = self.loop.telemetry.host_ms
        self.hosts_ms.append(sum(spent.get(stage, 0.0) for stage in _QUEUEING))

    def run(self, count: int) -> ChunkTimes:
        """Run chunks and time them.

        Raises:
            RuntimeError: a picture was broken.
        """
        self.events.clear()
        self.walls_ms.clear()
        self.hosts_ms.clear()
        for _ in range(count):
            self.run_chunk()
        reports = [event for event in self.events if isinstance(event, ChunkReport)]
        broken = [report.discarded for report in reports if report.discarded]
        if broken:
            raise RuntimeError(
                f"{self.case.name}: {len(broken)} chunks were discarded: {broken[0]}"
            )
        first = [e.first_frame_ms for e in self.events if isinstance(e, FramesReady)]
        return ChunkTimes(
            p50_ms=statistics.median(self.walls_ms),
            p99_ms=percentile(self.walls_ms, 0.99),
            first_frame_ms=statistics.median(first),
            stage_ms={
                stage: statistics.median(report.stage_ms[stage] for report in reports)
                for stage in reports[0].stage_ms
            },
            host_ms=statistics.median(self.hosts_ms),
        )


def measure_case(case: Case, compute: Compute, amount: Amount, trace: Path | None) -> CaseResult:
    """Run one case on a device that nobody else uses."""
    _forget_everything()
    choice = ModelChoice(width_px=case.width_px, height_px=case.height_px, device="cuda")
    model = random_model(
        case.spec, choice, compute, precision=amount.precision, attention=amount.attention
    )
    with loop_rig(model) as rig, torch.inference_mode():
        return _measured(_Rig(rig.loop, case, rig.events), amount, trace)


def _measured(rig: _Rig, amount: Amount, trace: Path | None) -> CaseResult:
    began = time.monotonic()
    rig.loop.warm_up()
    steady = -(-rig.case.spec.window.window_latents // rig.case.spec.latents_per_chunk) + 2
    rig.run(steady)
    warm_up_s = time.monotonic() - began
    before, num_before = _counts(rig), rig.loop.whole.num_played
    fast = rig.run(amount.num_chunks)
    after, num_whole = _counts(rig), rig.loop.whole.num_played - num_before
    backends = rig.loop.backends()
    seen = traced(rig.run_chunk, _NUM_TRACED, trace)
    peak = torch.cuda.max_memory_allocated() / _GIB
    by_pass = _by_pass(rig, amount.num_chunks)
    chosen = _attention(rig, amount)
    model = rig.loop.model
    tokens = model.sampler.cache.shape.tokens_per_latent
    floor = pass_floor(rig.case.spec, tokens, chosen.attend, model.compute.device)
    passes = model.sampler.passes
    return CaseResult(
        case=rig.case,
        backends=backends,
        attention_ms=chosen.ms,
        attention_refused=chosen.refused,
        text_ms=_text_ms(rig, chosen),
        path=model.fast_path,
        fast=fast,
        by_pass=by_pass,
        num_whole=num_whole,
        plain=_plain(rig, amount.num_plain),
        floor=floor,
        floor_ms=floor.chunk_ms(
            len(rig.case.spec.steps), narrow=backends["linear"].startswith("fp8")
        ),
        warm_up_s=warm_up_s,
        peak_gib=peak,
        num_recorded_late=after[0] - before[0],
        num_allocated_late=after[1] - before[1],
        num_plain_passes=passes.num_plain if isinstance(passes, FastPasses) else -1,
        trace=seen,
    )


def _counts(rig: _Rig) -> tuple[int, int]:
    """Recordings made and device allocations asked for so far."""
    passes = rig.loop.model.sampler.passes
    recorded = passes.num_recorded if isinstance(passes, FastPasses) else 0
    return recorded, int(torch.cuda.memory_stats().get("num_device_alloc", 0))


def _attention(rig: _Rig, amount: Amount) -> AttentionChoice:
    model = rig.loop.model
    return choose_attention(
        attention_shape(model.sampler), model.compute.dtype, model.compute.device, amount.attention
    )


def _text_ms(rig: _Rig, chosen: AttentionChoice) -> dict[str, float]:
    sampler = rig.loop.model.sampler
    num_tokens = attention_shape(sampler).num_queries
    return text_attention_ms(sampler.model.config, num_tokens, chosen.attend, sampler.model.device)


def _by_pass(rig: _Rig, count: int) -> ChunkTimes:
    """Go on with the same show, but with a recording for each pass in place of one for all."""
    rig.loop.whole.is_on = False
    rig.run(2)
    return rig.run(count)


def _plain(rig: _Rig, count: int) -> ChunkTimes | None:
    """Go on with the same show on plain passes and plain layers; None if none are wanted."""
    if not count:
        return None
    model = rig.loop.model
    model.sampler.passes = model.sampler.plain
    rig.loop.streams = replace(rig.loop.streams, picture=PictureStream(model.codec))
    with plain_layers():
        rig.run(2)
        return rig.run(count)


def _forget_everything() -> None:
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
