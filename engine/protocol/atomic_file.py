"""Write a file so that a crash at any moment leaves either the old content or the new one."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` with `text` (UTF-8), see `write_bytes_atomically`."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Replace `path` with `content`: temporary file, fsync, rename, fsync of the folder.

    Raises:
        OSError: disk full, no permission; the old file is untouched and nothing is left behind.
    """
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _keep_mode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def _keep_mode(path: Path, temporary: str) -> None:
    """Undo that temporary files are private: a show that others could read stays readable."""
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o644
    os.chmod(temporary, mode)


def sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can sync folders."""
    with suppress(OSError):  # Windows opens no folders; the rename is still atomic there
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
