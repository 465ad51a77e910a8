"""Play a take again: feed its plans to a fresh worker and compare every frame.

    segue replay TAKE [--record FILE] [--json]

A chunk is the same when the CRC-32 of its BGRX bytes is. Bits are promised on the same backend
only; on another one the verdict says what differs in the header first.

Thread: main; frames and reports come through `worker-events`.
Exit:   0 the same · 1 a chunk differs or the worker broke · 2 the take cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

import msgspec

from engine.errors import EngineError, ExitCode
from engine.host.mailbox import Inbox
from engine.host.outputs.base import ProgramFrame
from engine.host.outputs.recording import Film
from engine.host.take import RecordedChunk, Recording, read_take
from engine.host.worker_pipe import WorkerEnd, WorkerPipe
from engine.protocol import frame_ring
from engine.protocol.frame_ring import RingFrame, RingReader
from engine.protocol.orders import (
    ChunkPlan,
    ChunkReport,
    FramesReady,
    Heartbeat,
    LoadModel,
    Shutdown,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)

LOAD_S = 900.0
CHUNK_S = 300.0
_SLOTS = 64
_EXIT_S = 3.0

OnFrames = Callable[[ChunkPlan, Sequence[RingFrame]], None]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a replay found."""

    chunks: int
    differing: tuple[int, ...]  # chunk indices
    lost: int  # plans of the take whose worker died; not replayed
    backend_changes: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """True when every chunk came out bit for bit."""
        return not self.differing

    def __str__(self) -> str:
        """Return the verdict in one or two sentences."""
        changes = f" The backend is another: {'; '.join(self.backend_changes)}."
        note = changes if self.backend_changes else ""
        if not self.chunks:
            return "The take has no finished chunk: nothing to compare."
        if self.is_same:
            return f"{self.chunks} chunks are the same bit for bit.{note}"
        first = ", ".join(str(index) for index in self.differing[:5])
        more = " …" if len(self.differing) > 5 else ""
        return f"{len(self.differing)} of {self.chunks} chunks differ: {first}{more}.{note}"


@dataclass(slots=True)
class _Listener:
    """Collects what the worker says."""

    events: Inbox[WorkerEvent | WorkerEnd] = field(default_factory=lambda: Inbox(1024))

    def on_event(self, event: WorkerEvent) -> None:
        if not isinstance(event, Heartbeat):
            self.events.put(event)

    def on_end(self, end: WorkerEnd) -> None:
        self.events.put(end)

    def next(self, timeout_s: float) -> WorkerEvent:
        """Return the next event.

        Raises:
            EngineError: the worker ended, failed, or said nothing in time.
        """
        event = self.events.take(timeout_s)
        match event:
            case None:
                raise EngineError(f"replay stopped: the worker said nothing for {timeout_s:g} s")
            case WorkerEnd():
                last = f": {event.last_lines[-1]}" if event.last_lines else ""
                raise EngineError(f"replay stopped: the worker was lost, {event}{last}")
            case WorkerFailed():
                raise EngineError(f"replay stopped: {event.reason}")
            case _:
                return event


class Player:
    """A fresh worker with its rings. Use as a context manager."""

    def __init__(self, recording: Recording) -> None:
        model = recording.header.worker.model
        pixels = model.width_px * model.height_px
        self._rings = (
            frame_ring.create("replay", _SLOTS, pixels * 4),
            frame_ring.create("replay-input", 2, pixels * 3),
        )
        self._reader = RingReader(self._rings[0])
        self._listener = _Listener()
        module = "engine.host.fake_worker" if recording.header.fake else "engine.worker"
        command = (sys.executable, "-m", module)
        self._pipe = WorkerPipe(command, self._listener.on_event, self._listener.on_end)
        self._load = LoadModel(
            model=model, frame_ring=self._rings[0], input_ring=self._rings[1],
            num_threads=recording.header.num_threads,
        )  # fmt: skip

    def __enter__(self) -> Player:
        self._pipe.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.try_send(Shutdown())
        self._pipe.close_orders()
        if not self._pipe.join(_EXIT_S):
            self._pipe.kill()
            self._pipe.join(_EXIT_S)
        self._reader.close()
        for ring in self._rings:
            frame_ring.remove(ring)

    def load(self) -> WorkerReady:
        """Load the take's model.

        Raises:
            EngineError: it cannot be loaded.
        """
        self._pipe.try_send(self._load)
        while not isinstance(event := self._listener.next(LOAD_S), WorkerReady):
            pass
        return event

    def play(self, chunk: RecordedChunk) -> tuple[ChunkReport, list[RingFrame]]:
        """Run one plan as it ran then; returns its report and its frames.

        Raises:
            EngineError: the worker was lost.
        """
        self._pipe.try_send(as_it_ran(chunk))
        frames: list[RingFrame] = []
        while True:
            match self._listener.next(CHUNK_S):
                case FramesReady() as ready:
                    numbers = range(ready.first_frame, ready.first_frame + ready.num_frames)
                    read = [self._reader.read(number) for number in numbers]
                    frames = [frame for frame in read if frame is not None]
                case ChunkReport() as report:
                    return report, frames
                case _:
                    pass


