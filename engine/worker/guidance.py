"""The still pictures that plans name, and what of them steers the next chunk.

In:     `StoreStill` and `DropStill` between chunks; the guides of each plan at its boundary.
Out:    mask, references and given frames of the `VaceStage`.
Thread: generator. Reference images are encoded when they arrive, which is between chunks.
Full:   cannot fill: the host says what to forget.

A picture that is not here, which the host sees to, is left out with a sentence. A replay has what
the chunk saw in its recorded condition and needs no picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from engine.protocol.guides import LIVE_MASKS, NO_GUIDES
from engine.protocol.orders import ChunkPlan, DropStill, StoreStill
from engine.protocol.values import Mask
from engine.worker.vace_stage import LiveMask, Picture, VaceStage

_OPAQUE = 255


@dataclass(frozen=True, slots=True)
class _Kept:
    """A picture, and its latents if it is one to follow."""

    pixels: Picture
    latents: Tensor | None = None


class Guidance:
    """Puts the guides of plans into effect; does nothing for a model without a stage."""

    def __init__(self, stage: VaceStage | None) -> None:
        self._stage = stage
        self._kept: dict[str, _Kept] = {}
        self._mask_of: tuple[Mask, float] | None = None  # what the stage's mask was made of
        self._guides = NO_GUIDES  # of the chunk before
        self._missing = ""

    @property
    def refusal(self) -> str:
        """Why a guide of the last plan does not steer, in a sentence; empty when all do."""
        return self._missing

    def store(self, still: StoreStill) -> None:
        """Keep a picture; encode it if it is a reference."""
        if self._stage is None or still.key in self._kept:
            return
        size = (still.height_px, still.width_px, 3)
        pixels: Picture = np.frombuffer(still.pixels, np.uint8).reshape(size).copy()
        latents = self._stage.encode_reference(pixels) if still.is_reference else None
        self._kept[still.key] = _Kept(pixels, latents)

    def drop(self, still: DropStill) -> None:
        """Forget a picture."""
        self._kept.pop(still.key, None)

    def take(self, plan: ChunkPlan) -> None:
        """Let the guides of the plan steer its chunk."""
        stage, guides = self._stage, plan.guides
        self._missing = ""
        if stage is not None:
            stage.in_use = ()
        if stage is None or plan.recorded_condition is not None:
            return
        before, self._guides = self._guides, guides
        if guides == NO_GUIDES:
            if before != NO_GUIDES:
                self._mask_of = None
                stage.forget_guides()
            return
        self._set_mask(stage, guides.mask, plan.parameters.get("mask_threshold", 0.5))
        found = [self._find(key) for key in guides.references]
        stage.follow([kept.latents for kept in found if kept and kept.latents is not None])
        first, last = self._frame(guides.first_frame), self._frame(guides.last_frame)
        stage.give_frames(first=first, last=last)

    def _set_mask(self, stage: VaceStage, mask: Mask, threshold: float) -> None:
        if self._mask_of == (mask, threshold):
            return
        kind = mask.kind if mask.kind in LIVE_MASKS else ""
        stage.set_live_mask(LiveMask(kind=kind, threshold=threshold, inverted=mask.inverted))
        kept = self._find(mask.image) if mask.kind == "image" else None
        stage.set_mask(_redrawn(kept.pixels, mask.inverted, threshold) if kept else None)
        is_whole = kept is not None or mask.kind != "image"
        self._mask_of = (mask, threshold) if is_whole else None  # a late picture is looked for

    def _frame(self, key: str) -> Picture | None:
        kept = self._find(key) if key else None
        return kept.pixels if kept else None

    def _find(self, key: str) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            self._missing = f"the picture {key} is not with the generator; it is left out"
        return kept


def _redrawn(pixels: Picture, inverted: bool, threshold: float) -> npt.NDArray[np.bool_]:
    """Return where a mask picture [H, W, 3] is bright, or dark: [H, W]."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / _OPAQUE
    is_bright: npt.NDArray[np.bool_] = grey >= max(threshold, 1 / _OPAQUE)
    return ~is_bright if inverted else is_bright
