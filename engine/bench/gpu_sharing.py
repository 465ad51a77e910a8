"""Who else uses the GPU: a run beside them says nothing about the card."""

from __future__ import annotations

import os
import shutil
import subprocess

import torch

_TIMEOUT_S = 10


def other_processes() -> tuple[str, ...]:
    """Return what nvidia-smi says of other processes on this card.

    A sentence if it cannot be asked. Work on another card of the machine disturbs nobody.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ("nvidia-smi is missing: other processes are unknown",)
    query = [tool, "--query-compute-apps=gpu_uuid,pid,name,used_memory", "--format=csv,noheader"]
    try:
        found = subprocess.run(
            query, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return (f"nvidia-smi failed: {error}",)
    return others_in(found.stdout, os.getpid(), str(torch.cuda.get_device_properties(0).uuid))


def others_in(listing: str, own_pid: int, card: str) -> tuple[str, ...]:
    """Return the lines "pid, name, memory" of other processes on a card. PURE.

    In a container the own process can be listed under another number, as the only one.

    Args:
        listing: rows of "GPU-uuid, pid, name, memory".
        own_pid: of this process.
        card: uuid of the card that it runs on.
    """
    rows = [line.strip().partition(",") for line in listing.splitlines() if line.strip()]
    lines = [process.strip() for where, _, process in rows if where.endswith(card)]
    others = [line for line in lines if line.split(",")[0].strip() != str(own_pid)]
    return tuple(others) if len(others) != len(lines) or len(others) > 1 else ()
