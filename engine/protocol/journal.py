"""An append-only journal of records of which the last whole one counts.

A line is the CRC-32 of a record in eight hexadecimal digits, a space, the record, a newline. A
record is on the disk when `append` returns. A death at any moment leaves the record before it or
the new one: a torn line has a wrong sum and is skipped, and compaction replaces the file in one
step. Records hold no newline: JSON.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path

from engine.protocol.atomic_file import sync_folder, write_atomically

MAX_BYTES = 256 * 1024  # then the file is written anew with its last record


class Journal:
    """Appends to one file. Opened by the first `append`; `max_bytes` is when it is compacted."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._descriptor: int | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    def append(self, record: bytes) -> None:
        """Write a record; it is on the disk when this returns.

        Raises:
            OSError: the disk refuses; what was written before is still there.
        """
        line = line_of(record)
        descriptor = self._descriptor if self._descriptor is not None else self._open()
        if os.fstat(descriptor).st_size + len(line) > self._max_bytes:
            self.close()
            write_atomically(self._path, line.decode())
            return
        _write_all(descriptor, line)
        os.fsync(descriptor)

    def close(self) -> None:
        """Let the file go. Safe twice; `append` opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _remove_half_written(self._path)
        is_torn = _is_torn(self._path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(self._path, flags, 0o644)
        if is_torn:  # else the next record would share a line with the torn one
            _write_all(self._descriptor, b"\n")
        sync_folder(self._path.parent)
        return self._descriptor


def line_of(record: bytes) -> bytes:
    """Return the line of a record."""
    if b"\n" in record:
        raise ValueError("a record of a journal holds no newline")
    return b"%08x %s\n" % (zlib.crc32(record), record)


def last_record(path: Path) -> bytes | None:
    """Return the last whole record; None when there is none, or nothing can be read."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return None
    for line in reversed(lines):
        if line and line_of(line[9:]) == line + b"\n":
            return line[9:]
    return None


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _is_torn(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    return False


def _remove_half_written(path: Path) -> None:
    """A death between write and rename left a temporary file; nobody else would remove it."""
    for half in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            half.unlink()
