"""Who else uses the GPU: a run beside them says nothing about the card."""

from __future__ import annotations

import os
import shutil
import subprocess

_TIMEOUT_S = 10


def other_processes() -> tuple[str, ...]:
    """Return what nvidia-smi says of other processes; a sentence if it cannot be asked."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ("nvidia-smi is missing: other processes are unknown",)
    query = [tool, "--query-compute-apps=pid,name,used_memory", "--format=csv,noheader"]
    try:
        found = subprocess.run(
            query, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return (f"nvidia-smi failed: {error}",)
    return others_in(found.stdout, os.getpid())


def others_in(listing: str, own_pid: int) -> tuple[str, ...]:
    """Return the lines of other processes. PURE.

    In a container the own process can be listed under another number, as the only one.
    """
    lines = [line.strip() for line in listing.splitlines() if line.strip()]
    others = [line for line in lines if line.split(",")[0].strip() != str(own_pid)]
    return tuple(others) if len(others) != len(lines) or len(others) > 1 else ()
