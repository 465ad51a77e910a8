"""What the window shows of its preview. PURE."""

from __future__ import annotations

from engine.protocol.messages import EngineState
from engine.protocol.parameters import PARAMETERS
from engine.protocol.preview import Preview
from engine.protocol.values import Guides


def guides_of(preview: Preview, state: EngineState) -> Guides:
    """Return the pictures that the panel shows: those of the open preview, or those on air."""
    prepared = preview.guides if preview.is_open else None
    return state.guides if prepared is None else prepared


def differences(preview: Preview, state: EngineState) -> tuple[str, ...]:
    """Return what a take would change, a line each: `Saturation 1.00 → 1.40`."""
    lines = []
    for key, value in preview.values.items():
        row, live = PARAMETERS[key], state.live.get(key)
        if live is not None and row.text(live) != row.text(value):
            lines.append(f"{row.label}  {row.text(live)} → {row.text(value)}")
    if preview.guides is not None and preview.guides != state.guides:
        lines.append("other pictures steer it")
    if preview.seed is not None and preview.seed != state.seed:
        lines.append(f"seed {preview.seed}")
    return tuple(lines)
