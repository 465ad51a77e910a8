"""Depth: what is near reacts, what is far does not.

In, Out, Thread: see `base`. The network runs on the worker's device, on a GPU in a stream of its
own, so that the generator's work never waits for it.

Of two networks the one that sees frames over time runs wherever its file is. The other judges
every frame alone: its values flicker, so small changes of a value are smoothed, large ones are
taken for motion and are not. The unit of either may drift, so the range follows slowly.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import torch

from engine.errors import OutOfMemoryError
from engine.worker.device import Compute
from engine.worker.models.depth import depth_anything, video_depth
from engine.worker.preprocess.base import Frame, Preprocessor
from engine.worker.preprocess.slow_range import Field, SlowRange

_SHORT_CPU_PX = 168  # of the network's input: 0.15 s a square frame on one core of a server
_SHORT_CUDA_PX = 392
_MIN_WIDTH = 0.5  # in the network's unit, whose scenes are a few units deep
_FLICKER = 0.06  # a change of the range's share up to this is mostly flicker
_MOTION = 0.25  # from here on it is motion
_FLICKER_SHARE = 0.3  # of the new frame in what is shown, where it is flicker


class DepthNet(Protocol):
    """A network that says how near things are."""

    patch_px: int
    is_steady: bool  # sees frames over time, so that its values do not flicker

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """Return inverse depth [1, H, W] of the next frame [1, 3, H, W] in 0..1."""
        ...

    def reset(self) -> None:
        """Forget the frames before."""
        ...


class Depth(Preprocessor):
    """Nearness over a slowly followed range.

    Args:
        model: on `device`, in its type.
        short_px: the shorter side of its input; rounded to the model's patches.
    """

    kind = "depth"

    def __init__(self, model: DepthNet, device: torch.device, short_px: int) -> None:
        self._model = model
        self._short_px = short_px
        self._device = device
        is_cuda = device.type == "cuda"
        # Its calls are untyped in torch.
        self._stream = torch.cuda.Stream(device) if is_cuda else None  # type: ignore[no-untyped-call]
        self._range = SlowRange(0.02, 0.98, min_width=_MIN_WIDTH, rate=0.05)
        super().__init__()

    def reset(self) -> None:
        """Forget the range and the frames before."""
        self._model.reset()
        self._range.reset()
        self._shown: Field | None = None

    def follow(self, frame: Frame) -> Field:
        """Return how near each pixel is.

        Raises:
            OutOfMemoryError: the GPU is full.
        """
        height, width = frame.shape[:2]
        found = cv2.resize(self._found(frame), (width // 2, height // 2))
        new = self._range.norm(np.asarray(found, np.float32))
        before = None if self._model.is_steady else self._shown
        self._shown = new if before is None else _calmed(before, new)
        return self._shown

    def _found(self, frame: Frame) -> Field:
        """Return inverse depth [h, w] at the size of the network's input."""
        sized = cv2.resize(frame, self.input_size(frame), interpolation=cv2.INTER_AREA)
        try:
            with torch.inference_mode(), torch.cuda.stream(self._stream):
                pixels = torch.from_numpy(sized).to(self._device).movedim(-1, 0)[None]
                depth = self._model(pixels.float().div_(255))[0].float().cpu()
        except torch.cuda.OutOfMemoryError as error:
            raise OutOfMemoryError(
                "the GPU has too little memory for it beside the generator; "
                "choose a smaller picture or another control map"
            ) from error
        return np.asarray(depth.numpy(), np.float32)

    def input_size(self, frame: Frame) -> tuple[int, int]:
        """Return width and height of the network's input: patches, about as wide to high."""
        height, width = frame.shape[:2]
        patch = self._model.patch_px
        scale = self._short_px / min(height, width) / patch
        return max(1, round(width * scale)) * patch, max(1, round(height * scale)) * patch


def load_depth_preprocessor(compute: Compute) -> Depth:
    """Load a network from the models folder: the steadier one, if it is there.

    Raises:
        WeightsError: neither file is there, or the one that is there is broken.
    """
    device, is_cuda = compute.device, compute.device.type == "cuda"
    dtype = torch.float16 if is_cuda else torch.float32
    steady = video_depth.PUBLISHED.path()
    model: DepthNet
    if steady.is_file():
        model = video_depth.load_video_depth(steady, device, dtype)
    else:
        model = depth_anything.load_depth(depth_anything.PUBLISHED.path(), device, dtype)
    return Depth(model, device, _SHORT_CUDA_PX if is_cuda else _SHORT_CPU_PX)


def _calmed(shown: Field, new: Field) -> Field:
    change = new - shown
    is_motion = np.clip((np.abs(change) - _FLICKER) / (_MOTION - _FLICKER), 0, 1)
    share = _FLICKER_SHARE + (1 - _FLICKER_SHARE) * is_motion
    return np.asarray(shown + share * change, np.float32)
