"""Frames a second of the real chunk loop with the published models' sizes on this GPU.

    segue bench --gpu [CASE ...] [--chunks 50] [--precision auto] [--attention auto] [--json FILE]

Weights are random: nothing is downloaded. Every case runs the loop that the worker runs, with the
cache full: condition, denoise, decode, hand on into a frame ring, context pass. The same show then
goes on with a recording for each pass in place of one for a chunk, and with plain passes, and the
bare floor of its arithmetic is timed, all in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker does; read when torch starts


from engine.bench.gpu_cases import CASES, Case
from engine.bench.gpu_report import as_json, rows, table
from engine.bench.gpu_run import Amount, CaseResult, measure_case
from engine.bench.gpu_sharing import other_processes
from engine.errors import ConfigError
from engine.protocol.values import PRECISIONS
from engine.worker.device import choose_compute
from engine.worker.kernels.attention_backends import BACKENDS


def main(options: Sequence[str] | None = None) -> int:
    """Measure the cases that are named and print a table; returns 0."""
    given = _parser().parse_args(options)
    cases = chosen_cases(given.case)
    compute = choose_compute("cuda")
    amount = Amount(
        num_chunks=given.chunks, num_plain=given.plain,
        precision=given.precision, attention=given.attention,
    )  # fmt: skip
    others = other_processes()
    results: list[CaseResult] = []
    for case in cases:
        trace = given.trace / f"{case.name}.json" if given.trace else None
        results.append(measure_case(case, compute, amount, trace))
        print("\n".join(rows(results[-1])), flush=True)
        if given.json:
            given.json.write_text(json.dumps(as_json(results, others), indent=1), encoding="utf-8")
    others = others or other_processes()
    print("\n" + table(results, others))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segue bench --gpu", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("case", nargs="*", help="names of cases; all if left out: " + ", ".join(_names()))
    add("--chunks", type=int, default=50, help="chunks that are timed")
    add("--plain", type=int, default=5, help="chunks of the plain twin; 0 leaves it out")
    add("--precision", choices=PRECISIONS, default="auto")
    add("--attention", choices=("auto", *BACKENDS), default="auto")
    add("--json", type=Path, metavar="FILE")
    add("--trace", type=Path, metavar="FOLDER", help="write Chrome traces of three chunks a case")
    return parser


def _names() -> list[str]:
    return [case.name for case in CASES]


def chosen_cases(names: Sequence[str]) -> list[Case]:
    """Return the cases of these names; all without any.

    Raises:
        ConfigError: there is none of a name.
    """
    unknown = [name for name in names if name not in _names()]
    if unknown:
        raise ConfigError(f"bench --gpu {', '.join(unknown)}: choose of {', '.join(_names())}")
    return [case for case in CASES if not names or case.name in names]


if __name__ == "__main__":
    sys.exit(main())
