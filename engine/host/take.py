"""The commit log of a show: every plan before it runs, every report after.

    takes/2026-11-23T20-15-03Z/
      take.jsonl                     a message a line: header, plans, reports, restarts, notices
      conditions/000012.safetensors  what chunk 12 saw of the source, as its report gave it

Thread: the conductor's; a line is written and flushed at once.
Full:   a disk that is full or nearly so ends the take with one notice; the show goes on.
        What chunks saw of a source takes about half a GB an hour with the house model.
"""

from __future__ import annotations

import errno
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from engine.errors import ConfigError
from engine.protocol.messages import NoticeRaised
from engine.protocol.orders import ChunkPlan, ChunkReport, WorkerReady
from engine.protocol.values import Look, Message, Severity

Notices = Callable[[Severity, str, str], None]

FORMAT = 1
MIN_FREE_BYTES = 256 * 2**20  # a take must not be what fills the disk
FILE_NAME = "take.jsonl"
_CONDITIONS = "conditions"
_T = TypeVar("_T")


class TakeHeader(Message, frozen=True, kw_only=True):
    """First line: all that a replay must know beyond the plans."""

    format: int = FORMAT
    started_utc: str
    versions: dict[str, str]
    show_seed: int
    look: Look
    worker: WorkerReady  # model, sizes, device, dtype, backends
    num_threads: int = 0  # of the worker on a CPU: sums depend on how they are split
    fake: bool = False  # made by the fake worker


TakeLine = TakeHeader | WorkerReady | ChunkPlan | ChunkReport | NoticeRaised
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[TakeLine] = msgspec.json.Decoder(TakeLine)


@dataclass(frozen=True, slots=True)
class RecordedChunk:
    """A plan that ran and what came of it."""

    plan: ChunkPlan
    report: ChunkReport
    condition_path: Path | None

    def condition(self) -> bytes | None:
        """Return what the chunk saw of the source, as safetensors bytes; None without a source."""
        return self.condition_path.read_bytes() if self.condition_path else None


@dataclass(frozen=True, slots=True)
class Recording:
    """A take that was read back. Plans whose worker died before the report are left out."""

    header: TakeHeader
    chunks: tuple[RecordedChunk, ...]
    num_lost: int


class Take:
    """A take that is being written. Without a file, after trouble, every method does nothing."""

    def __init__(
        self, folder: Path, notices: Notices, min_free_bytes: int = MIN_FREE_BYTES
    ) -> None:
        self.folder = folder
        self._min_free_bytes = min_free_bytes
        self._notices = notices
        self._file: IO[bytes] | None = None
        try:
            (folder / _CONDITIONS).mkdir(parents=True, exist_ok=True)
            self._file = (folder / FILE_NAME).open("ab")
        except OSError as error:
            self._fail(error)

    @property
    def is_open(self) -> bool:
        """True while lines are written."""
        return self._file is not None

    def write(self, line: TakeLine) -> None:
        """Append a line and flush it; a report's condition goes to a file of its own."""
        if isinstance(line, ChunkReport) and line.condition is not None:
            self._write_condition(line.chunk_index, line.condition)
            line = msgspec.structs.replace(line, condition=None)
        if self._file is None:
            return
        try:
            self._file.write(_ENCODER.encode(line) + b"\n")
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Close the file. Safe twice."""
        file, self._file = self._file, None
        if file is not None:
            _close(file)

    def _write_condition(self, chunk_index: int, condition: bytes) -> None:
        if self._file is None:
            return
        try:
            free_bytes = shutil.disk_usage(self.folder).free
            if free_bytes < self._min_free_bytes + len(condition):
                raise OSError(errno.ENOSPC, f"{free_bytes / 2**20:.0f} MiB left on the disk")
            condition_path(self.folder, chunk_index).write_bytes(condition)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.close()
        self._notices(
            Severity.WARNING,
            "take",
            f"the take in {self.folder} ends here ({error.strerror}); the show goes on without it",
        )


def _close(file: IO[bytes]) -> None:
    try:
        file.close()
    except OSError:  # what could not be flushed before cannot be flushed now
        return


def condition_path(folder: Path, chunk_index: int) -> Path:
    """Return where the condition of a chunk is kept."""
    return folder / _CONDITIONS / f"{chunk_index:06d}.safetensors"


def new_folder(parent: Path) -> Path:
    """Return a folder name of this moment that is not taken; makes nothing."""
    name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    candidates = [parent / name, *(parent / f"{name}-{n}" for n in range(2, 1000))]
    return next(folder for folder in candidates if not folder.exists())


def header(
    show_seed: int, look: Look, ready: WorkerReady, *, num_threads: int = 0, fake: bool = False
) -> TakeHeader:
    """Return the header of a take that begins now."""
    return TakeHeader(
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), "machine": platform.machine()},
        show_seed=show_seed,
        look=look,
        worker=ready,
        num_threads=num_threads,
        fake=fake,
    )


# ---------------------------------------------------------------- reading


def read_take(path: Path) -> Recording:
    """Read a take: its folder or its file.

    Raises:
        ConfigError: there is no take, or a line is none of ours; names file, line and remedy.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"take {path}: {error.strerror}; give the folder of a take, which holds {FILE_NAME}"
        ) from error
    lines = raw.split(b"\n")
    lines.pop()  # empty, or what a crash cut off in mid-line
    messages = [_read_line(file, number, line) for number, line in enumerate(lines, 1)]
    return _pair(file, messages)


def _read_line(file: Path, number: int, line: bytes) -> TakeLine:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file}:{number}: expected a line of a take of format {FORMAT}, got {line[:40]!r} "
            f"({error}); restore the file, or cut it before this line"
        ) from error


def _pair(file: Path, messages: list[TakeLine]) -> Recording:
    first = messages[0] if messages else None
    if not isinstance(first, TakeHeader) or first.format != FORMAT:
        raise ConfigError(f"{file}:1: expected the header of a take of format {FORMAT}")
    plans = {plan.chunk_index: plan for plan in _of(ChunkPlan, messages)}
    reports = {report.chunk_index: report for report in _of(ChunkReport, messages)}
    chunks = [
        RecordedChunk(plan, reports[index], _condition_of(file.parent, reports[index]))
        for index, plan in sorted(plans.items())
        if index in reports
    ]
    return Recording(first, tuple(chunks), num_lost=len(plans) - len(chunks))


def _of(kind: type[_T], messages: list[TakeLine]) -> list[_T]:
    return [message for message in messages if isinstance(message, kind)]


def _condition_of(folder: Path, report: ChunkReport) -> Path | None:
    path = condition_path(folder, report.chunk_index)
    if path.exists():
        return path
    if report.input_last is not None or report.guides:
        saw = "the source" if report.input_last is not None else f"a {report.guides[0]}"
        raise ConfigError(
            f"take {folder}: chunk {report.chunk_index} saw {saw}, but {path.name} is missing "
            f"in {path.parent}; restore the folder"
        )
    return None
