"""The command line that all training stages share."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Run = TypeVar("Run")


def stage_parser(
    doc: str | None, *, seconds: float, seed: int, out: str
) -> argparse.ArgumentParser:
    """Return a parser with what every stage takes.

    Args:
        doc: docstring of the stage's module; its first line becomes the description.
        seconds: default budget.
        seed: default seed.
        out: what the stage finds and leaves in its folder.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0] if doc else None)
    parser.add_argument("--seconds", type=float, default=seconds, help="budget of this run")
    parser.add_argument("--out", type=Path, required=True, help=out)
    parser.add_argument("--state", type=Path, help="resumable state (default: OUT/state)")
    parser.add_argument("--seed", type=int, default=seed)
    return parser


def parse_run(parser: argparse.ArgumentParser, kind: Callable[..., Run]) -> Run:
    """Parse the command line into the settings of a run, and note it beside its weights."""
    args = vars(parser.parse_args())
    note_command(args["out"])
    return kind(**{**args, "state": args["state"] or args["out"] / "state"})


def note_command(folder: Path) -> None:
    """Add this command line to the folder's `commands.txt`: what made these weights is known."""
    if os.environ.get("RANK", "0") != "0":
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "commands.txt").open("a") as file:
        file.write(f"{shlex.join(['python', *sys.orig_argv[1:]])}\n")
