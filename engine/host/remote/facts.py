"""What a remote is told: one flat table, address → value, made of the state. PURE.

OSC feedback, the answers to `?`, `/events` and the page all say the same things under the same
addresses; what a remote sets at an address it is told at that address.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.protocol.beat import BEATS_PER_BAR, place_text
from engine.protocol.messages import EngineState
from engine.protocol.model_names import pixels_text
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, Applies, Kind
from engine.protocol.preview import Preview
from engine.protocol.values import Cut, ModelChoice

Fact = int | float | str
Facts = dict[str, Fact]

OFF, QUEUED, ON_AIR = 0, 1, 2
"""What the lamp of a pad shows."""

HELP: dict[str, str] = {
    "/<parameter>": "the value that is on air",
    "/<parameter>/queued": "chunk parameters: the value that the next boundary takes",
    "/preset": "name of the look on air",
    "/preset/queued": "name of the look that waits for its boundary, empty for none",
    "/preset/<number>": "lamp of that pad: 0 off, 1 queued, 2 on air",
    "/prompt": "the prompt on air, of a mix the heaviest",
    "/prompt/next": "the prompt in standby",
    "/cut": "the cut that waits: none, hard or soft",
    "/cut/progress": "of a running soft cut, 0 to 1; 0 when none runs",
    "/cut/unseen": "chunks of a pre-roll that nobody sees yet; 0 when none runs",
    "/preview/open": "1 while the preview of remotes is open",
    "/preview/preset": "name of the preset in it, empty for a look of its own",
    "/preview/prompt": "the prompt in it",
    "/preview/<parameter>": "while it is open: where a take puts the parameter",
    "/cue": "name of the cue on air",
    "/cue/queued": "name of the cue that waits for its boundary",
    "/cue/standby": "name of the cue that GO fires",
    "/cue/follow_in": "whole seconds to the follow-on, -1 when none counts",
    "/hold": "1 while the follow-on is held",
    "/beat/bpm": "the tempo, 0 while nobody knows one",
    "/beat/wait": "beats of which cuts wait for a multiple; 0: for the next chunk",
    "/beat/place": "beat of the bar, 1 to 4; 0 while nobody knows",
    "/beat/aim": "bar and beat that a cut which waits will be seen on, empty for none",
    "/beat/link": "1 while Ableton Link is followed",
    "/sound": "the sound input that is asked for, empty for none",
    "/sound/heard": "the one that is heard, or why none is",
    "/tally": "NDI receivers: 2 on program, 1 in preview, 0 neither",
    "/recording": "1 while recording",
    "/playout": "live, hold, loop, freeze, black or waiting",
    "/model": "the model that plays and its size, as in `house 256x144`",
    "/model/coming": "the one that loads beside it, empty for none",
    "/generator": "starting, loading, live, restarting or stopped",
    "/rate/generation": "frames a second, measured",
    "/rate/output": "frames a second, measured",
}  # fmt: skip


def facts(
    state: EngineState, pads: Sequence[PadSpec], preview: Preview | None = None, now_s: float = 0.0
) -> Facts:
    """Return everything that a remote is told."""
    return {
        **_values(state), **_presets(state, pads), **_cues(state), **_beat(state, now_s),
        **_machine(state), **_preview(state, preview or Preview()),
    }  # fmt: skip


def changed(before: Mapping[str, Fact], now: Mapping[str, Fact]) -> Facts:
    """Return what `now` has that `before` had not or otherwise; a pad that is gone is off."""
    fresh = {key: value for key, value in now.items() if before.get(key) != value}
    gone: Facts = {key: OFF for key in before if key not in now and not key.startswith("/preview/")}
    return {**fresh, **gone}


def as_value(parameter_id: str, value: float) -> Fact:
    """Return a value as it travels: whole where the row is whole."""
    is_whole = PARAMETERS[parameter_id].kind is not Kind.CONTINUOUS
    return int(value) if is_whole else round(value, 6)


def _values(state: EngineState) -> Facts:
    found: Facts = {}
    for key, row in PARAMETERS.items():
        live = state.live.get(key, row.default)
        found[f"/{key}"] = as_value(key, live)
        if row.applies is not Applies.FRAME:
            found[f"/{key}/queued"] = as_value(key, state.pending.get(key, live))
    return found


def _presets(state: EngineState, pads: Sequence[PadSpec]) -> Facts:
    queued = state.cut.pending_name
    lamps: Facts = {
        f"/preset/{number}": _lamp(pad.name, state.look_name, queued)
        for number, pad in enumerate(pads, start=1)
    }
    return {"/preset": state.look_name, "/preset/queued": queued, **lamps}


def _lamp(name: str, on_air: str, queued: str) -> int:
    return QUEUED if name == queued else ON_AIR if name == on_air else OFF


def _cues(state: EngineState) -> Facts:
    cut, cues = state.cut, state.cues
    return {
        "/prompt": heaviest_prompt(state),
        "/prompt/next": state.prompt_next,
        "/cut": cut.pending.value,
        "/cut/progress": round(cut.soft_step / cut.soft_chunks, 3) if cut.soft_step else 0.0,
        "/cut/unseen": cut.unseen_chunks,
        "/cue": cues.on_air,
        "/cue/queued": cues.queued,
        "/cue/standby": cues.standby,
        "/cue/follow_in": -1 if cues.follow_in_s is None else math.ceil(cues.follow_in_s),
        "/hold": int(cues.is_held),
    }


def heaviest_prompt(state: EngineState) -> str:
    """Return the prompt on air, of a mix the heaviest; empty before the first."""
    heaviest = max(state.prompt_now, key=lambda part: part.weight, default=None)
    return heaviest.text if heaviest else ""


def _beat(state: EngineState, now_s: float) -> Facts:
    beat, clock = state.beat, state.beat.clock
    waits = beat.aim_beat is not None and state.cut.pending is not Cut.NONE
    return {
        "/beat/bpm": round(clock.bpm, 1),
        "/beat/wait": beat.quantum_beats,
        "/beat/place": 1 + int(clock.beat_at(now_s) % BEATS_PER_BAR) if clock.is_known else 0,
        "/beat/aim": place_text(beat.aim_beat) if waits and beat.aim_beat is not None else "",
        "/beat/link": int(beat.link not in ("", "off")),
        "/sound": beat.device,
        "/sound/heard": beat.sound,
    }


def _preview(state: EngineState, preview: Preview) -> Facts:
    told: Facts = {
        "/preview/open": int(preview.is_open),
        "/preview/preset": preview.name if preview.is_open else "",
        "/preview/prompt": preview.prompt if preview.is_open else "",
    }
    if preview.is_open:
        goals = {**state.live, **preview.values}
        rows = [key for key, row in PARAMETERS.items() if row.in_preset and key in goals]
        told |= {f"/preview/{key}": as_value(key, goals[key]) for key in rows}
    return told


def _machine(state: EngineState) -> Facts:
    program = any(output.program_tally for output in state.outputs)
    preview = any(output.preview_tally for output in state.outputs)
    return {
        "/tally": 2 if program else int(preview),
        "/recording": int(bool(state.recording)),
        "/playout": state.playout.mode,
        "/model": _model_text(state.worker.choice),
        "/model/coming": _model_text(state.worker.coming) if state.worker.coming else "",
        "/generator": state.worker.status,
        "/rate/generation": round(state.rates.generation_fps, 1),
        "/rate/output": round(state.rates.output_fps, 1),
    }


def _model_text(model: ModelChoice) -> str:
    return f"{model.name} {pixels_text(model.width_px, model.height_px)}"
