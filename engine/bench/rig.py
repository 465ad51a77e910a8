"""A chunk loop with rings of its own, as the worker has it, and what it tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.protocol import frame_ring
from engine.protocol.frame_ring import RingReader, RingWriter
from engine.protocol.orders import WorkerEvent
from engine.worker.chunk_loop import Channels, ChunkLoop
from engine.worker.model import LoadedModel
from engine.worker.models.spec import Control
from engine.worker.preprocess.base import ControlForm
from engine.worker.preprocess.kinds import default_preprocessors
from engine.worker.preprocess.runner import PreprocessRunner

_INPUT_SLOTS = 64


@dataclass(slots=True)
class LoopRig:
    """The loop, the ring that its source writes, its preprocessors, and the events it told."""

    loop: ChunkLoop
    source: RingWriter
    preprocess: PreprocessRunner
    events: list[WorkerEvent] = field(default_factory=list)


@contextmanager
def loop_rig(model: LoadedModel, name: str = "") -> Iterator[LoopRig]:
    """Make a loop around a model; its rings are removed at the end."""
    count, pixels = model.spec.frames_per_chunk, model.choice.width_px * model.choice.height_px
    prefix = f"bench-{os.getpid()}{name}"
    frames = frame_ring.create(f"{prefix}-frames", 4 * count, pixels * 4)
    source = frame_ring.create(f"{prefix}-input", _INPUT_SLOTS, pixels * 3)
    events: list[WorkerEvent] = []
    try:
        inputs = RingReader(source)
        takes_pictures = model.spec.control is Control.VACE
        preprocess = PreprocessRunner(
            inputs, default_preprocessors(), _raise,
            form=ControlForm.PICTURE if takes_pictures else ControlForm.MAP,
        )  # fmt: skip
        channels = Channels(
            frames=RingWriter(frames), inputs=inputs, tell=events.append, preprocess=preprocess
        )
        yield LoopRig(ChunkLoop(model, channels), RingWriter(source), preprocess, events)
    finally:
        for ring in (frames, source):
            frame_ring.remove(ring)


def _raise(error: BaseException) -> None:
    raise error
