"""Start the real worker process over a pipe, the way the host does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.protocol import frame_ring
from engine.protocol.codec import WORKER_EVENTS, read_framed, write_framed
from engine.protocol.frame_ring import RingReader
from engine.protocol.orders import ChunkPlan, ChunkReport, Heartbeat, HostOrder, LoadModel
from engine.protocol.values import ModelChoice, WeightedPrompt

SIZE_PX = 64
FRAMES_PER_CHUNK = 12
SMALL_MODEL = ModelChoice(name="untrained", width_px=SIZE_PX, height_px=SIZE_PX, device="cpu")
COMMAND = [sys.executable, "-m", "engine.worker"]


def plan(index: int, **changes: object) -> ChunkPlan:
    """Return a plain plan for chunk `index` of a show without cuts."""
    fields: dict[str, object] = {
        "chunk_index": index, "cut_number": 0, "chunk_in_cut": index, "snapshot_version": 0,
        "seed": 7, "text": (WeightedPrompt(text="slow red fire", weight=1.0),),
        "parameters": {"steps": 1.0},
    }  # fmt: skip
    return ChunkPlan(**(fields | changes))


@dataclass
class WorkerProcess:
    """A running worker with the rings that its host made for it."""

    process: subprocess.Popen[bytes]
    frame_ring: str
    input_ring: str
    events: list[object] = field(default_factory=list)

    def order(self, order: HostOrder) -> None:
        assert self.process.stdin is not None
        write_framed(self.process.stdin, order)

    def load(self, model: ModelChoice = SMALL_MODEL) -> None:
        self.order(
            LoadModel(
                model=model, frame_ring=self.frame_ring, input_ring=self.input_ring, num_threads=1
            )
        )

    def next_event(self) -> object | None:
        """Return the next event but heartbeats; None at the end of the pipe."""
        assert self.process.stdout is not None
        while True:
            event = read_framed(self.process.stdout, WORKER_EVENTS)
            self.events.append(event)
            if not isinstance(event, Heartbeat):
                return event

    def run(self, plan: ChunkPlan) -> ChunkReport:
        """Order a chunk and return its report."""
        self.order(plan)
        while not isinstance(event := self.next_event(), ChunkReport):
            assert event is not None, "the worker ended in mid-chunk"
        return event

    def frames(self, report_index: int) -> list[bytes]:
        """Return the BGRX bytes of one chunk's frames that are still in the ring."""
        reader = RingReader(self.frame_ring)
        first = max(reader.num_written - reader.num_slots, 0)
        found = [reader.read(number) for number in range(first, reader.num_written)]
        reader.close()
        return [f.pixels.tobytes() for f in found if f and f.meta.chunk_index == report_index]


@contextmanager
def worker_process(model: ModelChoice = SMALL_MODEL) -> Iterator[WorkerProcess]:
    """Start a worker; ends it and removes the rings afterwards."""
    frame_bytes = model.width_px * model.height_px
    rings = [
        frame_ring.create("frames", 4 * FRAMES_PER_CHUNK, frame_bytes * 4),
        frame_ring.create("input", 64, frame_bytes * 3),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    try:
        yield WorkerProcess(process, *rings)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        for ring in rings:
            frame_ring.remove(ring)
