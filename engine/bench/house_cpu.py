"""Frames a second of the real chunk loop with the house model on this CPU.

    python -m engine.bench.house_cpu [--chunks 12] [--size 256] [--steps 2] [--model house]

Runs the loop that the worker runs: condition, denoise, decode, hand on into a frame ring, clean
pass. Prints the median chunk and its stages, in the number type that the worker would choose, and
beside it the plain float32 path of the same code, measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker does; read when torch starts

import torch

from engine.protocol import frame_ring
from engine.protocol.frame_ring import RingReader, RingWriter
from engine.protocol.orders import ChunkPlan, ChunkReport, WorkerEvent
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.chunk_loop import Channels, ChunkLoop
from engine.worker.device import Compute, choose_compute
from engine.worker.model import load_model
from engine.worker.preprocess.kinds import default_preprocessors
from engine.worker.preprocess.runner import PreprocessRunner

PROMPT = "slow red gold flames"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Median times of steady chunks, and what they ran on."""

    dtype: str
    stage_ms: dict[str, float]
    backends: dict[str, str]
    frames_per_chunk: int

    @property
    def fps(self) -> float:
        """Frames a second at the median chunk."""
        return 1000 * self.frames_per_chunk / self.stage_ms["total"]


def measure(choice: ModelChoice, compute: Compute, num_chunks: int, num_steps: int) -> Measured:
    """Run chunks with a full context and return their median times."""
    model = load_model(choice, compute)
    pixels = choice.width_px * choice.height_px
    count = model.spec.frames_per_chunk
    rings = [
        frame_ring.create("bench-frames", 4 * count, pixels * 4),
        frame_ring.create("bench-input", 4, pixels * 3),
    ]
    events: list[WorkerEvent] = []
    try:
        runner = PreprocessRunner(RingReader(rings[1]), default_preprocessors(), _raise)
        channels = Channels(
            frames=RingWriter(rings[0]), inputs=RingReader(rings[1]), preprocess=runner,
            tell=events.append,
        )  # fmt: skip
        loop = ChunkLoop(model, channels)
        with torch.inference_mode():
            for index in range(num_chunks + 2):  # the window is full after two
                loop.run_chunk(_plan(index, num_steps))
    finally:
        for ring in rings:
            frame_ring.remove(ring)
    reports = [event for event in events if isinstance(event, ChunkReport)][2:]
    return Measured(
        dtype=compute.dtype_name,
        stage_ms=_medians(reports),
        backends=loop.backends(),
        frames_per_chunk=count,
    )


def _plan(index: int, num_steps: int) -> ChunkPlan:
    return ChunkPlan(
        chunk_index=index, cut_number=0, chunk_in_cut=index, snapshot_version=0, seed=1,
        text=(WeightedPrompt(text=PROMPT, weight=1.0),), parameters={"steps": float(num_steps)},
    )  # fmt: skip


def _medians(reports: list[ChunkReport]) -> dict[str, float]:
    stages = reports[0].stage_ms
    return {stage: statistics.median(r.stage_ms[stage] for r in reports) for stage in stages}


def _raise(error: BaseException) -> None:
    raise error


def _line(measured: Measured) -> str:
    stages = "  ".join(f"{name} {ms:.0f}" for name, ms in measured.stage_ms.items())
    return f"{measured.dtype:9} {measured.fps:5.1f} fps   ms: {stages}"


def main(options: Sequence[str] | None = None) -> int:
    """Measure both paths and print them; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, default=12)
    parser.add_argument("--size", type=int, default=256, help="pixels along a side")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="house", help="house, untrained, or a weights folder")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(options)
    choice = ModelChoice(
        name=arguments.model, width_px=arguments.size, height_px=arguments.size, device="cpu"
    )
    chosen = choose_compute("cpu", arguments.threads)
    plain = Compute(chosen.device, torch.float32)
    results = [
        measure(choice, compute, arguments.chunks, arguments.steps) for compute in (chosen, plain)
    ]
    ratio = results[0].fps / results[1].fps
    if arguments.json:
        report = [
            {"dtype": r.dtype, "fps": r.fps, "stage_ms": r.stage_ms, "backends": r.backends}
            for r in results
        ]
        print(json.dumps({"results": report, "ratio": ratio}))
        return 0
    for measured in results:
        print(_line(measured))
    print(f"{ratio:.2f} times the plain float32 path; backends {results[0].backends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
