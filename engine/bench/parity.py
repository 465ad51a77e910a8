"""`segue parity DIR`: run golden files through our model code and judge by their tolerances.

Everything runs in float32 on the CPU, one file after the other. Exit code 0: every covered file
passed. 1: a tensor is off. 2: the folder or a file in it cannot be read.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from engine.bench.parity_checks import FileReport, Report
from engine.bench.parity_files import GoldenError, GoldenFile, open_golden
from engine.bench.parity_krea import check_krea
from engine.bench.parity_parts import check_bidirectional, check_schedule, check_tae
from engine.bench.parity_rollouts import check_longlive, check_self_forcing
from engine.bench.parity_text import check_text
from engine.bench.parity_vace import check_vace
from engine.bench.parity_vae import check_vae
from engine.errors import ConfigError

Check = Callable[[GoldenFile, FileReport], None]

_MAX_CAUSE_CHARACTERS = 160

CHECKS: dict[str, Check] = {
    "scheduler": check_schedule,
    "wan_dit_bidirectional": check_bidirectional,
    "sf_causal_rollout": check_self_forcing,
    "longlive_rollout": check_longlive,
    "krea_recompute": check_krea,
    "wan_vae": check_vae,
    "taehv": check_tae,
    "umt5": check_text,
    "vace": check_vace,
}
"""What each golden file is run by; a file without a row is listed as not covered."""


def run(directory: Path) -> Report:
    """Run all golden files in a folder.

    A file that cannot be read is reported with its sentence and does not stop the others.

    Raises:
        ConfigError: there is no such folder, or no golden file that is covered in it.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory} is no folder; give one that holds golden files")
    names = {path.stem: path for path in sorted(directory.glob("*.safetensors"))}
    found = [name for name in CHECKS if name in names]
    if not found:
        expected = ", ".join(CHECKS)
        raise ConfigError(f"{directory} holds no golden file; expected some of {expected}")
    files = tuple(_run_file(names[name], CHECKS[name]) for name in found)
    return Report(str(directory), files, tuple(sorted(names.keys() - CHECKS.keys())))


@torch.inference_mode()
def _run_file(path: Path, check: Check) -> FileReport:
    report = FileReport(path.stem)
    try:
        check(open_golden(path), report)
    except GoldenError as error:
        report.error = str(error)
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError) as error:
        # Shapes that contradict one another surface in the arithmetic; the file is at fault.
        cause = " ".join(str(error).split())[:_MAX_CAUSE_CHARACTERS]
        report.error = f"{path.name} contradicts itself: {type(error).__name__}: {cause}"
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of `segue parity`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="segue parity", description="Run golden tensors.")
    parser.add_argument("directory", type=Path, help="folder with golden .safetensors files")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--failed-only", action="store_true", help="leave out tensors that passed")
    arguments = parser.parse_args(argv)
    try:
        report = run(arguments.directory)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    if arguments.json:
        print(json.dumps(report.as_json(), indent=1))
    else:
        print(report.text(every_tensor=not arguments.failed_only))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
