"""Play looks through the real score and the real chunk loop, and collect what comes out.

One show at a time, in this process: the loop writes its frames into a ring, as in the instrument,
and they are read back from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import EngineError
from engine.host.score import Score, next_chunk
from engine.protocol import frame_ring
from engine.protocol.values import ModelChoice

if TYPE_CHECKING:
    from engine.worker.chunk_loop import ChunkLoop

Frames = npt.NDArray[np.uint8]
Conditions = Sequence[bytes | None]

_RING_FRAMES = 64


@contextmanager
def open_loop(choice: ModelChoice, num_threads: int = 0) -> Iterator[tuple[ChunkLoop, Player]]:
    """Load a model into a chunk loop of this process, with rings of its own."""
    from engine.worker.chunk_loop import Channels, ChunkLoop
    from engine.worker.device import choose_compute
    from engine.worker.model import load_model
    from engine.worker.preprocess.kinds import default_preprocessors
    from engine.worker.preprocess.runner import PreprocessRunner

    pixels = choice.width_px * choice.height_px
    frames = frame_ring.create("bench-frames", _RING_FRAMES, pixels * 4)
    inputs = frame_ring.create("bench-input", 2, pixels * 3)
    try:
        reader = frame_ring.RingReader(inputs)
        channels = Channels(
            frames=frame_ring.RingWriter(frames),
            inputs=reader,
            preprocess=PreprocessRunner(
                frame_ring.RingReader(inputs), default_preprocessors(), on_error=_never
            ),
            tell=lambda _event: None,
        )
        loop = ChunkLoop(load_model(choice, choose_compute(choice.device, num_threads)), channels)
        yield loop, Player(loop, frame_ring.RingReader(frames))
    finally:
        frame_ring.remove(frames)
        frame_ring.remove(inputs)


def _never(error: BaseException) -> None:
    raise AssertionError("the preprocess thread is not started here") from error


class Player:
    """Runs a score through a chunk loop and collects the frames."""

    def __init__(self, loop: ChunkLoop, ring: frame_ring.RingReader) -> None:
        self._loop = loop
        self._ring = ring

    def chunk(self, score: Score, condition: bytes | None = None) -> tuple[Score, Frames]:
        """Make one chunk; returns the score after it and frames [F, H, W, 4] BGRX.

        Args:
            score: what is planned.
            condition: control maps as a take records them; None for no source.

        Raises:
            EngineError: the picture is broken, so the loop handed no frames on.
        """
        before = self._ring.num_written
        score, plan = next_chunk(score)
        if condition is not None:
            plan = msgspec.structs.replace(plan, recorded_condition=condition)
        with torch.inference_mode():
            self._loop.run_chunk(plan)
        frames: list[Frames] = []
        for number in range(before, self._ring.num_written):
            frame = self._ring.read(number)
            assert frame is not None, "the ring holds several chunks and nobody else writes"
            frames.append(frame.pixels)
        if not frames:
            raise EngineError(
                f"bench: chunk {plan.chunk_index} of {score.text[0].text!r} came out flat or "
                "without finite numbers; these weights do not play, try others"
            )
        return score, np.stack(frames)

    def play(
        self, score: Score, num_chunks: int, conditions: Conditions | None = None
    ) -> tuple[Score, Frames]:
        """Make `num_chunks` chunks; returns the score after them and frames [F, H, W, 4]."""
        parts: list[Frames] = []
        for index in range(num_chunks):
            score, frames = self.chunk(score, conditions[index] if conditions else None)
            parts.append(frames)
        return score, np.concatenate(parts)


def rgb(frames: Frames, device: torch.device) -> Tensor:
    """Return frames [F, H, W, 4] BGRX as [F, 3, H, W] RGB uint8 on `device`."""
    return torch.from_numpy(frames).to(device)[..., [2, 1, 0]].permute(0, 3, 1, 2).contiguous()
