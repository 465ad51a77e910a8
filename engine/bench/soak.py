"""Load a published model from random files and play it through everything a night asks of it.

    segue bench --soak krea-14b-vace --folder /big/disk [--size 448x448] [--chunks 100]

Files of the real sizes are written first, in the published layout. Then the row is loaded as the
worker loads it, and plays chunks from text, from video and under a control map in turn, with hard
cuts, soft cuts and new prompts in between. Every chunk has to be finite, and memory has to stay
where it is after the first round. Prints what was measured; exit code 1 if something broke.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from engine.bench.rig import LoopRig, loop_rig
from engine.bench.soak_files import write_model
from engine.errors import ConfigError
from engine.protocol.frame_ring import FrameMeta
from engine.protocol.orders import ChunkPlan, ChunkReport
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.values import CacheAction, ModelChoice, WeightedPrompt
from engine.worker.device import choose_compute
from engine.worker.model import load_model
from engine.worker.models.spec import PUBLISHED, PUBLISHED_VACE

_GIB = 1 << 30
_MODES = ("text", "video", "control")
_ROUND = 12  # chunks: four of each mode
_GROWTH_LIMIT = 0.01
_PROMPTS = ("a slow red flame", "a wild blue river", "a calm golden city")


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk of the soak is: its mode, its prompt mix, and the cut before it."""

    mode: str
    text: tuple[WeightedPrompt, ...]
    cache: CacheAction


def step_of(index: int) -> Step:
    """Return what chunk `index` is. PURE.

    Modes change every chunk; a hard cut comes every tenth, a soft cut over four chunks after each
    fourth of ten.
    """
    act, place = divmod(index, 10)
    here, there = (_PROMPTS[(act + step) % len(_PROMPTS)] for step in (0, 1))
    share = min(max(place - 3, 0), 4) / 4
    mixed = (WeightedPrompt(text=here, weight=1 - share), WeightedPrompt(text=there, weight=share))
    cache = CacheAction.RESET if index and place == 0 else CacheAction.KEEP
    if place in (4, 5, 6, 7):
        cache = CacheAction.RECACHE
    return Step(_MODES[index % len(_MODES)], tuple(part for part in mixed if part.weight), cache)


def main(options: Sequence[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    given = _parser().parse_args(options)
    spec = {row.name: row for row in (*PUBLISHED, *PUBLISHED_VACE)}.get(given.model)
    if spec is None:
        names = [row.name for row in (*PUBLISHED, *PUBLISHED_VACE)]
        raise ConfigError(f"bench --soak {given.model}: choose of {', '.join(names)}")
    width, _, height = given.size.partition("x")
    compute = choose_compute(given.device)
    folder = given.folder / spec.name
    if not (folder / "Wan2.1_VAE.pth").is_file():
        began = time.monotonic()
        num_bytes = write_model(folder, spec, compute.device)
        took_s = time.monotonic() - began
        print(f"{spec.name}: wrote {num_bytes / _GIB:.1f} GiB in {took_s:.0f} s", flush=True)
    choice = ModelChoice(
        name=str(folder), width_px=int(width), height_px=int(height), device=given.device,
        codec=given.codec,
    )  # fmt: skip
    began = time.monotonic()
    model = load_model(choice, compute)
    print(f"{spec.name}: loaded in {time.monotonic() - began:.1f} s", *model.notices, sep="\n  ")
    if model.fast_path.numerics:
        print(f"  {model.fast_path.numerics.sentence()}")
    with loop_rig(replace(model, notices=())) as rig, torch.inference_mode():
        return soak(rig, given.chunks)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segue bench --soak", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("model", help="name of a published row")
    parser.add_argument("--folder", type=Path, required=True, help="where random files are written")
    parser.add_argument("--size", default="448x448")
    parser.add_argument("--codec", default="tae", choices=("vae", "tae"))
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--chunks", type=int, default=100)
    return parser


def soak(rig: LoopRig, num_chunks: int) -> int:
    """Play the chunks and print what they came to; returns 0 if nothing broke."""
    began = time.monotonic()
    rig.loop.warm_up()
    rig.loop.model.prompts.start(_said, _raise)
    for prompt in _PROMPTS:
        rig.loop.model.prompts.wait_mixed((WeightedPrompt(text=prompt, weight=1.0),))
    print(f"  warm-up and {len(_PROMPTS)} prompts: {time.monotonic() - began:.1f} s", flush=True)
    walls: dict[str, list[float]] = {mode: [] for mode in _MODES}
    memory: list[int] = []
    for index in range(num_chunks):
        step = step_of(index)
        walls[step.mode].append(_play(rig, index, step))
        memory.append(torch.cuda.memory_reserved() if torch.cuda.is_available() else 0)
    return _verdict(rig, walls, memory)


def _play(rig: LoopRig, index: int, step: Step) -> float:
    """Play one chunk; returns its wall time in ms."""
    until = _deliver(rig, rig.loop.model.spec.frames_per_chunk) if step.mode != "text" else None
    parameters = {
        "input_amount": 0.5 if step.mode == "video" else 0.0,
        "control_amount": 0.8 if step.mode == "control" else 0.0,
        "control_kind": float(CONTROL_KINDS.index("edges")),
    }
    began = time.perf_counter()
    rig.loop.run_chunk(
        ChunkPlan(
            chunk_index=index, cut_number=index // 10, chunk_in_cut=index % 10,
            snapshot_version=index, seed=index // 10, text=step.text, cache_action=step.cache,
            reset_reason="hard cut" if step.cache is CacheAction.RESET else "",
            parameters=parameters, input_until=until,
        )
    )  # fmt: skip
    return 1000 * (time.perf_counter() - began)


def _deliver(rig: LoopRig, count: int) -> int:
    """Write frames with a bar that moves, and preprocess them; returns the newest's number."""
    choice = rig.loop.model.choice
    for _ in range(count):
        number = rig.source.num_written
        frame = np.full((choice.height_px, choice.width_px, 3), 30, np.uint8)
        left = 7 * number % (choice.width_px - 32)
        frame[:, left : left + 32] = (220, 180, 90)
        rig.source.write(frame, FrameMeta(media_index=number))
        rig.preprocess.lane.step()
    return rig.source.num_written - 1


def _verdict(rig: LoopRig, walls: dict[str, list[float]], memory: list[int]) -> int:
    reports = [event for event in rig.events if isinstance(event, ChunkReport)]
    broken = [report for report in reports if report.discarded]
    unsteered = sum(report.control_refusal != "" for report in reports)
    for mode, times in walls.items():
        if times:
            print(f"  {mode:8}{len(times):4} chunks, median {statistics.median(times):7.1f} ms")
    resets = sum(bool(report.resets) for report in reports)
    settled = memory[min(_ROUND, len(memory) - 1)]
    growth = max(memory) / settled - 1 if settled else 0.0
    peak = torch.cuda.max_memory_allocated() / _GIB if torch.cuda.is_available() else 0.0
    print(
        f"  {len(reports)} chunks, {len(broken)} broken, {resets} with resets, {unsteered} without "
        f"the control that was asked for; peak {peak:.1f} GiB, memory grew {growth:.2%} after "
        f"chunk {_ROUND}",
        flush=True,
    )
    for report in broken[:3]:
        print(f"  chunk {report.chunk_index}: {report.discarded}")
    return int(bool(broken) or growth > _GROWTH_LIMIT)


def _said(failed: object) -> None:
    print(f"  {failed}")


def _raise(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    sys.exit(main())
