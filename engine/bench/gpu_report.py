"""The numbers of `segue bench --gpu` as text, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import torch
from msgspec import to_builtins

from engine.bench.gpu_run import CaseResult

_HEAD = (
    f"{'case':18}{'frames/s':>9}{'goal':>6}{'first ms':>9}{'p50':>7}{'p99':>7}{'denoise':>8}"
    f"{'decode':>7}{'context':>8}{'x plain':>8}{'floor':>7}{'busy':>6}{'GiB':>6}"
)


def rows(result: CaseResult) -> list[str]:
    """Return what one case came to, in a few lines."""
    floor, trace = result.floor, result.trace
    backends = ", ".join(f"{op}: {name}" for op, name in result.backends.items())
    timed, on_text = _milliseconds(result.attention_ms), _milliseconds(result.text_ms)
    decoder = result.fast.stage_ms["decode"] / result.fast.p50_ms
    lines = [
        "",
        f"{result.case.name}: {backends}",
        _HEAD,
        _line(result),
        f"  stages ms: {_numbers(result.fast.stage_ms)}; the decoder {decoder:.1%} of a chunk",
        _whole_line(result),
        f"  floor ms a pass: products {floor.products_bf16_ms:.1f} (fp8 "
        f"{floor.products_fp8_ms:.1f}), attention {floor.self_attention_ms:.1f} (context "
        f"{floor.context_attention_ms:.1f}), text {floor.cross_attention_ms:.1f}; a chunk "
        f"{result.floor_ms:.1f}",
        f"  attention ms: {timed}; on a text: {on_text}",
        f"  warm-up {result.warm_up_s:.1f} s, {trace.num_kernels} kernels a chunk; after it: "
        f"{result.num_recorded_late} recordings, {result.num_allocated_late} allocations, "
        f"{result.num_plain_passes} plain passes",
    ]
    if result.plain:
        lines.append(f"  plain twin stages ms: {_numbers(result.plain.stage_ms)}")
    if result.path.numerics:
        lines.append(f"  numerics: {result.path.numerics.sentence()}")
    lines += [f"  {notice}" for notice in result.path.notices]
    lines += [f"  no {name}: {why}" for name, why in result.attention_refused.items()]
    lines += [f"  {ms:9.2f} ms  {name}" for name, ms in trace.kernels_ms.items()]
    return lines


def table(results: Sequence[CaseResult], others: Sequence[str]) -> str:
    """Return one line a case and the verdict."""
    lines = [card(), _HEAD, *(_line(result) for result in results)]
    if others:
        lines += ["NOT CLEAN, the card is shared:", *(f"  {line}" for line in others)]
    else:
        lines.append("clean run: nobody else is on the card")
    return "\n".join(lines)


def card() -> str:
    """Return the card's name and the libraries' versions."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{name}, torch {torch.__version__}, CUDA {torch.version.cuda}"


def _line(result: CaseResult) -> str:
    fast, frames = result.fast, result.frames
    plain = result.plain.p50_ms / fast.p50_ms if result.plain else float("nan")
    goal = f"{result.case.goal_fps:.0f}" if result.case.goal_fps else ""
    stage = fast.stage_ms
    return (
        f"{result.case.name:18}{fast.fps(frames):9.1f}{goal:>6}{fast.first_frame_ms:9.1f}"
        f"{fast.p50_ms:7.1f}{fast.p99_ms:7.1f}{stage['denoise']:8.1f}{stage['decode']:7.1f}"
        f"{stage['commit']:8.1f}{plain:8.2f}{result.floor_ms / fast.p50_ms:7.0%}"
        f"{result.trace.busy_share:6.0%}{result.peak_gib:6.1f}"
    )


def _whole_line(result: CaseResult) -> str:
    """Return frames a second by the chunk and by the pass, and what the host spends on each."""
    by_chunk, by_pass, frames = result.fast, result.by_pass, result.frames
    return (
        f"  one recording a chunk: {by_chunk.fps(frames):.1f} frames/s, first after "
        f"{by_chunk.first_frame_ms:.1f} ms, host {by_chunk.host_ms:.1f} ms; one a pass: "
        f"{by_pass.fps(frames):.1f}, {by_pass.first_frame_ms:.1f}, {by_pass.host_ms:.1f}; "
        f"ratio {by_pass.p50_ms / by_chunk.p50_ms:.3f}; {result.num_whole} chunks were played whole"
    )


def _milliseconds(timed: dict[str, float]) -> str:
    return ", ".join(f"{name} {ms:.3f}" for name, ms in timed.items())


def _numbers(stages: dict[str, float]) -> str:
    return ", ".join(f"{stage} {ms:.1f}" for stage, ms in stages.items())


def as_json(results: Sequence[CaseResult], others: Sequence[str]) -> dict[str, object]:
    """Return all that was measured."""
    return {
        "card": card(),
        "is_clean": not others,
        "others": list(others),
        "cases": [_case(result) for result in results],
    }


def _case(result: CaseResult) -> dict[str, object]:
    return {
        "name": result.case.name,
        "goal_fps": result.case.goal_fps,
        "reference_fps": result.case.reference_fps,
        "fps": result.fast.fps(result.frames),
        "times_plain": result.plain.p50_ms / result.fast.p50_ms if result.plain else None,
        "decoder_share": result.fast.stage_ms["decode"] / result.fast.p50_ms,
        "share_of_floor": result.floor_ms / result.fast.p50_ms,
        "backends": result.backends,
        "attention_ms": result.attention_ms,
        "attention_refused": result.attention_refused,
        "text_ms": result.text_ms,
        "notices": result.path.notices,
        "numerics": to_builtins(result.path.numerics),
        "fast": asdict(result.fast),
        "by_pass": asdict(result.by_pass),
        "times_by_pass": result.by_pass.p50_ms / result.fast.p50_ms,
        "num_whole": result.num_whole,
        "plain": asdict(result.plain) if result.plain else None,
        "floor": asdict(result.floor) | {"chunk_ms": result.floor_ms},
        "warm_up_s": result.warm_up_s,
        "peak_gib": result.peak_gib,
        "recorded_late": result.num_recorded_late,
        "allocated_late": result.num_allocated_late,
        "plain_passes": result.num_plain_passes,
        "trace": asdict(result.trace),
    }
