"""An address below `/preview` → what is prepared, and what the engine is asked. PURE.

All remotes share one preview, the window has its own. Preparing something opens it; a take goes to
it, and what was on air is in preview then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import RemoteProtocolError
from engine.host.remote.given import amount, is_on, misfit, number, only, unknown, whole, words
from engine.host.remote.osc_codec import Argument
from engine.host.remote.phrases import DEFAULT_SOFT_CHUNKS, Stage, pad_of, pre_roll
from engine.protocol import preview as bus
from engine.protocol.messages import AppCommand, EngineState, HardCut, QueuePrompt, SoftCut
from engine.protocol.parameters import PARAMETERS
from engine.protocol.preview import Preview

PREVIEW = "/preview"

PREVIEW_PRESSES: dict[str, str] = {
    "/preview/take/hard": "hard cut to the preview; what was on air is in preview then",
    "/preview/take/soft": f"soft cut to it over {DEFAULT_SOFT_CHUNKS} chunks",
    "/preview/take/soft/<chunks>": "the same over so many chunks",
    "/preview/take/pre_roll": "hard cut to it, seen when it already runs",
    "/preview/take/pre_roll/<chunks>": "the same, so many chunks later",
}

PREVIEW_VALUES: dict[str, str] = {
    "/preview/open": "1 opens the preview, with what is on air if it is empty; 0 closes it",
    "/preview/preset": "name or number of a preset: prepare it",
    "/preview/prompt": "text: prepare it",
    "/preview/<parameter>": "value in its own unit: prepare it, if presets keep that parameter",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What is prepared if the engine takes the commands; empty `text`: say what it answers."""

    preview: Preview
    commands: tuple[AppCommand, ...] = ()
    text: str = ""


def step(
    preview: Preview, state: EngineState, address: str, arguments: Sequence[Argument], stage: Stage
) -> Step | None:
    """Return the step that an address asks for, or None for a button that was let go.

    Raises:
        RemoteProtocolError: there is no such address, or what came with it does not fit.
    """
    rest = address.split("/")[2:]
    if rest[:1] == ["take"]:
        if len(arguments) > 1:
            raise misfit(address, arguments, "nothing or one number")
        is_let_go = bool(arguments) and not number(address, arguments[0])
        cut = _take(preview, address, rest[1:])
        return None if is_let_go else _taken(state, cut)
    value = only(address, arguments)
    match rest:
        case ["open"]:
            return _opened(preview, state, is_open=is_on(address, value))
        case ["preset"]:
            look = pad_of(address, value, stage).look
            return _prepared(preview, bus.loaded(_open(preview, state), look), look.name)
        case ["prompt"]:
            text = words(address, value).strip()
            return _prepared(preview, bus.written(_open(preview, state), text), f"“{text}”")
        case [key] if key in PARAMETERS and PARAMETERS[key].in_preset:
            row = PARAMETERS[key]
            after = bus.edited(_open(preview, state), key, amount(address, row, value))
            return _prepared(preview, after, f"{row.label} {row.text(after.values[key])}")
        case _:
            raise unknown(address)


def _open(preview: Preview, state: EngineState) -> Preview:
    return preview if preview.is_open else bus.opened(preview, state)


def _opened(preview: Preview, state: EngineState, *, is_open: bool) -> Step:
    if not is_open:
        return Step(bus.closed(preview), text="the preview is closed")
    after = _open(preview, state)
    return Step(after, _to_encode(preview, after), "the preview is open")


def _prepared(before: Preview, after: Preview, what: str) -> Step:
    return Step(after, _to_encode(before, after), f"prepared: {what}")


def _to_encode(before: Preview, after: Preview) -> tuple[AppCommand, ...]:
    """Let the prompt of the open preview stand by: it is encoded by the time of the take."""
    differs = after.prompt and (after.prompt != before.prompt or not before.is_open)
    return (QueuePrompt(text=after.prompt),) if differs else ()


def _take(preview: Preview, address: str, how: Sequence[str]) -> HardCut | SoftCut:
    look = bus.look_of(preview)
    match list(how):
        case ["hard"]:
            cut: HardCut | SoftCut = HardCut(look=look)
        case ["pre_roll", *length]:
            cut = HardCut(look=look, pre_roll_chunks=pre_roll(address, length))
        case ["soft"]:
            cut = SoftCut(look=look, num_chunks=DEFAULT_SOFT_CHUNKS)
        case ["soft", length]:
            cut = SoftCut(look=look, num_chunks=whole(address, length))
        case _:
            raise unknown(address)
    if not preview.is_open or not preview.prompt:
        raise RemoteProtocolError(
            f"address {address!r}: nothing is prepared; choose a preset or a prompt below "
            f"{PREVIEW} first, nothing was changed"
        )
    return cut


def _taken(state: EngineState, cut: HardCut | SoftCut) -> Step:
    back = bus.on_air(state)
    return Step(back, (cut, QueuePrompt(text=back.prompt)))
