"""The source as one chunk sees it: what arrived since the chunk before.

In:     the input ring, read twice: by the preprocess thread and here.
Out:    a `Condition`: control maps and video latents of the same frames.
Thread: generator; `PreprocessRunner` has its own.
Full:   a chunk ends at the newest frame whose maps are ready; nobody waits for a newer one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from engine.protocol.frame_ring import RingReader
from engine.protocol.orders import ChunkPlan
from engine.protocol.parameters import CONTROL_KINDS
from engine.worker.conditions import NO_CONDITION, Condition, from_bytes
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.preprocess.store import window_numbers
from engine.worker.streams import VideoEncodeStream, VideoLatents


class Inputs:
    """Takes what a plan's chunk shall see of the source."""

    def __init__(
        self,
        ring: RingReader,
        runner: PreprocessRunner,
        video: VideoEncodeStream,
        frames_per_chunk: int,
        device: torch.device,
    ) -> None:
        self._ring = ring
        self._runner = runner
        self._video = video
        self._num_frames = frames_per_chunk
        self._device = device
        self._oldest = 0  # frames before it belong to a source that is gone
        self._since: int | None = None  # newest frame that the chunk before has used

    def condition(self, plan: ChunkPlan) -> Condition:
        """Return what conditions the plan's chunk; a recorded condition goes before the source."""
        if plan.recorded_condition is not None:
            return from_bytes(plan.recorded_condition, self._device)
        until = plan.input_until
        control_amount = plan.parameters.get("control_amount", 0.0)
        input_amount = plan.parameters.get("input_amount", 0.0)
        if until is None or not (control_amount or input_amount):
            return NO_CONDITION
        kind = CONTROL_KINDS[int(plan.parameters.get("control_kind", 0))]
        window = (
            self._runner.store.window(kind, until, self._num_frames, self._since)
            if control_amount
            else None
        )
        numbers = window.numbers if window else self._newest_numbers(until, input_amount)
        if not numbers:
            return NO_CONDITION
        self._since = numbers[-1]
        return Condition(
            control=window.maps if window else None,
            video=self._video_latents(numbers) if input_amount else None,
            input_first=numbers[0],
            input_last=numbers[-1],
            stale_frames=until - numbers[-1],
        )

    def flush(self, until: int | None) -> None:
        """Forget what is older than the newest window."""
        self._since = None
        if until is not None:
            self._runner.store.drop_before(until - self._num_frames + 1)

    def restart(self, until: int | None) -> None:
        """Forget the old source: the next window begins with frame `until`."""
        self._since = None
        self._oldest = self._ring.num_written if until is None else until
        self._runner.restart_at(self._oldest)

    @property
    def num_waiting(self) -> int:
        """Frames whose maps are kept."""
        return len(self._runner.store)

    @property
    def is_preprocessor_fresh(self) -> bool:
        """Whether the preprocessors were told to forget and have seen nothing since."""
        return self._runner.is_restarting

    def _newest_numbers(self, until: int, input_amount: float) -> tuple[int, ...]:
        """Return the frames to encode when no control map says which; empty without any."""
        if not input_amount:
            return ()
        oldest = max(self._oldest, self._ring.num_written - self._ring.num_slots + 1, 0)
        newest = min(until, self._ring.num_written - 1)
        return window_numbers(range(oldest, newest + 1), until, self._num_frames, self._since)

    def _video_latents(self, numbers: tuple[int, ...]) -> VideoLatents | None:
        """Encode the frames `numbers`; None when the ring has overwritten all of them."""
        frames = self._frames(numbers)
        if frames is None:
            return None
        pixels = torch.from_numpy(frames).to(self._device).movedim(-1, 1)[None]
        return self._video.push(pixels.float().div_(255))

    def _frames(self, numbers: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
        """Read frames [F, H, W, 3]; one that is overwritten is served by the next whole one."""
        found = {number: self._ring.read(number) for number in set(numbers)}
        whole = sorted(number for number, frame in found.items() if frame is not None)
        if not whole:
            return None
        served = [next((w for w in whole if w >= number), whole[-1]) for number in numbers]
        return np.stack([frame.pixels for n in served if (frame := found[n]) is not None])
