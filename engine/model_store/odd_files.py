"""What lies where weights should be: the usual accidents of a download, by their first bytes.

In:     a file.
Out:    the rest of a sentence that begins with its name; empty where it may be a weights file.
Thread: any. Reads a few kilobytes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from engine.protocol.amounts import size_text

_HEAD_BYTES: Final = 4096
_TAIL_BYTES: Final = 1 << 16  # where a zip file, which a .pt is, has its end record
_LFS: Final = b"version https://git-lfs"
_ZIP: Final = b"PK\x03\x04"
_ZIP_END: Final = b"PK\x05\x06"
_PAGE: Final = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_TITLE: Final = re.compile(rb"<title>\s*([^<]{1,60})", re.IGNORECASE)
_MAX_HEADER_BYTES: Final = 100 * 2**20  # that of safetensors itself
_SHOWN_CHARACTERS: Final = 60


def oddity(path: Path) -> str:
    """Return what a file is instead of weights.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    if not size:
        return "is empty: its download never began, or the disk was full"
    if head.startswith(_LFS):
        return f"is a pointer of git LFS ({size} bytes), not the weights that it points to"
    if _PAGE.match(head):
        title = _TITLE.search(head)
        said = f" (“{title.group(1).decode('utf-8', 'replace').strip()}”)" if title else ""
        return f"is a web page{said}, not weights: the download was refused, or asks for a login"
    if head[:1] == b"{":
        text = head[:_SHOWN_CHARACTERS].decode("utf-8", "replace").strip()
        return f"is a text, not weights; it begins with {text}"
    if head.startswith(_ZIP) and _ZIP_END not in tail:
        return f"is cut short, after {size_text(size)}"
    return _cut_short(path, size) if path.suffix == ".safetensors" else ""


def _cut_short(path: Path, size: int) -> str:
    """Return how much of a safetensors file is there, where that is not all of it."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _MAX_HEADER_BYTES:
            return ""
        header = file.read(length)
    if len(header) < length:
        return f"is cut short, after {size_text(size)}"
    whole = 8 + length + _data_bytes(header)
    if size >= whole:
        return ""
    return f"is cut short: {size_text(size)} of {size_text(whole)} are here"


def _data_bytes(header: bytes) -> int:
    """Return how many bytes of tensors a header of safetensors promises; 0 if it is none."""
    try:
        rows = [row for name, row in json.loads(header).items() if name != "__metadata__"]
        return max((int(row["data_offsets"][1]) for row in rows), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return 0
