"""What a chunk was conditioned on, and the same as bytes for the take.

In:     control maps [F, h, w] uint8; video latents [1, T, C, h, w] and the parts of a VACE context
        in the model's type.
Out:    the same, bit for bit, after a trip through safetensors bytes.
Thread: generator.

All are recorded exactly as the model saw them: maps are rounded to uint8 before they are used,
latents keep their type, and masks, which are ones and zeros, take a bit each. So a replay of the
same plans on the same backend gives the same bits. The amounts are not here: they are parameters,
and the plan holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.errors import RemoteProtocolError
from engine.worker.models.wan.vace_context import join_context, with_references
from engine.worker.streams import InactiveLatents, ReactiveLatents, VideoLatents


@dataclass(frozen=True, slots=True, kw_only=True)
class VaceContext:
    """The parts of a VACE context.

    Attributes:
        inactive: latents [1, F, C, h, w] of what is kept.
        reactive: latents [1, F, C, h, w] of what is redrawn.
        masks: [1, F, cell², h, w] of bool.
        references: latents [1, R, C, h, w] of images to follow; None without any.
    """

    inactive: InactiveLatents
    reactive: ReactiveLatents
    masks: Tensor
    references: Tensor | None = None

    @property
    def num_references(self) -> int:
        """R, latent frames before those of the chunk."""
        return 0 if self.references is None else self.references.shape[1]

    def joined(self) -> Tensor:
        """Return the context as the model takes it, [1, R + F, 2C + cell², h, w]."""
        context = join_context(self.inactive, self.reactive, self.masks)
        return context if self.references is None else with_references(context, self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What of the source conditioned one chunk. Numbers count frames of the input ring."""

    control: npt.NDArray[np.uint8] | None = None  # [F, h, w]
    video: VideoLatents | None = None  # [1, T, C, h, w]
    vace: VaceContext | None = None
    noise_share: float | None = None  # that the video latents are mixed with; None: by the amount
    input_first: int | None = None
    input_last: int | None = None
    stale_frames: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a source conditioned the chunk."""
        return self.control is None and self.video is None and self.vace is None


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
    if condition.noise_share is not None:
        tensors["noise_share"] = torch.tensor(condition.noise_share, dtype=torch.float64)
    if condition.vace is not None:
        tensors |= _vace_tensors(condition.vace)
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
        vace = _vace_context(tensors, device)
    except (SafetensorError, KeyError, ValueError) as error:
        raise RemoteProtocolError(
            f"recorded condition of {len(data)} bytes cannot be read ({error}); "
            "the take is damaged, record it again"
        ) from error
    control, video = tensors.get("control"), tensors.get("video")
    return Condition(
        control=None if control is None else control.numpy(),
        video=None if video is None else VideoLatents(video.to(device)),
        vace=vace,
        noise_share=share.item() if (share := tensors.get("noise_share")) is not None else None,
        input_first=None if first < 0 else first,
        input_last=None if last < 0 else last,
        stale_frames=stale,
    )


def _vace_tensors(vace: VaceContext) -> dict[str, Tensor]:
    """Return the parts by name."""
    bits = np.packbits(vace.masks.cpu().numpy().reshape(-1))
    parts = {
        "inactive": vace.inactive,
        "reactive": vace.reactive,
        "masks": torch.from_numpy(bits),
        "masks_shape": torch.tensor(vace.masks.shape),
    }
    if vace.references is not None:
        parts["references"] = vace.references
    return {f"vace_{name}": part.cpu().contiguous() for name, part in parts.items()}


def _vace_context(tensors: dict[str, Tensor], device: torch.device) -> VaceContext | None:
    """Undo `_vace_tensors`; None when there are no such parts."""
    if "vace_reactive" not in tensors:
        return None
    shape = tensors["vace_masks_shape"].tolist()
    bits = np.unpackbits(tensors["vace_masks"].numpy(), count=int(np.prod(shape)))
    references = tensors.get("vace_references")
    return VaceContext(
        inactive=InactiveLatents(tensors["vace_inactive"].to(device)),
        reactive=ReactiveLatents(tensors["vace_reactive"].to(device)),
        masks=torch.from_numpy(bits.astype(np.bool_)).reshape(shape).to(device),
        references=None if references is None else references.to(device),
    )
