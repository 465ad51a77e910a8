"""Parameter edits on their way to the engine: latest wins per parameter per tick. PURE.

A slider shows the performer's own edit at once; the edit is dropped when the engine's state shows
it, or after a second, because then somebody else's value is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.protocol.messages import EngineState

_PATIENCE_S = 1.0
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Edits:
    """`unsent` waits for the tick; `sent` is on its way (value, time of sending)."""

    unsent: Mapping[str, float] = field(default_factory=dict)
    sent: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def put(self, parameter_id: str, value: float) -> Edits:
        """Return the edits with a new value; an older one of the same parameter is gone."""
        return Edits({**self.unsent, parameter_id: value}, self.sent)

    def flush(self, now_s: float) -> tuple[Edits, dict[str, float]]:
        """Return the edits as sent, and what to send."""
        on_the_way = {key: (value, now_s) for key, value in self.unsent.items()}
        return Edits({}, {**self.sent, **on_the_way}), dict(self.unsent)

    def settle(self, state: EngineState, now_s: float) -> Edits:
        """Return the edits that the engine does not show yet."""
        kept = {
            key: (value, at_s)
            for key, (value, at_s) in self.sent.items()
            if now_s - at_s < _PATIENCE_S and not _shows(state, key, value)
        }
        return Edits(self.unsent, kept)

    def values(self) -> dict[str, float]:
        """Return parameter → value as the performer last set it and nobody confirmed yet."""
        return {**{key: value for key, (value, _) in self.sent.items()}, **self.unsent}


def _shows(state: EngineState, key: str, value: float) -> bool:
    shown = state.pending.get(key, state.live.get(key))
    return shown is not None and abs(shown - value) < _CLOSE
