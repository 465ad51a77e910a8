"""What the conductor needs of the stages beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.host.looks import Values
from engine.host.modulation import Modulation
from engine.host.playout.aim import Due
from engine.protocol.frame_ring import RingFrame
from engine.protocol.messages import PlayoutState


class Playout(Protocol):
    """What the conductor needs of the presenter."""

    def feed(
        self, frames: Sequence[RingFrame], native_fps: float, *, starts_cut: bool = False
    ) -> None:
        """Take the frames of one chunk."""

    def has_room(self, num_frames: int) -> bool:
        """Return whether the next chunk may be planned."""

    def set_frame_parameters(self, values: Values) -> None:
        """Take values that show at the next output frame."""

    def set_modulation(self, modulation: Modulation) -> None:
        """Take what moves frame rows."""

    def set_due(self, due: Due | None) -> None:
        """Take the chunk whose first frame is to meet a beat; None: none."""

    def state(self) -> PlayoutState:
        """Return what the presenter is doing."""


class Input(Protocol):
    """What the conductor needs of the source."""

    def newest_frame(self) -> int | None:
        """Return the newest frame of the input ring."""

    def take_source_cut(self) -> bool:
        """Return True once after the source changed."""

    def move(self, input_ring: str, width_px: int, height_px: int) -> None:
        """Write to another ring from the next tick on, at this size."""

    def is_moving(self) -> bool:
        """Return whether that tick has not come yet."""
