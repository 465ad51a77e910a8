"""How the target of a binding stands in the show, so that its light can say it. PURE.

target              idle        queued                          active
parameter switch    off         waits for the boundary          on
parameter else      at its low  waits for the boundary          stands elsewhere; rings show where
radio, `value` set  elsewhere   waits                           stands there
pad, preset         -           its cut waits                   on air; `air` when we are on program
cue                 -           it waits                        on air; `air` as above
cut, GO             -           that cut, a cue waits           a soft cut is under way
cancel              -           a cut or a cue waits            -
midi:shift, page    -           -                               held; on that page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.deck import PadState, pad_state, waits
from app.core.hud import is_on_program
from app.core.midi_binding import MidiBinding, Mode
from app.core.midi_lights import Lit, Shown
from app.core.midi_surface import Surface
from engine.protocol.messages import EngineState
from engine.protocol.parameters import Kind, Parameter
from engine.protocol.show import Show
from engine.protocol.values import Cut

_PADS = {PadState.IDLE: Lit.IDLE, PadState.QUEUED: Lit.QUEUED, PadState.ACTIVE: Lit.ACTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the lights look at."""

    show: Show
    state: EngineState | None = None
    values: Mapping[str, float] = field(default_factory=dict)  # as the performer last set them
    surface: Surface = field(default_factory=Surface)


def shown_of(binding: MidiBinding, stage: Stage) -> Shown:
    """Return what the light of a binding shows."""
    row = binding.row
    if row is not None:
        return _parameter(binding, row, stage)
    kind, _, name = binding.target.partition(":")
    match kind:
        case "pad" | "preset":
            return _pad(kind, name, stage)
        case "cut":
            return Shown(_cut(name, stage.state))
        case "cue":
            return Shown(_cue(int(name), stage))
        case "action" if name == "go":
            is_queued = stage.state is not None and bool(stage.state.cues.queued)
            return Shown(Lit.QUEUED if is_queued else Lit.IDLE)
        case "midi":
            return Shown(Lit.ACTIVE if _is_on(binding, name, stage.surface) else Lit.IDLE)
        case _:
            return Shown(Lit.IDLE)


def _parameter(binding: MidiBinding, row: Parameter, stage: Stage) -> Shown:
    live = row.default if stage.state is None else stage.state.live.get(row.id, row.default)
    value = stage.values.get(row.id, live)
    norm = row.to_norm(value)
    if binding.mode is Mode.RADIO or binding.value is not None:
        is_on, was_on = value == binding.goal(row), live == binding.goal(row)
    elif row.kind is Kind.SWITCH:
        is_on, was_on = value >= 0.5, live >= 0.5
    else:
        is_on = was_on = norm > 0
    if is_on != was_on:
        return Shown(Lit.QUEUED, norm)
    return Shown(Lit.ACTIVE if is_on else Lit.IDLE, norm)


def _pad(kind: str, name: str, stage: Stage) -> Shown:
    presets = stage.show.presets
    if kind == "pad":
        found = presets[int(name) - 1 : int(name)]
    else:
        found = tuple(preset for preset in presets if preset.name == name)
    if not found:
        return Shown(Lit.DARK)
    lit = _PADS[pad_state(found[0], stage.state)]
    if lit is Lit.ACTIVE and is_on_program(stage.state):
        lit = Lit.AIR
    return Shown(lit, colour=found[0].colour)


def _cut(action: str, state: EngineState | None) -> Lit:
    if state is None:
        return Lit.IDLE
    pending = {Cut.HARD: "hard", Cut.SOFT: "soft", Cut.NONE: ""}[state.cut.pending]
    if action == pending or (action == "cancel" and waits(state)):
        return Lit.QUEUED
    return Lit.ACTIVE if action == "soft" and state.cut.soft_chunks else Lit.IDLE


def _cue(number: int, stage: Stage) -> Lit:
    names = [cue.name for cue in stage.show.cues[number - 1 : number]]
    if not names:
        return Lit.DARK
    if stage.state is None:
        return Lit.IDLE
    cues = stage.state.cues
    if cues.queued == names[0]:
        return Lit.QUEUED
    is_live = cues.on_air == names[0]
    return (Lit.AIR if is_on_program(stage.state) else Lit.ACTIVE) if is_live else Lit.IDLE


def _is_on(binding: MidiBinding, name: str, surface: Surface) -> bool:
    if name == "shift":
        return surface.is_shifted
    return name == f"page:{surface.page(binding.port)}"
