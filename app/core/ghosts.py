"""Where the hands stand on their controls, beside the parameters they drive. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.mapping import ControlMap
from app.core.midi_binding import Mode
from app.core.midi_surface import active
from app.core.pickup import Grip, Takeover


@dataclass(frozen=True, slots=True)
class Ghost:
    """A control's position 0..1; which way the hand has to go: -1 down, 1 up, 0 it holds."""

    norm: float
    way: int


def ghosts(mapping: ControlMap, values: Mapping[str, float]) -> dict[str, Ghost]:
    """Return parameter → ghost of the knob that drives it on the page that is on.

    Of several knobs, the one that moved last; encoders and knobs that jump have none.
    """
    found: dict[str, Ghost] = {}
    latest: dict[str, float] = {}
    for port in mapping.ports:
        own = [b for b in mapping.bindings if b.port in ("", port)]
        for binding in active(own, mapping.surface, port):
            row = binding.row
            if row is None or binding.mode is not Mode.KNOB or binding.takeover is Takeover.JUMP:
                continue
            control = binding.control._replace(port=port)
            level = mapping.surface.levels.get(control)
            moved_at_s = mapping.surface.moved_at_s.get(control, 0.0)
            if level is None or moved_at_s < latest.get(row.id, 0.0):
                continue
            grip = mapping.surface.grips.get((control, binding.target), Grip())
            hand, value = level / control.kind.top, values.get(row.id, row.default)
            way = 0 if grip.holds(row, value) else 1 if hand < row.to_norm(value) else -1
            latest[row.id], found[row.id] = moved_at_s, Ghost(hand, way)
    return found
