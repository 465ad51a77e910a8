"""The source as one chunk sees it: what arrived since the chunk before.

In:     the input ring, read twice: by the preprocess thread and here.
Out:    a `Condition`: control (maps, or a VACE context) and video latents of the same frames.
Thread: generator; `PreprocessRunner` has its own.
Full:   a chunk ends at the newest frame whose maps are ready; nobody waits for a newer one. Where
        the chosen kind of map has none yet, the kind before stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.protocol.frame_ring import RingReader
from engine.protocol.orders import ChunkPlan
from engine.protocol.parameters import CONTROL_KINDS, parameter
from engine.worker.conditions import NO_CONDITION, Condition, from_bytes
from engine.worker.models.wan.video import motion_rms
from engine.worker.preprocess.control import control_pictures
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.preprocess.store import ControlWindow, window_numbers
from engine.worker.schedule import motion_share
from engine.worker.steps import start_sigma
from engine.worker.streams import VideoEncodeStream
from engine.worker.vace_stage import VaceStage
from engine.worker.video_noise import VideoNoise

_NOTHING = "none"  # the kind of map that is none


class Encoders(NamedTuple):
    """What turns pictures into latents; `vace` is None for models that take maps as they are."""

    video: VideoEncodeStream
    vace: VaceStage | None = None


class Inputs:
    """Takes what a plan's chunk shall see of the source."""

    def __init__(
        self,
        ring: RingReader,
        runner: PreprocessRunner,
        encoders: Encoders,
        frames_per_chunk: int,
        device: torch.device,
    ) -> None:
        self._ring = ring
        self._runner = runner
        self._encoders = encoders
        self.noise = VideoNoise()
        self._num_frames = frames_per_chunk
        self._device = device
        self._oldest = 0  # frames before it belong to a source that is gone
        self._since: int | None = None  # newest frame that the chunk before has used
        self.control_kind = _chosen_kind({})
        """Whose maps are in use."""

    def condition(self, plan: ChunkPlan) -> Condition:
        """Return what conditions the plan's chunk; a recorded condition goes before the source."""
        if plan.recorded_condition is not None:
            return from_bytes(plan.recorded_condition, self._device)
        until = plan.input_until
        control_amount = plan.parameters.get("control_amount", 0.0)
        input_amount = plan.parameters.get("input_amount", 0.0)
        kind = self._wanted_kind(plan) if control_amount else ""
        mask_kind = self._mask_kind if control_amount else ""
        self._runner.want(kind, mask_kind)
        if until is None or not (control_amount or input_amount):
            return self._without_source(control_amount)
        window = self._control_window(kind, until) if kind else None
        needs_pixels = bool(input_amount) or (self._keeps_source and bool(control_amount))
        numbers = window.numbers if window else self._newest_numbers(until, needs_pixels)
        if not numbers:
            return self._without_source(control_amount)
        self._since = numbers[-1]
        pixels = self._pixels(numbers) if needs_pixels else None
        marks = self._marks(mask_kind, numbers) if mask_kind and pixels is not None else None
        steered = self._steered(window, pixels, marks) if control_amount else NO_CONDITION
        video = pixels if input_amount else None
        return replace(
            steered,
            video=None if video is None else self._encoders.video.push(video),
            noise_share=None if video is None else self._noise_share(plan, video),
            input_first=numbers[0],
            input_last=numbers[-1],
            stale_frames=until - numbers[-1],
        )

    def _without_source(self, control_amount: float) -> Condition:
        """Return what steers a chunk that sees nothing of a source."""
        vace = self._encoders.vace
        if vace is None or not vace.is_set or not control_amount:
            return NO_CONDITION
        return Condition(vace=vace.push(None, None))

    def _steered(
        self, window: ControlWindow | None, pixels: Tensor | None, marks: Tensor | None
    ) -> Condition:
        """Return the control part of a condition, in the form that the model takes."""
        vace = self._encoders.vace
        if vace is None:
            return Condition(control=window.maps if window else None)
        if window is not None:
            control = control_pictures(window.maps, vace.size_px, self._device)
            return Condition(vace=vace.push(control, pixels, marks))
        if vace.is_set or (vace.needs_source and pixels is not None):
            return Condition(vace=vace.push(None, pixels, marks))
        return NO_CONDITION

    def _wanted_kind(self, plan: ChunkPlan) -> str:
        """Return whose maps are asked for; empty when nothing of the source shall steer."""
        kind = _chosen_kind(plan.parameters)
        if kind != _NOTHING:
            return kind
        self.control_kind = kind
        return ""

    @property
    def _mask_kind(self) -> str:
        vace = self._encoders.vace
        return "" if vace is None else vace.live_mask

    def _marks(self, kind: str, numbers: tuple[int, ...]) -> Tensor | None:
        """Return what marks the mask in these frames, [1, T, 1, H, W]; None without any."""
        vace = self._encoders.vace
        maps = self._runner.store.at(kind, numbers)
        if maps is None or vace is None:
            return None
        return control_pictures(maps, vace.size_px, self._device)[:, :, :1]

    @property
    def _keeps_source(self) -> bool:
        vace = self._encoders.vace
        return vace is not None and vace.needs_source

    def _noise_share(self, plan: ChunkPlan, pixels: Tensor) -> float | None:
        """Return the noise share for pixels [1, T, 3, H, W]; None with the knob at 0."""
        knob = plan.parameters.get("motion_amount", 0.0)
        if not knob:
            self.noise.reset()
            return None
        # Twice the difference in 0..1 is the difference in -1..1, which the rule speaks of.
        motion = motion_share(motion_rms(2 * pixels.transpose(1, 2)))
        return self.noise.share(start_sigma(plan.parameters["input_amount"]), motion, knob)

    def _control_window(self, chosen: str, until: int) -> ControlWindow | None:
        """Return maps of the chosen kind, or of the kind in use while the chosen one has none."""
        for kind in (chosen, self.control_kind):
            window = self._runner.store.window(kind, until, self._num_frames, self._since)
            if window is not None:
                self.control_kind = kind
                return window
        return None

    @property
    def control_refusal(self) -> str:
        """Why the chosen kind of map cannot be, in a sentence; empty when it can."""
        return self._runner.refusal

    @property
    def mask_refusal(self) -> str:
        """Why the mask cannot be made of the source, in a sentence; empty when it can."""
        kind = self._mask_kind
        reason = self._runner.refusal_of(kind) if kind else ""
        return f"mask: {reason}; everything is redrawn" if reason else ""

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

    def _newest_numbers(self, until: int, needs_pixels: bool) -> tuple[int, ...]:
        """Return the frames to encode when no control map says which; empty without any."""
        if not needs_pixels:
            return ()
        oldest = max(self._oldest, self._ring.num_written - self._ring.num_slots + 1, 0)
        newest = min(until, self._ring.num_written - 1)
        return window_numbers(range(oldest, newest + 1), until, self._num_frames, self._since)

    def _pixels(self, numbers: tuple[int, ...]) -> Tensor | None:
        """Frames `numbers` as [1, T, 3, H, W] in [0, 1]; None when all of them are overwritten."""
        frames = self._frames(numbers)
        if frames is None:
            return None
        pixels = torch.from_numpy(frames).to(self._device).movedim(-1, 1)[None]
        return pixels.float().div_(255)

    def _frames(self, numbers: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
        """Read frames [F, H, W, 3]; one that is overwritten is served by the next whole one."""
        found = {number: self._ring.read(number) for number in set(numbers)}
        whole = sorted(number for number, frame in found.items() if frame is not None)
        if not whole:
            return None
        served = [next((w for w in whole if w >= number), whole[-1]) for number in numbers]
        return np.stack([frame.pixels for n in served if (frame := found[n]) is not None])


def _chosen_kind(parameters: Mapping[str, float]) -> str:
    row = parameter("control_kind")
    return CONTROL_KINDS[int(parameters.get(row.id, row.default))]
