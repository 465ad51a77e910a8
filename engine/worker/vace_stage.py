"""The VACE context of each chunk: control pictures, mask, reference images, given frames.

In:     per chunk: control pictures and the source's own, both [1, T, 3, H, W] in [0, 1], or None,
        and for a mask made of the source what marks it; set at any time between chunks: a mask,
        reference images, first and last frame.
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
references and given frames are what the plan says, see `guidance`; no reset takes them away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_LEAST_MARK = 1 / 255  # what is black is never marked


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMask:
    """A mask made of the source, frame by frame.

    Attributes:
        kind: the preprocessor that marks; empty for none.
        threshold: how much of its mark counts.
        inverted: what is not marked is redrawn.
    """

    kind: str = ""
    threshold: float = 0.5
    inverted: bool = False

    def redrawn(self, marks: Tensor) -> Tensor:
        """Return where marks in [0, 1] say so, of bool."""
        is_marked = marks >= max(self.threshold, _LEAST_MARK)
        return ~is_marked if self.inverted else is_marked


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
        self._live = LiveMask()
        self._followed: tuple[Tensor, ...] = ()
        self._references: Tensor | None = None  # `_followed` in one
        self._given: dict[int, Picture] = {}
        self.in_use: tuple[str, ...] = ()
        """Which guides steer the chunk whose context was asked for last."""

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
        self.follow([self.encode_reference(image) for image in images])

    def encode_reference(self, image: Picture) -> Tensor:
        """Return the latents [1, 1, C, h, w] of an image to follow.

        Raises:
            ConfigError: it has another size than the picture.
        """
        self._check(image, "reference image")
        pixels = self._pixels(image)[None].to(self._codec.dtype)
        return encode_alone(self._codec, [pixels]).contiguous()

    def follow(self, references: Sequence[Tensor]) -> None:
        """Let the picture follow these latents from the next chunk on; none of them ends it."""
        wanted = tuple(references)
        if [id(one) for one in wanted] != [id(one) for one in self._followed]:
            self._followed = wanted
            self._references = torch.cat(wanted, 1).contiguous() if wanted else None

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

    def set_live_mask(self, mask: LiveMask) -> None:
        """Let the source itself mark what is redrawn, from the next chunk on."""
        self._live = mask

    def forget_guides(self) -> None:
        """Be as after loading: control pictures alone steer."""
        self._mask, self._live = None, LiveMask()
        self.follow([])
        self._given, self.in_use = {}, ()

    @property
    def live_mask(self) -> str:
        """The preprocessor that marks what is redrawn; empty for none."""
        return self._live.kind

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self._size[1:]

    @property
    def needs_source(self) -> bool:
        """Whether the source's own picture is kept somewhere."""
        return self._mask is not None or bool(self._live.kind)

    @property
    def is_set(self) -> bool:
        """Whether there is something to follow without any control picture."""
        return bool(self._followed or self._given)

    def push(
        self, control: Tensor | None, source: Tensor | None, marks: Tensor | None = None
    ) -> VaceContext:
        """Return the context of the next chunk.

        Args:
            control: what steers, [1, T, 3, H, W] in [0, 1].
            source: what is kept outside the mask, of the same shape.
            marks: of the live mask, [1, T, 1, H, W] in [0, 1]; without them all is redrawn.
        """
        reactive, inactive = self._streams.reactive, self._streams.inactive
        grey = torch.full((), GREY, device=self._device).expand(
            1, self._size[0], 3, *self._size[1:]
        )
        num_dropped = reactive.num_dropped
        shown = grey if control is None else control
        kept_by = self._mask_for(source, marks)
        frames, mask = self._composed(shown, source, kept_by, num_dropped)
        if mask is None:
            redrawn, kept = reactive.push(frames), inactive.push_grey(grey)
            masks = self._ones(redrawn)
        else:
            kept_frames, redrawn_frames = kept_and_redrawn(frames, mask)
            redrawn, kept = reactive.push(redrawn_frames), inactive.push(kept_frames)
            cell = self._codec.config.pixels_per_latent
            masks = mask_channels(mask[:, num_dropped:], redrawn.shape[1], cell)
        self.in_use = self._names(has_mask=kept_by is not None)
        self._given = {}
        return VaceContext(
            inactive=kept, reactive=redrawn, masks=masks, references=self._references
        )

    def _names(self, *, has_mask: bool) -> tuple[str, ...]:
        """Return which guides steer, as people call them."""
        names = {
            "mask": has_mask,
            "references" if len(self._followed) > 1 else "reference": bool(self._followed),
            "first frame": 0 in self._given,
            "last frame": -1 in self._given,
        }
        return tuple(name for name, is_used in names.items() if is_used)

    def _mask_for(self, source: Tensor | None, marks: Tensor | None) -> Tensor | None:
        """Return what is redrawn, [1, T, 1, H, W] of bool; None when everything is."""
        if source is None:
            return None
        if not self._live.kind:
            return self._mask
        return None if marks is None else self._live.redrawn(marks)

    def _composed(
        self, control: Tensor, source: Tensor | None, mask: Tensor | None, num_dropped: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return frames and mask of the next chunk; no mask when everything is redrawn."""
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
