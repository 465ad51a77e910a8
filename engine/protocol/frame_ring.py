"""Shared-memory ring of frames: one writer process, any number of readers, no lock.

In:     frames [H, W, C] uint8, C-contiguous, at most `slot_bytes` each; size may change per frame.
Out:    copies of them, oldest first (`read`) or newest only (`latest`).
Thread: one writer thread; each reader object belongs to one thread.
Full:   the writer never waits: it overwrites the oldest slot. A writer whose frames must not be
        lost is paced by messages (the host plans a chunk only when its frames have room).

A ring is a file in shared memory that both sides map, so it survives the death of either side.
Each slot is guarded by a sequence number (odd while it is written), so a reader never keeps half a
frame and nobody ever waits for a process that died in mid-copy. Frame n, counted from 0, lives in
slot n % num_slots; its slot reads 2n+1 while it is written and 2n+2 when it is whole.

Nothing is left behind: the file name carries the owner's process id, the owner removes it at exit,
whoever outlives the owner calls `remove_owned_by`, and `sweep` removes what owners that are gone
left behind.

    header   magic, version, num_slots, slot_bytes, num_written
    slot     sequence, media_index, chunk_index, captured_ns, height, width, channels | pixels
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import tempfile
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError, LocalProtocolError, RemoteProtocolError

Frame = npt.NDArray[np.uint8]

_MAGIC = b"SEGR"
_VERSION = 1
_HEADER = struct.Struct("<4sIIQQ")
_NUM_WRITTEN_AT = _HEADER.size - 8
_SEQUENCE = struct.Struct("<Q")
_META = struct.Struct("<qqqIII")
_HEADER_BYTES = 64
_SLOT_HEADER_BYTES = 64
_NAME = re.compile(r"segue-(\d+)-[0-9a-f]+-[\w-]+\.ring")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMeta:
    """What is known about a frame. `captured_ns` is CLOCK_MONOTONIC of the machine."""

    media_index: int = 0  # counts frames of the stream, also over dropped ones
    chunk_index: int = -1  # the chunk that made it; -1 for source frames
    captured_ns: int = 0


@dataclass(frozen=True, slots=True)
class RingFrame:
    """A frame copied out of a ring: `number` counts writes from 0."""

    number: int
    pixels: Frame
    meta: FrameMeta


def ring_folder() -> Path:
    """Return where rings live: shared memory where the system has it as a folder."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def remove(path: str | Path) -> None:
    """Remove a ring's file; whoever has it mapped keeps its memory until it closes."""
    with suppress(FileNotFoundError, PermissionError):
        Path(path).unlink()


def sweep() -> list[str]:
    """Remove the rings whose owner no longer runs; returns their names."""
    removed = []
    for path in ring_folder().glob("segue-*.ring"):
        match = _NAME.fullmatch(path.name)
        if match and not _is_running(int(match.group(1))):
            remove(path)
            removed.append(path.name)
    return removed


def remove_owned_by(pid: int) -> list[str]:
    """Remove every ring of a process, for whoever outlives it; returns their names."""
    rings = sorted(ring_folder().glob(f"segue-{pid}-*.ring"))
    for ring in rings:
        remove(ring)
    return [ring.name for ring in rings]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def create(label: str, num_slots: int, slot_bytes: int) -> str:
    """Make an empty ring owned by this process and return its path.

    Args:
        label: what it carries, for people who list the folder: letters, digits, `-`.
        num_slots: frames it holds, at least 2.
        slot_bytes: bytes of the largest frame.

    Raises:
        ConfigError: the sizes make no ring, or there is not enough shared memory.
    """
    if num_slots < 2 or slot_bytes < 1:
        raise ConfigError(
            f"ring {label!r}: got {num_slots} slots of {slot_bytes} bytes, expected at least 2 of 1"
        )
    path = ring_folder() / f"segue-{os.getpid()}-{uuid.uuid4().hex[:8]}-{label}.ring"
    mapping = _create_file(path, _Layout(num_slots, slot_bytes).total_bytes)
    _HEADER.pack_into(mapping, 0, _MAGIC, _VERSION, num_slots, slot_bytes, 0)
    mapping.close()
    return str(path)


