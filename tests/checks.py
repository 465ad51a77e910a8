"""Run every check and say how long each took: what `python3 run.py test` becomes.

Standard library only, run by the Python of `.venv`; arguments go to pytest. Exit code 0 when all
passed, 1 otherwise. Without arguments the tests run in three parts:

    sharing  compute; no clock hurries them, so each core has its own
    waiting  watch hosts and windows until something happens, and leave the machine half idle, so
             two run at once; what is asserted of time is loose
    lone     assert when frames and messages arrive, through NDI, JACK or a GPU: one by one

A file that is named nowhere is a waiting one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
_SHARING = (
    "tests/unit",
    "tests/contract/test_cli.py",
    "tests/contract/test_frame_ring_processes.py",
    "tests/contract/test_imports.py",
    "tests/contract/test_killed_writer.py",
    "tests/contract/test_models_are_found.py",
    "tests/contract/test_models_command.py",
    "tests/contract/test_models_pull.py",
    "tests/contract/test_shows.py",
    "tests/contract/test_worker_house.py",
    "tests/contract/test_worker_process.py",
    "tests/gui/test_models_panel.py",
)
_LONE = (
    "tests/contract/test_ear.py",
    "tests/contract/test_link.py",
    "tests/contract/test_midi.py",
    "tests/contract/test_ndi.py",
    "tests/contract/test_outputs.py",
    "tests/contract/test_sources.py",
    "tests/contract/test_sources_runner.py",
    "tests/gpu",
    "tests/gui/test_midi_learn.py",
    "tests/gui/test_midi_window.py",
    "tests/show/test_output_never_stops.py",
)
_MAX_WORKERS = 4  # a worker has torch in its memory, so cores are not the limit
_WAITING_AT_ONCE = 2  # each plays a host, a generator and often a window: about half a core
_WATCHED = ("sharing tests", "waiting tests", "lone tests", "pytest")


def main(pytest_arguments: list[str]) -> int:
    """Run them all, also after one has failed."""
    began_s = time.monotonic()
    failed = [
        name for name, command in checks(pytest_arguments).items() if not _passes(name, command)
    ]
    verdict = f"failed: {', '.join(failed)}" if failed else "all checks passed"
    _say(f"\n{verdict}, {time.monotonic() - began_s:.0f} s in all")
    return 1 if failed else 0


def checks(pytest_arguments: list[str]) -> dict[str, list[str]]:
    """Return name → command, the quick ones first."""
    python = sys.executable
    return {
        "ruff format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        "ruff check": [python, "-m", "ruff", "check", "--quiet", "."],
        "codespell": [python, "-m", "codespell_lib"],
        "lint-imports": [python, "-c", _LINT_IMPORTS],
        "mypy": [python, "-m", "mypy"],
        **_tests([python, "-m", "pytest", "-q", *_gpu_tests()], pytest_arguments),
    }


def _tests(pytest: list[str], arguments: list[str]) -> dict[str, list[str]]:
    if arguments:
        return {"pytest": [*pytest, *arguments]}
    cores = min(os.cpu_count() or 1, _MAX_WORKERS)
    others = [f"--ignore={path}" for path in (*_SHARING, *_LONE)]
    return {
        "sharing tests": [*pytest, *_at_once(cores), *_SHARING],
        "waiting tests": [*pytest, *_at_once(_WAITING_AT_ONCE), *others],
        "lone tests": [*pytest, *_LONE],
    }


def _at_once(processes: int) -> list[str]:
    """Return what lets files run in so many processes, in our order; a file's tests in one."""
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]


def _gpu_tests() -> list[str]:
    """Return what lets pytest run the GPU tests too, where there is one."""
    has_gpu = shutil.which("nvidia-smi") is not None and (
        subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0
    )
    return ["-m", "not slow"] if has_gpu else []


def _passes(name: str, command: list[str]) -> bool:
    """Run one check; tests are watched live, the others are quoted when they fail."""
    began_s = time.monotonic()
    is_watched = name in _WATCHED
    done = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=not is_watched, stdin=subprocess.DEVNULL
    )
    if done.returncode and not is_watched:
        _say(done.stdout + done.stderr)
    verdict = "failed" if done.returncode else "ok"
    _say(f"{name:14s}{verdict:7s}{time.monotonic() - began_s:7.1f} s")
    return done.returncode == 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
