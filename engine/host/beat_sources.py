"""Which beat counts: of all who may say it, one is in charge. PURE: time is an argument.

    link > midi clock > our own

Our own beat is what a hand taps, or a tempo that was set: the newer of the two. A source is in
charge while it has a tempo and is heard; MIDI clock of a window that is gone falls silent by
itself.

    the source in charge falls silent, another is heard   → that one, with a notice
    the source in charge falls silent, no other is heard  → our own goes on, same tempo, same phase
    a source above the one in charge comes                → that one, with a notice
    tap, or a tempo is set, under another in charge       → kept for later, and said

Nudging moves what is in charge by a part of a beat and lasts until another source is in charge or
a hand taps; so does saying that a beat is the first of a bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from msgspec import structs

from engine.errors import ConfigError, LocalProtocolError
from engine.host.taps import Taps, clock_of, tapped
from engine.protocol.beat import (
    BEATS_PER_BAR,
    FIXED,
    LINK,
    MAX_BPM,
    MIDI_CLOCK,
    MIN_BPM,
    TAP,
    BeatClock,
)

SILENT_S = 3.5  # the slowest clock tells every 3 s
MAX_NUDGE_BEATS = 1.0
_FROM_OUTSIDE = (LINK, MIDI_CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The newest word of a source from outside, and when it came."""

    clock: BeatClock
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatSources:
    """All who may say the beat. Replaced, never changed."""

    outside: dict[str, Heard] = field(default_factory=dict)
    own: BeatClock = field(default_factory=BeatClock)
    taps: Taps = field(default_factory=Taps)
    in_charge: str = ""  # one of SOURCES
    moved_beats: float = 0.0  # by nudging and aligning, of the one in charge


def clock(sources: BeatSources) -> BeatClock:
    """Return the beat that counts, with the name of its source; without a tempo if none has one."""
    found = _raw(sources, sources.in_charge)
    moved = found.beat + sources.moved_beats
    return structs.replace(found, beat=moved, source=sources.in_charge)


def detail(sources: BeatSources) -> str:
    """Return what is known about the source in charge: the device that it comes from."""
    heard = sources.outside.get(sources.in_charge)
    return heard.clock.source if heard is not None else ""


def heard(sources: BeatSources, source: str, clock: BeatClock, now_s: float) -> BeatSources:
    """Take the newest word of MIDI clock or Link; one without a tempo: it fell silent.

    Raises:
        ConfigError: it says what no clock can; nothing changed.
    """
    numbers = (clock.bpm, clock.beat, clock.at_s)
    in_range = clock.bpm == 0 or MIN_BPM <= clock.bpm <= MAX_BPM
    if not all(math.isfinite(number) for number in numbers) or not in_range:
        raise ConfigError(
            f"{source} refused: got {clock.bpm:g} bpm, expected {MIN_BPM:g} to {MAX_BPM:g}"
        )
    outside = {k: v for k, v in sources.outside.items() if k != source}
    if clock.is_known:
        outside[source] = Heard(clock=clock, at_s=now_s)
        return replace(sources, outside=outside)
    return _silenced(sources, source, now_s)


def tap(sources: BeatSources, at_s: float) -> BeatSources:
    """Take a tap of a hand; from the second on our own beat has its tempo and phase."""
    taps = tapped(sources.taps, at_s)
    found = clock_of(taps)
    if not found.is_known:
        return replace(sources, taps=taps)
    own = structs.replace(found, source=TAP, is_running=True)
    moved = 0.0 if sources.in_charge not in _FROM_OUTSIDE else sources.moved_beats
    return replace(sources, taps=taps, own=own, moved_beats=moved)


def with_tempo(
    sources: BeatSources, bpm: float, now_s: float, beat: float | None = None
) -> BeatSources:
    """Set the tempo of our own beat; it goes on from the beat where it is, or from `beat`.

    Raises:
        ConfigError: it is no tempo; nothing changed.
    """
    if not math.isfinite(bpm) or not MIN_BPM <= bpm <= MAX_BPM:
        raise ConfigError(f"tempo refused: got {bpm:g}, expected {MIN_BPM:g} to {MAX_BPM:g} bpm")
    if beat is not None and not math.isfinite(beat):
        raise ConfigError(f"tempo refused: got beat {beat:g}, expected a number")
    at_beat = sources.own.beat_at(now_s) if beat is None else beat
    own = BeatClock(bpm=bpm, beat=at_beat, at_s=now_s, is_running=True, source=FIXED)
    return replace(sources, own=own, taps=Taps())


def nudged(sources: BeatSources, by_beats: float) -> BeatSources:
    """Move the beat in charge; more is earlier.

    Raises:
        ConfigError: it is no part of a beat.
        LocalProtocolError: nobody knows a beat. Nothing changed.
    """
    if not math.isfinite(by_beats) or abs(by_beats) > MAX_NUDGE_BEATS:
        raise ConfigError(
            f"nudge refused: got {by_beats:g} beats, expected -{MAX_NUDGE_BEATS:g} to "
            f"{MAX_NUDGE_BEATS:g}"
        )
    _check_known(sources, "nudge")
    return replace(sources, moved_beats=sources.moved_beats + by_beats)


def aligned(sources: BeatSources, now_s: float) -> BeatSources:
    """Let the beat that is nearest now be the first of a bar.

    Raises:
        LocalProtocolError: nobody knows a beat; nothing changed.
    """
    _check_known(sources, "bar")
    in_bar = round(clock(sources).beat_at(now_s)) % BEATS_PER_BAR
    return replace(sources, moved_beats=sources.moved_beats - in_bar)


def _check_known(sources: BeatSources, what: str) -> None:
    if not clock(sources).is_known:
        raise LocalProtocolError(
            f"{what} refused: nobody knows the beat; tap it, or send MIDI clock"
        )


def settled(sources: BeatSources, now_s: float) -> tuple[BeatSources, str]:
    """Put the right source in charge; returns what to tell, empty while it stays."""
    for source, word in sources.outside.items():
        if now_s - word.at_s > SILENT_S:
            sources = _silenced(sources, source, now_s)
    best = _best(sources)
    if best == sources.in_charge:
        return sources, ""
    before, now = sources.in_charge, replace(sources, in_charge=best, moved_beats=0.0)
    if {before, best} == {TAP, FIXED}:
        return now, ""
    fell_silent = before in _FROM_OUTSIDE and before not in sources.outside
    return now, _told(before if fell_silent else "", clock(now))


def _silenced(sources: BeatSources, source: str, now_s: float) -> BeatSources:
    """Forget a source; if it was in charge, our own beat goes on as it went."""
    outside = {k: v for k, v in sources.outside.items() if k != source}
    if source != sources.in_charge or not _raw(sources, source).is_known:
        return replace(sources, outside=outside)
    last = clock(sources)
    own = structs.replace(last, beat=last.beat_at(now_s), at_s=now_s, source=FIXED)
    return replace(sources, outside=outside, own=own, taps=Taps())


def _best(sources: BeatSources) -> str:
    for source in _FROM_OUTSIDE:
        if source in sources.outside:
            return source
    return sources.own.source if sources.own.is_known else ""


def _raw(sources: BeatSources, source: str) -> BeatClock:
    if source in sources.outside:
        return sources.outside[source].clock
    return sources.own if source in (TAP, FIXED) else BeatClock()


def _told(silent: str, now: BeatClock) -> str:
    at = f"{now.source} at {now.bpm:.1f} bpm"
    if silent:
        return f"{silent} fell silent: the beat goes on with {at}"
    return f"the beat is that of {at}"
