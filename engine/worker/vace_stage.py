"""The VACE context of each chunk: control pictures, mask, reference images, given frames.

In:     per chunk: control pictures and the source's own, both [1, T, 3, H, W] in [0, 1], or None;
        set at any time between chunks: a mask, reference images, first and last frame.
Out:    `VaceContext`.
Thread: generator.
Full:   cannot fill; every push answers at once.

What a chunk's frames are:

    mask                        inside it (redrawn)     outside it (kept)
    --------------------------  ----------------------  ----------------------
    none                        control picture         (nothing is outside)
    set, with a source          control picture         the source's picture
    set, without a source       control picture         (ignored: nothing to keep)
    given first or last frame                           that picture, whole

Without a control picture what is redrawn is grey: text and references decide alone. Kept and
redrawn parts are encoded by streams of their own, which a cut resets as the reset table says. Mask,
references and given frames are what a performer set; no cut takes them away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.worker.conditions import VaceContext
from engine.worker.models.wan.codec import Codec
from engine.worker.models.wan.vace_context import (
    GREY,
    encode_alone,
    kept_and_redrawn,
    mask_channels,
)
from engine.worker.streams import Streams

Picture = npt.NDArray[np.uint8]
"""RGB [H, W, 3] at picture size."""


class VaceStage:
    """Builds contexts for one show."""

    def __init__(
        self, codec: Codec, streams: Streams, size: tuple[int, int, int], device: torch.device
    ) -> None:
        """Make a stage for chunks of `size`: frames, height and width in pixels."""
        self._codec = codec
        self._streams = streams
        self._size = size
        self._device = device
        self._mask: Tensor | None = None  # [1, T, 1, H, W] of bool
        self._images: tuple[Picture, ...] = ()
        self._references: Tensor | None = None  # latents of `_images`, made when they are needed
        self._given: dict[int, Picture] = {}

    def set_mask(self, mask: npt.NDArray[np.bool_] | None) -> None:
        """Redraw where `mask` is true and keep the source elsewhere, from the next chunk on.

        Args:
            mask: [H, W], or [T, H, W] for the frames of every chunk; None redraws all.

        Raises:
            ConfigError: it has another shape or type; the mask before stays.
        """
        if mask is None or mask.all():
            self._mask = None
            return
        if mask.dtype != np.bool_ or mask.shape not in (self.size_px, self._size):
            raise ConfigError(
                f"mask is {list(mask.shape)} {mask.dtype}, expected {list(self.size_px)} or "
                f"{list(self._size)} of bool; resize it; the mask before stays"
            )
        whole = torch.from_numpy(np.broadcast_to(mask, self._size).copy())
        self._mask = whole.to(self._device)[None, :, None]

    def set_references(self, images: Sequence[Picture]) -> None:
        """Let the picture follow these images from the next chunk on; an empty list ends it.

        Raises:
            ConfigError: one has another size than the picture; those before stay.
        """
        for number, image in enumerate(images, 1):
            self._check(image, f"reference image {number}")
        self._images = tuple(images)
        self._references = None

    def give_frames(self, *, first: Picture | None = None, last: Picture | None = None) -> None:
        """Let the next chunk begin or end with these pictures.

        Raises:
            ConfigError: one has another size than the picture; nothing is changed.
        """
        given = {0: first, -1: last}
        for name, picture in (("first frame", first), ("last frame", last)):
            if picture is not None:
                self._check(picture, name)
        self._given = {at: picture for at, picture in given.items() if picture is not None}

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self._size[1:]

    @property
    def needs_source(self) -> bool:
        """Whether the source's own picture is kept somewhere."""
        return self._mask is not None

    @property
    def is_set(self) -> bool:
        """Whether there is something to follow without any control picture."""
        return bool(self._images or self._given)

    def push(self, control: Tensor | None, source: Tensor | None) -> VaceContext:
        """Return the context of the next chunk.

        Args:
            control: what steers, [1, T, 3, H, W] in [0, 1].
            source: what is kept outside the mask, of the same shape.
        """
        reactive, inactive = self._streams.reactive, self._streams.inactive
        grey = torch.full((), GREY, device=self._device).expand(
            1, self._size[0], 3, *self._size[1:]
        )
        num_dropped = reactive.num_dropped
        frames, mask = self._composed(grey if control is None else control, source, num_dropped)
        if mask is None:
            redrawn, kept = reactive.push(frames), inactive.push_grey(grey)
            masks = self._ones(redrawn)
        else:
            kept_frames, redrawn_frames = kept_and_redrawn(frames, mask)
            redrawn, kept = reactive.push(redrawn_frames), inactive.push(kept_frames)
            cell = self._codec.config.pixels_per_latent
            masks = mask_channels(mask[:, num_dropped:], redrawn.shape[1], cell)
        self._given = {}
        return VaceContext(
            inactive=kept, reactive=redrawn, masks=masks, references=self._reference_latents()
        )

    def _composed(
        self, control: Tensor, source: Tensor | None, num_dropped: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return frames and mask of the next chunk; no mask when everything is redrawn."""
        mask = self._mask if source is not None else None
        frames = control if mask is None or source is None else torch.where(mask, control, source)
        if not self._given:
            return frames, mask
        frames = frames.clone()
        whole = torch.ones(frames.shape[1], 1, 1, 1, dtype=torch.bool, device=self._device)
        mask = (whole if mask is None else mask[0]).expand(-1, 1, *self._size[1:])[None].clone()
        for at, picture in self._given.items():
            place = num_dropped if at == 0 else at
            frames[:, place] = self._pixels(picture)
            mask[:, place] = False
        return frames, mask

    def _ones(self, latents: Tensor) -> Tensor:
        cells = self._codec.config.pixels_per_latent**2
        batch, count, _, height, width = latents.shape
        one = torch.ones((), dtype=torch.bool, device=self._device)
        return one.expand(batch, count, cells, height, width)

    def _reference_latents(self) -> Tensor | None:
        """Latents [1, R, C, h, w] of the reference images, encoded once."""
        if self._images and self._references is None:
            images = [self._pixels(image)[None].to(self._codec.dtype) for image in self._images]
            self._references = encode_alone(self._codec, images).contiguous()
        return self._references

    def _pixels(self, picture: Picture) -> Tensor:
        """Picture [H, W, 3] as [3, H, W] in [0, 1] on the device."""
        return torch.from_numpy(picture).to(self._device).movedim(-1, 0).float().div_(255)

    def _check(self, picture: Picture, what: str) -> None:
        height, width = self._size[1:]
        if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
            raise ConfigError(
                f"{what} is {list(picture.shape)} {picture.dtype}, expected "
                f"[{height}, {width}, 3] of uint8; resize it to the picture"
            )
