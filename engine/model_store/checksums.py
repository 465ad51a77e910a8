"""How the bytes of a file are held against what they should be. No network.

The hub names a file by its ETag: the sha256 of a large file, the git blob id of a small one.
Source: huggingface_hub documentation, "Download files to a local folder"; git, blob objects.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Checksum:
    """A sum and how it is made: ``sha256`` or ``git``."""

    kind: str
    value: str


def checksum_of(sha256: str | None, etag: str) -> Checksum | None:
    """Return what to hold a file against: the catalogue's sum, else the hub's; None without one."""
    if sha256 is not None:
        return Checksum("sha256", sha256)
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        return Checksum("sha256", etag)
    if re.fullmatch(r"[0-9a-f]{40}", etag):
        return Checksum("git", etag)
    return None


def sum_of(path: Path, kind: str, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Return the sum of a file; `on_bytes` hears how many bytes are read so far.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    if kind == "git":
        digest.update(b"blob %d\0" % path.stat().st_size)
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_bytes(done)
    return digest.hexdigest()