class _Ring:
    """An open ring file: the part that writer and reader share."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._map = _open_file(path)
        if len(self._map) < _HEADER_BYTES:
            raise RemoteProtocolError(f"frame ring {path} is truncated; start the engine again")
        magic, version, num_slots, slot_bytes, _ = _HEADER.unpack_from(self._map, 0)
        if magic != _MAGIC or version != _VERSION:
            raise RemoteProtocolError(f"{path} is not a frame ring of version {_VERSION}")
        self._layout = _Layout(num_slots, slot_bytes)
        if len(self._map) < self._layout.total_bytes:
            raise RemoteProtocolError(f"frame ring {path} is truncated; start the engine again")

    @property
    def num_slots(self) -> int:
        """Frames the ring holds."""
        return self._layout.num_slots

    @property
    def slot_bytes(self) -> int:
        """Bytes of the largest frame it takes."""
        return self._layout.slot_bytes

    @property
    def num_written(self) -> int:
        """Frames written since the ring was made, by all its writers."""
        (count,) = _SEQUENCE.unpack_from(self._map, _NUM_WRITTEN_AT)
        return int(count)

    def close(self) -> None:
        """Unmap; the file stays until its owner calls `remove`. Safe to call twice."""
        with suppress(BufferError):  # a frame view is still alive; its memory goes with it
            self._map.close()


class RingWriter(_Ring):
    """The one writer of a ring; a new one goes on where a dead one stopped.

    Raises:
        RemoteProtocolError: the file is missing or is not a ring of this version.
    """

    def write(self, pixels: Frame, meta: FrameMeta) -> int:
        """Copy a frame [H, W, C] uint8 in and return its number.

        Raises:
            LocalProtocolError: wrong type or shape, or larger than a slot; nothing was written.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.nbytes > self.slot_bytes:
            raise LocalProtocolError(
                f"ring {self.path}: got a frame {pixels.dtype} {pixels.shape}, "
                f"expected uint8 [H, W, C] of at most {self.slot_bytes} bytes"
            )
        number = self.num_written
        at = self._layout.slot_at(number)
        _SEQUENCE.pack_into(self._map, at, 2 * number + 1)
        fields = (meta.media_index, meta.chunk_index, meta.captured_ns, *pixels.shape)
        _META.pack_into(self._map, at + _SEQUENCE.size, *fields)
        target: Frame = np.frombuffer(
            self._map, np.uint8, pixels.nbytes, at + _SLOT_HEADER_BYTES
        ).reshape(pixels.shape)
        np.copyto(target, pixels)
        _SEQUENCE.pack_into(self._map, at, 2 * number + 2)
        _SEQUENCE.pack_into(self._map, _NUM_WRITTEN_AT, number + 1)
        return number


class RingReader(_Ring):
    """Reads copies of frames; any number of readers, in any process.

    Raises:
        RemoteProtocolError: the file is missing or is not a ring of this version.
    """

    def read(self, number: int) -> RingFrame | None:
        """Return frame `number`, or None when it is not written yet or overwritten already."""
        at = self._layout.slot_at(number)
        whole = 2 * number + 2
        if self._sequence(at) != whole:
            return None
        media, chunk, captured, height, width, channels = _META.unpack_from(
            self._map, at + _SEQUENCE.size
        )
        size = height * width * channels
        if size > self.slot_bytes:
            return None
        pixels = np.frombuffer(self._map, np.uint8, size, at + _SLOT_HEADER_BYTES).copy()
        if self._sequence(at) != whole:
            return None
        meta = FrameMeta(media_index=media, chunk_index=chunk, captured_ns=captured)
        return RingFrame(number, pixels.reshape(height, width, channels), meta)

    def latest(self) -> RingFrame | None:
        """Return the newest whole frame, or None when there is none yet."""
        for _ in range(3):  # the writer may lap us while we copy
            count = self.num_written
            frame = self.read(count - 1) if count else None
            if frame is not None or count == 0:
                return frame
        return None

    def _sequence(self, at: int) -> int:
        (value,) = _SEQUENCE.unpack_from(self._map, at)
        return int(value)


@dataclass(frozen=True, slots=True)
class _Layout:
    num_slots: int
    slot_bytes: int

    @property
    def stride(self) -> int:
        return _SLOT_HEADER_BYTES + (self.slot_bytes + 63) // 64 * 64

    @property
    def total_bytes(self) -> int:
        return _HEADER_BYTES + self.num_slots * self.stride

    def slot_at(self, number: int) -> int:
        return _HEADER_BYTES + (number % self.num_slots) * self.stride


def _create_file(path: Path, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)  # fail here, not with SIGBUS in mid-show
        return mmap.mmap(descriptor, size)
    except OSError as error:
        remove(path)
        raise ConfigError(
            f"frame ring of {size / 2**20:.0f} MiB in {path.parent}: {error.strerror}; "
            f"free some shared memory or choose a smaller picture"
        ) from error
    finally:
        os.close(descriptor)


def _open_file(path: str) -> mmap.mmap:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise RemoteProtocolError(
            f"frame ring {path}: {error.strerror}; the engine that made it is gone"
        ) from error
    try:
        return mmap.mmap(descriptor, 0)
    except ValueError as error:
        raise RemoteProtocolError(f"frame ring {path} is empty; start the engine again") from error
    finally:
        os.close(descriptor)
