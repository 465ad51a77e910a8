"""What a chunk was conditioned on, and the same as bytes for the take.

In:     control maps [F, h, w] uint8; video latents [1, T, C, h, w] in the model's type.
Out:    the same, bit for bit, after a trip through safetensors bytes.
Thread: generator.

Both are recorded exactly as the model saw them: maps are rounded to uint8 before they are used,
and latents keep their type. So a replay of the same plans on the same backend gives the same bits.
The amounts are not here: they are parameters, and the plan holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engine.errors import RemoteProtocolError
from engine.worker.streams import VideoLatents


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What of the source conditioned one chunk. Numbers count frames of the input ring."""

    control: npt.NDArray[np.uint8] | None = None  # [F, h, w]
    video: VideoLatents | None = None  # [1, T, C, h, w]
    input_first: int | None = None
    input_last: int | None = None
    stale_frames: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a source conditioned the chunk."""
        return self.control is None and self.video is None


NO_CONDITION = Condition()


def to_bytes(condition: Condition) -> bytes | None:
    """Return the condition as safetensors bytes; None when there is nothing in it."""
    if condition.is_empty:
        return None
    input_numbers = (condition.input_first, condition.input_last, condition.stale_frames)
    tensors = {"input": torch.tensor([-1 if n is None else n for n in input_numbers])}
    if condition.control is not None:
        tensors["control"] = torch.from_numpy(np.ascontiguousarray(condition.control))
    if condition.video is not None:
        tensors["video"] = condition.video.cpu().contiguous()
    data: bytes = save(tensors)
    return data


def from_bytes(data: bytes, device: torch.device) -> Condition:
    """Return the condition that was recorded, with its latents on `device`.

    Raises:
        RemoteProtocolError: the bytes are no recorded condition.
    """
    try:
        tensors = load(data)
        first, last, stale = tensors["input"].tolist()
    except (SafetensorError, KeyError, ValueError) as error:
        raise RemoteProtocolError(
            f"recorded condition of {len(data)} bytes cannot be read ({error}); "
            "the take is damaged, record it again"
        ) from error
    control, video = tensors.get("control"), tensors.get("video")
    return Condition(
        control=None if control is None else control.numpy(),
        video=None if video is None else VideoLatents(video.to(device)),
        input_first=None if first < 0 else first,
        input_last=None if last < 0 else last,
        stale_frames=stale,
    )
