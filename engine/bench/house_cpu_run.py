"""The rounds of `segue bench --cpu`: a chunk on fast layers, on plain ones, and its bare floor."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from engine.bench.bare_floor import BareFloor
from engine.bench.rig import loop_rig
from engine.protocol.orders import ChunkPlan, ChunkReport, FramesReady, WorkerEvent
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.chunk_loop import ChunkLoop
from engine.worker.device import Compute
from engine.worker.kernels.fused import plain_layers
from engine.worker.model import load_model

Told = TypeVar("Told")

PROMPT = "slow red gold flames"
_NUM_FILLING = 2
"""Chunks until the context is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured."""

    model: str
    width_px: int
    height_px: int
    num_chunks: int
    num_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times of steady chunks; stages and first frame are medians."""

    frames_per_chunk: int
    stage_ms: dict[str, float]
    p50_ms: float
    p99_ms: float
    first_frame_ms: float

    @property
    def fps(self) -> float:
        """Frames a second at the median chunk."""
        return 1000 * self.frames_per_chunk / self.p50_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One setting. Ratios are medians over the rounds, so a disturbed round weighs little.

    `start_s` is from loading the weights to the first frames; `floor_ms` is kind → median ms.
    """

    setting: Setting
    dtype: str
    backends: dict[str, str]
    start_s: float
    fast: Times
    plain: Times
    floor_ms: dict[str, float]
    times_plain: float
    share_of_floor: float


@dataclass(slots=True)
class _Rig:
    """A chunk loop with rings of its own, and what it told."""

    loop: ChunkLoop
    setting: Setting
    events: list[WorkerEvent] = field(default_factory=list)
    num_run: int = 0

    def run_chunk(self) -> None:
        index, self.num_run = self.num_run, self.num_run + 1
        parameters = {"steps": float(self.setting.num_steps)}
        self.loop.run_chunk(
            ChunkPlan(
                chunk_index=index, cut_number=0, chunk_in_cut=index, snapshot_version=0, seed=1,
                text=(WeightedPrompt(text=PROMPT, weight=1.0),), parameters=parameters,
            )
        )  # fmt: skip

    def times(self, count: int) -> Times:
        """Times of the newest chunks."""
        reports = _of_type(self.events, ChunkReport)[-count:]
        totals = [report.stage_ms["total"] for report in reports]
        ready = [event.first_frame_ms for event in _of_type(self.events, FramesReady)[-count:]]
        stages = reports[0].stage_ms
        return Times(
            frames_per_chunk=self.loop.model.spec.frames_per_chunk,
            stage_ms={s: statistics.median(r.stage_ms[s] for r in reports) for s in stages},
            p50_ms=statistics.median(totals),
            p99_ms=percentile(totals, 0.99),
            first_frame_ms=statistics.median(ready),
        )

    def totals_ms(self, count: int) -> list[float]:
        return [report.stage_ms["total"] for report in _of_type(self.events, ChunkReport)[-count:]]


def measure(setting: Setting, compute: Compute) -> Result:
    """Run rounds with a full context.

    Raises:
        ConfigError: there is no such model, or the size does not divide.
        WeightsError: its weights cannot be read.
    """
    with ExitStack() as stack, torch.inference_mode():
        began = time.monotonic()
        fast = stack.enter_context(_rig(setting, compute, "fast"))
        fast.loop.warm_up()
        fast.run_chunk()
        start_s = time.monotonic() - began
        plain = stack.enter_context(_rig(setting, compute, "plain"))
        floors = _rounds(fast, plain, setting.num_chunks)
    return _result(fast, plain, floors, start_s)


def _rounds(fast: _Rig, plain: _Rig, count: int) -> list[dict[str, float]]:
    """Run all rounds; returns kind → ms of the floor for each."""
    floor = BareFloor()
    for _ in range(_NUM_FILLING - 1):
        fast.run_chunk()
    with plain_layers():
        for _ in range(_NUM_FILLING):
            plain.run_chunk()
    with floor.recording():
        fast.run_chunk()
    floor.run()
    spent = []
    for _ in range(count):
        fast.run_chunk()
        with plain_layers():
            plain.run_chunk()
        spent.append(floor.run())
    return spent


def _result(fast: _Rig, plain: _Rig, floors: Sequence[dict[str, float]], start_s: float) -> Result:
    count = len(floors)
    fast_ms, plain_ms = fast.totals_ms(count), plain.totals_ms(count)
    floor_ms = [sum(floor.values()) for floor in floors]
    return Result(
        setting=fast.setting,
        dtype=fast.loop.model.compute.dtype_name,
        backends=fast.loop.backends(),
        start_s=start_s,
        fast=fast.times(count),
        plain=plain.times(count),
        floor_ms={kind: statistics.median(f[kind] for f in floors) for kind in floors[0]},
        times_plain=_median_ratio(plain_ms, fast_ms),
        share_of_floor=_median_ratio(floor_ms, fast_ms),
    )


def _median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    rank = max(math.ceil(share * len(ranked)), 1)
    return ranked[rank - 1]


@contextmanager
def _rig(setting: Setting, compute: Compute, name: str) -> Iterator[_Rig]:
    choice = ModelChoice(
        name=setting.model, width_px=setting.width_px, height_px=setting.height_px, device="cpu"
    )
    with loop_rig(load_model(choice, compute), f"-{name}") as rig:
        yield _Rig(rig.loop, setting, rig.events)


def _of_type(events: Sequence[WorkerEvent], kind: type[Told]) -> list[Told]:
    return [event for event in events if isinstance(event, kind)]
