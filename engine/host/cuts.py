"""A cut that waits, and a soft cut that runs. PURE; what becomes of them is in `score.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import ConfigError
from engine.host.looks import Mix, Values
from engine.protocol.values import Cut, Guides, Look

MAX_PRE_ROLL_CHUNKS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCut:
    """A cut that waits for its boundary. `overrides` are edits made after it was asked for."""

    kind: Cut
    look: Look  # its parameters are clean
    num_chunks: int = 1
    pre_roll_chunks: int = 0  # of a hard cut: its first chunks, which nobody sees
    overrides: Values = field(default_factory=dict)
    guides: Guides | None = None  # the look's, or set after it was asked for; None: as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """A running soft cut: `step` k of `num_chunks` N is the next to be planned."""

    step: int
    num_chunks: int
    start_text: Mix
    target_prompt: str
    start: Values  # of the rows that ramp
    target: Values  # the same rows; a live edit takes its row out

    @property
    def blend(self) -> float:
        """Share of the target in the step that is planned next, in (0, 1]."""
        return (self.step + 1) / self.num_chunks


def check_pre_roll(num_chunks: int) -> int:
    """Return the length of a pre-roll.

    Raises:
        ConfigError: it is none, or longer than anyone waits.
    """
    if not 0 <= num_chunks <= MAX_PRE_ROLL_CHUNKS:
        raise ConfigError(
            f"pre-roll refused: got {num_chunks} chunks, expected 0 to {MAX_PRE_ROLL_CHUNKS}"
        )
    return num_chunks
