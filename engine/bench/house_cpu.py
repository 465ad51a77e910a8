"""Frames a second of the real chunk loop with the house model on this CPU.

    segue bench --cpu [--size 256] [--size 256x144] [--chunks 20] [--steps 2] [--threads 2] [--json]

Runs the loop that the worker runs: condition, denoise, decode, hand on into a frame ring, clean
pass. After each chunk come the same chunk on plain layers and the bare floor of its arithmetic, so
that whatever disturbs the machine disturbs all three. A run beside other work is not called clean.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker does; read when torch starts

import torch

from engine.bench.house_cpu_run import Result, Setting, Times, measure
from engine.bench.machine_load import Load, LoadWatch
from engine.errors import ConfigError
from engine.worker.device import choose_compute

DEFAULT_SIZES = ("256x256", "256x144")
_HEAD = f"{'':12}{'frames/s':>9}{'denoise':>9}{'decode':>8}{'clean pass':>12}{'chunk p50':>11}" + (
    f"{'p99':>7}{'first frame':>13}   ms"
)


def main(options: Sequence[str] | None = None) -> int:
    """Measure every size and print a table, or JSON; returns 0."""
    given = _parser().parse_args(options)
    sizes = [_size(text) for text in given.size or DEFAULT_SIZES]
    compute = choose_compute("cpu", given.threads)
    watch = LoadWatch()
    results = [
        measure(
            Setting(
                model=given.model, width_px=width, height_px=height,
                num_chunks=given.chunks, num_steps=given.steps,
            ),
            compute,
        )
        for width, height in sizes
    ]  # fmt: skip
    load = watch.stop()
    print(json.dumps(_report(results, load)) if given.json else _table(results, load))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segue bench --cpu", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--chunks", type=_positive, default=20, help="chunks that are timed")
    parser.add_argument(
        "--size", action="append", metavar="PX or WxH", help="may be given several times"
    )
    parser.add_argument("--steps", type=_positive, default=2, help="denoising steps")
    parser.add_argument("--threads", type=_positive, default=2)
    parser.add_argument("--model", default="house", help="house, untrained, or a weights folder")
    parser.add_argument("--json", action="store_true")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _size(text: str) -> tuple[int, int]:
    """Return width and height of "256" or "256x144".

    Raises:
        ConfigError: it is neither.
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if match is None:
        raise ConfigError(f"bench: --size {text!r} is no size, expected pixels as 256 or 256x144")
    width, height = match.group(1), match.group(2) or match.group(1)
    return int(width), int(height)


def _machine(results: Sequence[Result]) -> dict[str, object]:
    return {
        "cpu": cpu_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "dtype": results[0].dtype,
    }


def cpu_name() -> str:
    """Return what the CPU calls itself."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        match = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE)
        if match:
            return match.group(1)
    return platform.processor() or platform.machine()


def _report(results: Sequence[Result], load: Load) -> dict[str, object]:
    return {
        "machine": _machine(results),
        "load": asdict(load) | {"is_clean": load.is_clean},
        "results": [
            {
                "size": f"{result.setting.width_px}x{result.setting.height_px}",
                "steps": result.setting.num_steps,
                "chunks": result.setting.num_chunks,
                "backends": result.backends,
                "fast": _times(result.fast) | {"start_s": result.start_s},
                "plain": _times(result.plain),
                "floor_ms": result.floor_ms,
                "times_plain": result.times_plain,
                "share_of_floor": result.share_of_floor,
            }
            for result in results
        ],
    }


def _times(times: Times) -> dict[str, object]:
    return {
        "fps": times.fps,
        "stage_ms": times.stage_ms,
        "p50_ms": times.p50_ms,
        "p99_ms": times.p99_ms,
        "first_frame_ms": times.first_frame_ms,
    }


def _table(results: Sequence[Result], load: Load) -> str:
    machine = _machine(results)
    lines = [
        "{cpu} ({capability}), {threads} threads on {cores} cores, {dtype}, torch {torch}".format(
            **machine
        ),
        ", ".join(f"{op}: {name}" for op, name in results[0].backends.items()),
    ]
    for result in results:
        lines += ["", *_rows(result)]
    return "\n".join([*lines, "", *verdict(load)])


def _rows(result: Result) -> list[str]:
    setting = result.setting
    floor_ms = sum(result.floor_ms.values())
    kinds = ", ".join(f"{kind} {ms:.0f}" for kind, ms in result.floor_ms.items())
    return [
        f"{setting.width_px}x{setting.height_px}, {setting.num_steps} steps, "
        f"{setting.num_chunks} chunks of {result.fast.frames_per_chunk} frames; "
        f"{result.start_s:.1f} s from loading to the first frame",
        _HEAD,
        _row("fast", result.fast),
        f"{_row('plain twin', result.plain)}; fast is {result.times_plain:.2f} times that",
        f"{'bare floor':12}{1000 * result.fast.frames_per_chunk / floor_ms:9.1f}   "
        f"{floor_ms:.0f} ms: {kinds}; fast runs at {result.share_of_floor:.0%} of it",
    ]


def _row(name: str, times: Times) -> str:
    stage = times.stage_ms
    return (
        f"{name:12}{times.fps:9.1f}{stage['denoise']:9.0f}{stage['decode']:8.0f}"
        f"{stage['commit']:12.0f}{times.p50_ms:11.0f}{times.p99_ms:7.0f}{times.first_frame_ms:13.0f}"
    )


def verdict(load: Load) -> list[str]:
    """Say whether the run is clean, and what to do if it is not."""
    names = ", ".join(f"{name} {cores:.2f}" for name, cores in load.names)
    used = (
        f"others used {load.others_cores:.2f} of {load.num_cores} cores"
        f"{f' ({names})' if names else ''}, load average {load.load_average:.1f}"
    )
    if load.is_clean:
        return [f"clean run: {used}"]
    return [
        f"NOT CLEAN: {used}",
        "Only the ratios within this run count; stop the other work and measure again.",
    ]


if __name__ == "__main__":
    sys.exit(main())
