"""What the doctor's checks return, and how they ask other processes."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"  # Segue plays, with less
    MISSING = "missing"  # Segue does not play until that is mended


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name=name, level=Level.OK, text=text)


def warn(name: str, text: str, remedy: str = "") -> Finding:
    """Return a finding of something to know."""
    return Finding(name=name, level=Level.WARN, text=text, remedy=remedy)


def missing(name: str, text: str, remedy: str) -> Finding:
    """Return a finding of something that keeps Segue from playing."""
    return Finding(name=name, level=Level.MISSING, text=text, remedy=remedy)


def ask(command: list[str], timeout_s: float = 60.0) -> tuple[str, str]:
    """Run a command; returns (its output, "") or ("", why there is none).

    Drivers that crash the process that asks them crash only that one.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return "", f"{command[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return "", said[-1].strip() if said else f"it ended with code {done.returncode}"
    return done.stdout, ""


def ask_python(*arguments: str, timeout_s: float = 60.0) -> tuple[str, str]:
    """Run this Python with `arguments`; returns as `ask`."""
    return ask([sys.executable, *arguments], timeout_s)
