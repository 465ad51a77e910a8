"""An address and what came with it → a command. PURE: the one vocabulary of OSC and HTTP.

A *press* address takes nothing or one number: 0 is a button let go and does nothing. A *value*
address takes what its row says. `?` asks instead of setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import RemoteProtocolError
from engine.host.remote.osc_codec import Argument
from engine.protocol.beat import MAX_BPM, MIN_BPM, QUANTA
from engine.protocol.beat_commands import AlignBar, SetQuantum, SetTempo, TapBeat
from engine.protocol.messages import (
    AppCommand,
    Back,
    CancelCut,
    Go,
    HardCut,
    HoldFollow,
    QueuePrompt,
    RestartWorker,
    SetParameters,
    SoftCut,
    StandBy,
)
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, Kind, Parameter
from engine.protocol.values import Cut, Look

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
    "/cut/hard": "hard cut to the prompt in standby; without one, a new picture of what is on air",
    "/cut/soft": f"soft cut to the prompt in standby over {DEFAULT_SOFT_CHUNKS} chunks",
    "/cut/soft/<chunks>": "the same over so many chunks",
    "/cut/cancel": "forget the cut that waits, or stop the soft cut that runs",
    "/panic/clear": "back to the picture: freeze and black off, dimmer up",
    "/beat/tap": "tap the beat",
    "/beat/bar": "the beat that is nearest now is the first of a bar",
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
    "/beat/wait": f"beats of which cuts wait for a multiple: {_WAITS}",
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
        return _VALUE_READERS[address](_only(address, arguments), stage)
    command: AppCommand = _press(address, head, rest, stage)
    if len(arguments) > 1:
        raise _misfit(address, arguments, "nothing or one number")
    return None if arguments and not _number(address, arguments[0]) else command


def is_below(address: str, asked: str) -> bool:
    """Return whether a fact stands at the address asked for, or below it."""
    return address == asked or address.startswith(f"{asked}/")


# ---------------------------------------------------------------- values


def _parameter(
    row: Parameter, rest: Sequence[str], arguments: Sequence[Argument], stage: Stage
) -> SetParameters:
    address = "/".join(["", row.id, *rest])
    value = _only(address, arguments)
    match list(rest):
        case []:
            wanted = _amount(address, row, value)
        case ["norm"]:
            wanted = row.from_norm(_number(address, value))
        case ["step"]:
            wanted = stage.targets.get(row.id, row.default) + _number(address, value)
        case _:
            raise unknown(address)
    return SetParameters(values={row.id: row.clean(wanted)})


def _amount(address: str, row: Parameter, value: Argument) -> float:
    if isinstance(value, str) and row.kind is Kind.CHOICE and value in row.choices:
        return float(row.choices.index(value))
    return _number(address, value, f"a number from {row.low:g} to {row.high:g}{_names(row)}")


def _names(row: Parameter) -> str:
    return f" or one of {', '.join(row.choices)}" if row.choices else ""


def _prompt(value: Argument, stage: Stage) -> QueuePrompt:
    if not isinstance(value, str):
        raise _misfit("/prompt", [value], "a text")
    return QueuePrompt(text=value)


def _standby(value: Argument, stage: Stage) -> StandBy:
    return StandBy(cue=_chosen("/standby", value, stage.cues, "cue"))


def _preset(value: Argument, stage: Stage) -> AppCommand:
    names = [pad.name for pad in stage.pads]
    name = _chosen("/preset", value, names, "preset")
    return _cut_to(stage.pads[names.index(name)], [], "/preset")


def _hold(value: Argument, stage: Stage) -> HoldFollow:
    return HoldFollow(is_held=_number("/hold", value) >= 0.5)


_VALUE_READERS: dict[str, Callable[[Argument, Stage], AppCommand]] = {
    "/prompt": _prompt,
    "/standby": _standby,
    "/preset": _preset,
    "/hold": _hold,
    "/beat/bpm": lambda value, _: SetTempo(bpm=_number("/beat/bpm", value)),
    "/beat/wait": lambda value, _: SetQuantum(quantum_beats=_number("/beat/wait", value)),
}


# ---------------------------------------------------------------- presses


_SIMPLE: dict[str, AppCommand] = {
    "/go": Go(),
    "/back": Back(),
    "/cut/cancel": CancelCut(),
    "/panic/clear": SetParameters(values={"freeze": 0.0, "black": 0.0, "dimmer": 1.0}),
    "/beat/tap": TapBeat(),
    "/beat/bar": AlignBar(),
    "/restart": RestartWorker(),
}


def _press(address: str, head: str, rest: Sequence[str], stage: Stage) -> AppCommand:
    if address in _SIMPLE:
        return _SIMPLE[address]
    match [head, *rest]:
        case ["cut", "hard"]:
            return HardCut(look=None if stage.has_standby else stage.on_air)  # as in the window
        case ["cut", "soft"]:
            return SoftCut(num_chunks=DEFAULT_SOFT_CHUNKS)
        case ["cut", "soft", length]:
            return SoftCut(num_chunks=_whole(address, length))
        case ["standby", which]:
            number = _whole(address, which)
            return StandBy(cue=_chosen(address, number, stage.cues, "cue"))
        case ["preset", which, *how]:
            names = [pad.name for pad in stage.pads]
            name = _chosen(address, _whole(address, which), names, "preset")
            return _cut_to(stage.pads[names.index(name)], how, address)
        case _:
            raise unknown(address)


def _cut_to(pad: PadSpec, how: Sequence[str], address: str) -> HardCut | SoftCut:
    match list(how):
        case []:
            if pad.cut is Cut.SOFT:
                return SoftCut(look=pad.look, num_chunks=pad.num_chunks)
            return HardCut(look=pad.look)
        case ["hard"]:
            return HardCut(look=pad.look)
        case ["soft"]:
            return SoftCut(look=pad.look, num_chunks=pad.num_chunks)
        case ["soft", length]:
            return SoftCut(look=pad.look, num_chunks=_whole(address, length))
        case _:
            raise unknown(address)


# ---------------------------------------------------------------- what came with it


def _chosen(address: str, value: Argument, names: Sequence[str], what: str) -> str:
    """Return the name that is meant, by name or by number from 1."""
    if isinstance(value, str) and value in names:
        return value
    number = int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
    if not isinstance(value, str) and 1 <= number <= len(names):
        return names[number - 1]
    known = f"a {what} by name or number, 1 to {len(names)}" if names else f"no {what}, none exist"
    raise _misfit(address, [value], known)


def _only(address: str, arguments: Sequence[Argument]) -> Argument:
    if len(arguments) != 1:
        raise _misfit(address, arguments, "one value")
    return arguments[0]


def _number(address: str, value: Argument, expected: str = "a number") -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise _misfit(address, [value], expected)


def _whole(address: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return int(text)
    raise _misfit(address, [text], "a whole number")


def unknown(address: str) -> RemoteProtocolError:
    """Return what to say of an address that nobody has."""
    return RemoteProtocolError(
        f"address {address[:80]!r} does not exist, nothing was changed; docs/osc.md lists them all"
    )


def _misfit(address: str, got: Sequence[Argument], expected: str) -> RemoteProtocolError:
    said = ", ".join(repr(value)[:60] for value in got[:4]) or "nothing"
    return RemoteProtocolError(
        f"address {address[:80]!r}: got {said}, expected {expected}; nothing was changed"
    )
