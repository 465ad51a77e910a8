"""Make the picture of one tick: mix, colour, crop and scale.

In:     a `Decision`, frames [h, w, 4] uint8 BGRX at the model's size, of any size and changing.
Out:    a leased buffer [H, W, 4] uint8 BGRX at the output's size, X = 255.
Thread: playout.
Full:   cannot fill.

Mixing and colour run at the model's size, where they are cheap; one cubic resize makes the output.
A tick that shows the same picture again gets the same buffer again: half of all ticks at 15 → 30.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.host.playout.buffers import BufferPool, Lease
from engine.host.playout.clock import HELD, Decision, Shares
from engine.host.playout.reservoir import Reservoir
from engine.protocol.frame_ring import Frame

# Weights of B, G, R in luma. Source: ITU-R BT.709-6, item 3.2.
_LUMA_BGR = (0.0722, 0.7152, 0.2126)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The performer's last word on every picture; values as in the parameter table."""

    dimmer: float = 1.0
    saturation: float = 1.0
    black: bool = False

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Finish:
        """Return the finish that the frame parameters ask for; absent ones are neutral."""
        return cls(
            dimmer=values.get("dimmer", 1.0),
            saturation=values.get("saturation", 1.0),
            black=values.get("black", 0.0) >= 0.5,
        )


class PictureMaker:
    """Remembers the last tick's picture, for repeats and as the start of fades."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._pool = BufferPool(width_px, height_px)
        self._mixed: Frame | None = None  # of the last tick, model size; None = black
        self._held: Frame | None = None
        self._made: Lease | None = None
        self._made_from: Frame | None = None
        self._made_with = Finish()

    def resize(self, width_px: int, height_px: int) -> None:
        """Make pictures of another size from the next tick on."""
        self._pool = BufferPool(width_px, height_px)
        self._made = None

    def make(self, decision: Decision, reservoir: Reservoir, finish: Finish) -> Lease:
        """Return the picture; it stays whole for as long as the lease is held."""
        if decision.keep_previous:
            self._held = self._mixed
        self._mixed = self._mix(decision.shares, reservoir)
        is_same = self._mixed is self._made_from and finish == self._made_with
        if self._made is None or not is_same:
            self._made = self._finished(finish)
            self._made_from, self._made_with = self._mixed, finish
        return self._made

    def _mix(self, shares: Shares, reservoir: Reservoir) -> Frame | None:
        pictures: list[Frame | None] = []
        for share in shares:
            frame = reservoir.get(share.frame)
            if share.frame != HELD and frame is None:
                return self._mixed  # cannot be; better the last picture than none
            pictures.append(frame.pixels if frame else self._held)
        visible = [picture for picture in pictures if picture is not None]
        if not visible:
            return None
        black = np.zeros_like(visible[0])
        return mix(
            [black if picture is None else picture for picture in pictures],
            [share.weight for share in shares],
        )

    def _finished(self, finish: Finish) -> Lease:
        lease = self._pool.take()
        if self._mixed is None or finish.black:
            lease.buffer[:] = (0, 0, 0, 255)
            return lease
        picture = crop_to_fill(self._mixed, self._pool.width_px, self._pool.height_px)
        picture = colour(picture, finish.dimmer, finish.saturation)
        scale_into(picture, lease.buffer)
        return lease


def mix(pictures: Sequence[Frame], weights: Sequence[float]) -> Frame:
    """Return the weighted mean of [H, W, 4] pictures; a single one is returned as it is.

    Pictures of other sizes than the first are scaled to it: a model may change size on air.
    """
    mixed, total = pictures[0], weights[0]
    for picture, weight in zip(pictures[1:], weights[1:], strict=True):
        total += weight
        if picture.shape != mixed.shape:
            picture = cv2.resize(picture, (mixed.shape[1], mixed.shape[0]))
        mixed = cv2.addWeighted(mixed, 1 - weight / total, picture, weight / total, 0)
    return mixed


def colour(picture: Frame, dimmer: float, saturation: float) -> Frame:
    """Return the [H, W, 4] picture with its colours moved from grey and dimmed; X stays."""
    if dimmer == 1.0 and saturation == 1.0:
        return picture
    transformed: Frame = cv2.transform(picture, colour_matrix(dimmer, saturation))
    return transformed


def colour_matrix(dimmer: float, saturation: float) -> npt.NDArray[np.float32]:
    """Return the [4, 4] matrix on BGRX: dimmer * (saturation * own + (1 - saturation) * luma)."""
    matrix = np.eye(4, dtype=np.float32)
    luma = np.tile(np.array(_LUMA_BGR, np.float32), (3, 1))
    matrix[:3, :3] = dimmer * (saturation * np.eye(3) + (1 - saturation) * luma)
    return matrix


def crop_to_fill(picture: Frame, width_px: int, height_px: int) -> Frame:
    """Return the largest centred part, a view, with the aspect of width × height, to a pixel."""
    height, width = picture.shape[:2]
    kept_width = min(width, max(1, round(height * width_px / height_px)))
    kept_height = min(height, max(1, round(width * height_px / width_px)))
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    return picture[top : top + kept_height, left : left + kept_width]


def scale_into(picture: Frame, target: Frame) -> None:
    """Scale the [h, w, 4] picture into all of `target` [H, W, 4]: cubic up, area-mean down."""
    height, width = target.shape[:2]
    is_smaller = picture.shape[0] > height or picture.shape[1] > width
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
    cv2.resize(picture, (width, height), dst=target, interpolation=how)
