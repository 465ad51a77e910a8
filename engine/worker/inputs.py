"""The source as one chunk sees it: a window of the newest input frames.

In:     the input ring, read twice: by the preprocess thread and here.
Out:    a `Condition`: control maps and video latents of the same frames.
Thread: generator; `PreprocessRunner` has its own.
Full:   the window ends at the newest frame whose maps are ready; nobody waits for a newer one.
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
from engine.worker.preprocess.store import ControlWindow, window_numbers
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

    def condition(self, plan: ChunkPlan) -> Condition:
        """Return what conditions the plan's chunk; a recorded condition goes before the source."""
        if plan.recorded_condition is not None:
            return from_bytes(plan.recorded_condition, self._device)
        control_amount = plan.parameters.get("control_amount", 0.0)
        input_amount = plan.parameters.get("input_amount", 0.0)
        if plan.input_until is None or not (control_amount or input_amount):
            return NO_CONDITION
        maps = self._maps(plan, plan.input_until) if control_amount else None
        last = maps.last if maps else plan.input_until
        video = self._video_latents(last) if input_amount else None
        if maps is None and video is None:
            return NO_CONDITION
        return Condition(
            control=maps.maps if maps else None,
            video=video,
            input_first=last - self._num_frames + 1,
            input_last=last,
            stale_frames=plan.input_until - last,
        )

    def flush(self, until: int | None) -> None:
        """Forget what is older than the newest window."""
        if until is not None:
            self._runner.store.drop_before(until - self._num_frames + 1)

    def restart(self, until: int | None) -> None:
        """Forget the old source: the next window begins with frame `until`."""
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

    def _maps(self, plan: ChunkPlan, until: int) -> ControlWindow | None:
        kind = CONTROL_KINDS[int(plan.parameters.get("control_kind", 0))]
        return self._runner.store.window(kind, until, self._num_frames)

    def _video_latents(self, last: int) -> VideoLatents | None:
        frames = self._frames(last)
        if frames is None:
            return None
        pixels = torch.from_numpy(frames).to(self._device).movedim(-1, 1)[None]
        latents = self._video.push(pixels.float().div_(255))
        # In the memory layout in which a take gives them back: sums differ in the last bit else.
        return VideoLatents(latents.contiguous())

    def _frames(self, last: int) -> npt.NDArray[np.uint8] | None:
        """Return the window of frames that ends at `last`, [F, H, W, 3]; None without any."""
        first = max(last - self._num_frames + 1, self._oldest, 0)
        found = {number: self._ring.read(number) for number in range(first, last + 1)}
        pixels = {number: frame.pixels for number, frame in found.items() if frame is not None}
        numbers = window_numbers(sorted(pixels), last, self._num_frames)
        return np.stack([pixels[number] for number in numbers]) if numbers else None
