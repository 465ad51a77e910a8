"""What is on air, what is next and what is being edited, as the window draws it. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from engine.protocol.beat import place_text
from engine.protocol.messages import EngineState
from engine.protocol.orders import PromptRead
from engine.protocol.parameters import Parameter, parameter
from engine.protocol.show import Preset, Show
from engine.protocol.values import Cut, Look

_PAD_COLOURS = ("#4f8cff", "#2fd3c0", "#ff7a59", "#c77dff", "#ffb020", "#7bd65a")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|.", re.DOTALL)


class PadState(StrEnum):
    """How a pad is lit."""

    IDLE = "idle"
    QUEUED = "queued"  # blinks: lands at the next boundary
    ACTIVE = "active"
    PREVIEW = "preview"  # a take goes to it


@dataclass(frozen=True, slots=True, kw_only=True)
class RingView:
    """The chunk ring. `elapsed_norm` is how much of the chunk in hand is over."""

    elapsed_norm: float = 0.0
    seconds_left: float = 0.0
    is_running: bool = False
    pending: Cut = Cut.NONE
    pending_text: str = ""
    soft_step: int = 0
    soft_chunks: int = 0
    chunk_index: int = 0


@dataclass(frozen=True, slots=True)
class SliderView:
    """Two markers: `live` is on air, `target` is what it is going to.

    `moved` is where a modulator has the parameter now; None when none moves it.
    """

    live: float
    target: float
    moved: float | None = None

    @property
    def is_pending(self) -> bool:
        """Whether the two differ."""
        return abs(self.live - self.target) > 1e-6


def ring_view(state: EngineState, age_s: float) -> RingView:
    """Return the ring `age_s` seconds after the state arrived, so that it moves smoothly."""
    period = state.chunk_period_s
    runs = state.worker.status == "live" and period > 0
    left = max(state.boundary_in_s - age_s, 0.0)
    cut = state.cut
    return RingView(
        elapsed_norm=1.0 - min(left / period, 1.0) if runs else 0.0,
        seconds_left=left if runs else 0.0,
        is_running=runs,
        pending=cut.pending,
        pending_text=_pending_text(state),
        soft_step=cut.soft_step,
        soft_chunks=cut.soft_chunks,
        chunk_index=state.chunk_index,
    )


def _pending_text(state: EngineState) -> str:
    cut, aim = state.cut, state.beat.aim_beat
    on_beat = f" · {place_text(aim)}" if aim is not None else ""
    match cut.pending:
        case Cut.HARD:
            return f"HARD CUT{on_beat}"
        case Cut.SOFT:
            return f"SOFT CUT {cut.pending_chunks}{on_beat}"
        case Cut.NONE if cut.unseen_chunks:
            return f"PRE-ROLL {cut.unseen_chunks}"
        case Cut.NONE:
            edits = len(state.pending)
            return f"{edits} edit{'s' * (edits > 1)}" if edits else ""


def waits(state: EngineState) -> bool:
    """Whether something waits that CANCEL takes back: a cut, or a cue's rows for the beat."""
    return state.cut.pending is not Cut.NONE or bool(state.cues.queued)


def slider_view(row: Parameter, state: EngineState, edits: Mapping[str, float]) -> SliderView:
    """Return live and target value; the performer's unconfirmed edit is the newest target."""
    live = state.live.get(row.id, row.default)
    target = edits.get(row.id, state.pending.get(row.id, live))
    return SliderView(live, target, state.modulated.get(row.id))


def values_as_set(state: EngineState | None, edits: Mapping[str, float]) -> dict[str, float]:
    """Return every parameter as the performer last set it."""
    known = {**state.live, **state.pending} if state is not None else {}
    return {**known, **edits}


def pad_state(preset: Preset, state: EngineState | None, in_preview: str = "") -> PadState:
    """Return how the pad of `preset` is lit; `in_preview` names the one that is prepared."""
    if state is None:
        return PadState.IDLE
    if state.cut.pending is not Cut.NONE and state.cut.pending_prompt == preset.prompt:
        return PadState.QUEUED
    if state.look_name == preset.name:
        return PadState.ACTIVE
    return PadState.PREVIEW if preset.name == in_preview else PadState.IDLE


def cut_look(text: str, state: EngineState | None, cut: Cut) -> Look | None:
    """Return what a cut button goes to; None is what the engine has in standby.

    next field      hard cut                      soft cut
    has a text      standby, put there first      the same
    empty           the look on air, new seed     standby; the engine refuses without one
    """
    nothing_next = not text.strip() and (state is None or not state.prompt_next)
    if cut is Cut.HARD and nothing_next and state is not None and state.prompt_now:
        return Look(prompt=prompt_now(state), name=state.look_name)
    return None


def prompt_now(state: EngineState) -> str:
    """Return the prompt on air; of a running blend, its strongest part."""
    if not state.prompt_now:
        return ""
    return max(state.prompt_now, key=lambda part: part.weight).text


def blend_text(state: EngineState) -> str:
    """Return how the text on air stands: late, or `62 % of a blend of 2`; empty when it is one."""
    if state.worker.late_prompts:
        is_broken = any(prompt.failure for prompt in state.worker.late_prompts)
        return "cannot be encoded" if is_broken else "is being encoded"
    parts = [part for part in state.prompt_now if part.weight > 0.005]
    if len(parts) < 2:
        return ""
    top = max(part.weight for part in parts)
    return f"{top:.0%} of a blend of {len(parts)}"


def waiting_text(state: EngineState) -> str:
    """Return what the monitor says before the first picture."""
    said = state.worker.message or f"the generator is {state.worker.status}"
    return f"{said[:1].upper()}{said[1:]} …"


def words(text: str, read: PromptRead | None) -> list[tuple[str, bool]]:
    """Return the prompt in pieces (word, space or comma), each with whether it was understood."""
    unknown = {word for said in read.unknown for word in said.lower().split()} if read else set()
    return [(piece, piece.lower() not in unknown) for piece in _WORD.findall(text)]


def new_preset(show: Show, state: EngineState) -> Preset:
    """Return the look on air as a preset with a name and a colour that the show does not have."""
    prompt = prompt_now(state)
    values = {key: value for key, value in state.live.items() if parameter(key).in_preset}
    taken = {preset.name for preset in show.presets}
    short = " ".join(prompt.split()[-2:]).title()[:40] or "Look"
    names = (short if number == 1 else f"{short} {number}" for number in count(1))
    return Preset(
        name=next(name for name in names if name not in taken),
        prompt=prompt,
        parameters=values,
        guides=state.guides,
        colour=_PAD_COLOURS[len(show.presets) % len(_PAD_COLOURS)],
    )