def as_it_ran(chunk: RecordedChunk) -> ChunkPlan:
    """Return the plan with what the chunk really saw, and the text that was really on air."""
    return msgspec.structs.replace(
        chunk.plan,
        input_until=None,
        recorded_condition=chunk.condition(),
        recorded_text=chunk.report.text or chunk.plan.text,
    )


def replay(
    recording: Recording,
    on_frames: OnFrames = lambda plan, frames: None,
    on_progress: OnProgress = lambda done, total: None,
) -> Verdict:
    """Run all plans of a take and compare.

    Raises:
        EngineError: the worker cannot be started or was lost on the way.
    """
    differing = []
    with Player(recording) as player:
        ready = player.load()
        for done, chunk in enumerate(recording.chunks, 1):
            report, frames = player.play(chunk)
            on_frames(chunk.plan, frames)
            if not _is_same(report, chunk.report):
                differing.append(chunk.plan.chunk_index)
            on_progress(done, len(recording.chunks))
    return Verdict(
        chunks=len(recording.chunks),
        differing=tuple(differing),
        lost=recording.num_lost,
        backend_changes=tuple(_changes(recording.header.worker, ready)),
    )


def _is_same(now: ChunkReport, then: ChunkReport) -> bool:
    """A chunk that was not shown then must not be shown now; it has no frames to compare."""
    same_frames = (now.frames_crc32, now.num_frames) == (then.frames_crc32, then.num_frames)
    return same_frames and bool(now.discarded) == bool(then.discarded)


def _changes(then: WorkerReady, now: WorkerReady) -> list[str]:
    """Return what would excuse a difference."""
    pairs = {"device": (then.device, now.device), "dtype": (then.dtype, now.dtype)}
    for name in sorted({*then.backends, *now.backends}):
        pairs[name] = (then.backends.get(name, "none"), now.backends.get(name, "none"))
    return [f"{name} was {old}, is {new}" for name, (old, new) in pairs.items() if old != new]


class FilmMaker:
    """Writes the frames of a replay to an MP4 at the model's own rate, every one of them."""

    def __init__(self, path: Path, recording: Recording) -> None:
        worker = recording.header.worker
        self._rate = Fraction(worker.native_fps).limit_denominator(1001)
        self._film = Film(path, worker.model.width_px, worker.model.height_px, self._rate)
        self._count = 0

    def write(self, plan: ChunkPlan, frames: Sequence[RingFrame]) -> None:
        """Append the frames of a chunk."""
        for frame in frames:
            due_ns = int(self._count * 10**9 / self._rate)
            self._film.write(
                ProgramFrame(
                    pixels=frame.pixels, index=self._count, timecode_100ns=due_ns // 100,
                    due_ns=due_ns, rate_numerator=self._rate.numerator,
                    rate_denominator=self._rate.denominator,
                )
            )  # fmt: skip
            self._count += 1

    def close(self) -> None:
        """Finish the file."""
        self._film.close()


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Replay a take from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="segue replay", description="Play a take again.")
    parser.add_argument("take", type=Path, help="folder of the take")
    parser.add_argument("--record", type=Path, help="write the frames to this MP4 file")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    options = parser.parse_args(arguments)
    try:
        verdict = replay_file(options.take, options.record, _progress)
    except EngineError as error:
        sys.stderr.write(f"segue: {error}\n")
        return error.exit_code
    summary = {"same": verdict.is_same, "verdict": str(verdict), **asdict(verdict)}
    text = msgspec.json.encode(summary).decode() if options.json else str(verdict)
    sys.stdout.write(f"{text}\n")
    return ExitCode.OK if verdict.is_same else ExitCode.FAULT


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} chunks" + ("\n" if done == total else ""))
        sys.stderr.flush()


def replay_file(
    take: Path, record: Path | None = None, on_progress: OnProgress = lambda done, total: None
) -> Verdict:
    """Read a take and replay it, recording its frames when asked.

    Raises:
        ConfigError: the take cannot be read.
        EngineError: the worker or the film broke.
    """
    recording = read_take(take)
    with ExitStack() as stack:
        on_frames: OnFrames = lambda plan, frames: None  # noqa: E731 - the default of replay
        if record is not None:
            film = FilmMaker(record, recording)
            stack.callback(film.close)
            on_frames = film.write
        return replay(recording, on_frames, on_progress)


if __name__ == "__main__":
    sys.exit(main())
