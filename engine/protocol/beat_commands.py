"""App → host: what is asked of the beat, of modulators and of the ear."""

from __future__ import annotations

from engine.protocol.beat import BeatClock
from engine.protocol.modulators import Modulator
from engine.protocol.values import Command


class HearBeat(Command, frozen=True, kw_only=True):
    """What the window hears of MIDI clock; one without a tempo: it fell silent."""

    clock: BeatClock


class TapBeat(Command, frozen=True, kw_only=True):
    """A hand taps the beat. `at_s` is when, on the machine's monotonic clock; 0: as it comes."""

    at_s: float = 0.0


class SetTempo(Command, frozen=True, kw_only=True):
    """Say the tempo; the beat goes on from where it is, or from `beat` at `at_s`."""

    bpm: float
    beat: float | None = None
    at_s: float = 0.0  # monotonic, of this machine


class NudgeBeat(Command, frozen=True, kw_only=True):
    """Move the beat against its source: more is earlier."""

    by_beats: float


class AlignBar(Command, frozen=True, kw_only=True):
    """The beat that is nearest now is the first of a bar."""


class SetQuantum(Command, frozen=True, kw_only=True):
    """Cuts wait until they are seen on a multiple of so many beats; 0: at the next chunk."""

    quantum_beats: float


class JoinLink(Command, frozen=True, kw_only=True):
    """Follow the beat of Ableton Link on this network, or leave it."""

    is_joined: bool


class SetModulators(Command, frozen=True, kw_only=True):
    """What moves parameters by itself from now on; replaces what did."""

    modulators: tuple[Modulator, ...]


class ListenTo(Command, frozen=True, kw_only=True):
    """Listen to a sound input, for modulators that follow it; empty: to none.

    `device` is `default`, or a part of the name of one.
    """

    device: str


BeatCommand = (
    HearBeat | TapBeat | SetTempo | NudgeBeat | AlignBar | SetQuantum | SetModulators | JoinLink
    | ListenTo
)  # fmt: skip
