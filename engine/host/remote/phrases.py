"""An address and what came with it → a command. PURE: the one vocabulary of OSC and HTTP.

A *press* address takes nothing or one number: 0 is a button let go and does nothing. A *value*
address takes what its row says. `?` asks instead of setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from engine.host.remote.given import (
    amount,
    chosen,
    is_on,
    misfit,
    number,
    only,
    unknown,
    whole,
    words,
)
from engine.host.remote.osc_codec import Argument
from engine.protocol.beat import MAX_BPM, MIN_BPM, NUDGE_BEATS, QUANTA
from engine.protocol.beat_commands import (
    AlignBar,
    JoinLink,
    ListenTo,
    NudgeBeat,
    SetQuantum,
    SetTempo,
    TapBeat,
)
from engine.protocol.messages import (
    AppCommand,
    Back,
    CancelCut,
    ChangeModel,
    Go,
    HardCut,
    HoldFollow,
    QueuePrompt,
    RestartWorker,
    SetParameters,
    SoftCut,
    StandBy,
    StartRecording,
    StopRecording,
)
from engine.protocol.model_names import pixels_of
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, Parameter
from engine.protocol.preview import PRE_ROLL_CHUNKS
from engine.protocol.values import Cut, Look, ModelChoice

DEFAULT_SOFT_CHUNKS = 4
ASK = "?"

_WAITS = ", ".join(f"{beats:g} {name}" for beats, name in QUANTA)

PRESSES: dict[str, str] = {
    "/go": "GO: fire the cue in standby",
    "/back": "BACK: take back a GO that has not landed, else cut to the cue before",
    "/standby/<number>": "that cue of the list, from 1, stands by",
    "/preset/<number>": "cut to that preset, from 1, as it likes to be cut to",
    "/preset/<number>/hard": "hard cut to it",
    "/preset/<number>/soft": "soft cut to it, as long as it likes",
    "/preset/<number>/soft/<chunks>": "soft cut to it over so many chunks",
    "/preset/<number>/pre_roll": "hard cut to it, seen when it already runs",
    "/cut/hard": "hard cut to the prompt in standby; without one, a new picture of what is on air",
    "/cut/soft": f"soft cut to the prompt in standby over {DEFAULT_SOFT_CHUNKS} chunks",
    "/cut/soft/<chunks>": "the same over so many chunks",
    "/cut/pre_roll": "as /cut/hard, seen when the look already runs",
    "/cut/pre_roll/<chunks>": "the same, so many chunks later",
    "/cut/cancel": "forget what waits, a cut or a cue for the beat; else stop a soft cut that runs",
    "/panic/clear": "back to the picture: freeze and black off, dimmer up",
    "/beat/tap": "tap the beat",
    "/beat/bar": "the beat that is nearest now is the first of a bar",
    "/beat/earlier": "the beat comes a little earlier",
    "/beat/later": "the beat comes a little later",
    "/restart": "restart the generator; the output goes on",
}

VALUES: dict[str, str] = {
    "/<parameter>": "value in its own unit, a choice by number or name; out of range is clamped",
    "/<parameter>/norm": "0 to 1 along its curve, for a fader without a scale",
    "/<parameter>/step": "add so much to it, in its own unit, for an encoder",
    "/prompt": "text: put it in standby, the next cut without a preset takes it",
    "/standby": "name or number of a cue",
    "/preset": "name or number of a preset",
    "/beat/bpm": f"{MIN_BPM:g} to {MAX_BPM:g}: the tempo, where no clock says it",
    "/beat/wait": f"beats of which cuts wait for a multiple, or its name: {_WAITS}",
    "/beat/link": "1 follows Ableton Link, 0 leaves it",
    "/sound": "text: the sound input to listen to, `default` or a part of its name; empty: none",
    "/recording": "1 starts to record, 0 stops",
    "/model": "text: a model and its size, as in `house 256x144`: it loads beside what plays",
    "/hold": "1 stops the countdown to the follow-on, 0 lets it go on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What an address can mean now."""

    pads: Sequence[PadSpec] = ()
    cues: Sequence[str] = ()  # names
    targets: Mapping[str, float] = field(default_factory=dict)  # row → where it is or goes
    on_air: Look | None = None  # for a cut while no prompt stands by
    has_standby: bool = False  # a prompt does
    model: ModelChoice = field(default_factory=ModelChoice)  # that plays


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks for the facts at this address and below it."""

    address: str


Meaning = AppCommand | Question | None


def read(address: str, arguments: Sequence[Argument], stage: Stage) -> Meaning:
    """Return the command, a question, or None for a button that was let go.

    Raises:
        RemoteProtocolError: there is no such address, or what came with it does not fit.
    """
    if list(arguments) == [ASK]:
        return Question("" if address == "/" else address)
    head, *rest = address.split("/")[1:] or [""]
    if head in PARAMETERS:
        return _parameter(PARAMETERS[head], rest, arguments, stage)
    if address in _VALUE_READERS:
        return _VALUE_READERS[address](only(address, arguments), stage)
    command: AppCommand = _press(address, head, rest, stage)
    if len(arguments) > 1:
        raise misfit(address, arguments, "nothing or one number")
    return None if arguments and not number(address, arguments[0]) else command


def is_below(address: str, asked: str) -> bool:
    """Return whether a fact stands at the address asked for, or below it."""
    return address == asked or address.startswith(f"{asked}/")


# ---------------------------------------------------------------- values


def _parameter(
    row: Parameter, rest: Sequence[str], arguments: Sequence[Argument], stage: Stage
) -> SetParameters:
    address = "/".join(["", row.id, *rest])
    value = only(address, arguments)
    match list(rest):
        case []:
            wanted = amount(address, row, value)
        case ["norm"]:
            wanted = row.from_norm(number(address, value))
        case ["step"]:
            wanted = stage.targets.get(row.id, row.default) + number(address, value)
        case _:
            raise unknown(address)
    return SetParameters(values={row.id: row.clean(wanted)})


def _standby(value: Argument, stage: Stage) -> StandBy:
    return StandBy(cue=chosen("/standby", value, stage.cues, "cue"))


def pad_of(address: str, value: Argument, stage: Stage) -> PadSpec:
    """Return the preset that is meant, by name or by number from 1."""
    names = [pad.name for pad in stage.pads]
    return stage.pads[names.index(chosen(address, value, names, "preset"))]


def _wait(value: Argument) -> SetQuantum:
    named = {name: beats for beats, name in QUANTA}
    beats = named[value] if isinstance(value, str) and value in named else None
    if beats is None:
        beats = number("/beat/wait", value, f"beats or one of {', '.join(named)}")
    return SetQuantum(quantum_beats=beats)


def _recording(value: Argument, stage: Stage) -> AppCommand:
    return StartRecording() if is_on("/recording", value) else StopRecording()


def _model(value: Argument, stage: Stage) -> ChangeModel:
    """Return what loads another model; what is not said stays as it is with the one that plays."""
    name, _, text = words("/model", value).strip().partition(" ")
    size_px = pixels_of(text.strip())
    if size_px is None:
        raise misfit("/model", [value], "a model and its size, as in 'house 256x144'")
    base = stage.model if name == stage.model.name else ModelChoice(device=stage.model.device)
    model = structs.replace(base, name=name, width_px=size_px[0], height_px=size_px[1])
    return ChangeModel(model=model)


_VALUE_READERS: dict[str, Callable[[Argument, Stage], AppCommand]] = {
    "/prompt": lambda value, _: QueuePrompt(text=words("/prompt", value)),
    "/standby": _standby,
    "/preset": lambda value, stage: _cut_to(pad_of("/preset", value, stage), [], "/preset"),
    "/hold": lambda value, _: HoldFollow(is_held=is_on("/hold", value)),
    "/recording": _recording,
    "/model": _model,
    "/sound": lambda value, _: ListenTo(device=words("/sound", value)),
    "/beat/link": lambda value, _: JoinLink(is_joined=is_on("/beat/link", value)),
    "/beat/bpm": lambda value, _: SetTempo(bpm=number("/beat/bpm", value)),
    "/beat/wait": lambda value, _: _wait(value),
}


# ---------------------------------------------------------------- presses


_SIMPLE: dict[str, AppCommand] = {
    "/go": Go(),
    "/back": Back(),
    "/cut/cancel": CancelCut(),
    "/panic/clear": SetParameters(values={"freeze": 0.0, "black": 0.0, "dimmer": 1.0}),
    "/beat/tap": TapBeat(),
    "/beat/bar": AlignBar(),
    "/beat/earlier": NudgeBeat(by_beats=NUDGE_BEATS),
    "/beat/later": NudgeBeat(by_beats=-NUDGE_BEATS),
    "/restart": RestartWorker(),
}


def _press(address: str, head: str, rest: Sequence[str], stage: Stage) -> AppCommand:
    if address in _SIMPLE:
        return _SIMPLE[address]
    match [head, *rest]:
        case ["cut", "hard"]:
            return _hard_cut(stage)
        case ["cut", "pre_roll", *length]:
            return structs.replace(_hard_cut(stage), pre_roll_chunks=pre_roll(address, length))
        case ["cut", "soft"]:
            return SoftCut(num_chunks=DEFAULT_SOFT_CHUNKS)
        case ["cut", "soft", length]:
            return SoftCut(num_chunks=whole(address, length))
        case ["standby", which]:
            return StandBy(cue=chosen(address, whole(address, which), stage.cues, "cue"))
        case ["preset", which, *how]:
            return _cut_to(pad_of(address, whole(address, which), stage), how, address)
        case _:
            raise unknown(address)


def _hard_cut(stage: Stage) -> HardCut:
    """Cut to the prompt in standby, else anew to what is on air, as in the window."""
    return HardCut(look=None if stage.has_standby else stage.on_air)


def pre_roll(address: str, length: Sequence[str]) -> int:
    """Return how long a pre-roll is; `length` is what stands behind it in the address."""
    if len(length) > 1:
        raise unknown(address)
    return whole(address, length[0]) if length else PRE_ROLL_CHUNKS


def _cut_to(pad: PadSpec, how: Sequence[str], address: str) -> HardCut | SoftCut:
    match list(how):
        case []:
            if pad.cut is Cut.SOFT:
                return SoftCut(look=pad.look, num_chunks=pad.num_chunks)
            return HardCut(look=pad.look)
        case ["hard"]:
            return HardCut(look=pad.look)
        case ["pre_roll", *length]:
            return HardCut(look=pad.look, pre_roll_chunks=pre_roll(address, length))
        case ["soft"]:
            return SoftCut(look=pad.look, num_chunks=pad.num_chunks)
        case ["soft", length]:
            return SoftCut(look=pad.look, num_chunks=whole(address, length))
        case _:
            raise unknown(address)
