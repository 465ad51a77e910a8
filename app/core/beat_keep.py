"""Who says what cuts wait for, what is listened to and whether Link is followed. PURE.

    when                                                 | what the show says       | the engine
    -----------------------------------------------------+--------------------------+------------
    an engine that plays this show was found             | becomes what is set there| as it was
    another engine was found                             | stays                    | gets it
    the show was opened, recovered, undone               | stays                    | gets it
    an engine took the place of one that died            | stays                    | gets its
    a key, a phone or anybody else sets it on the engine | becomes that, undoable   | as it was

Where the show says nothing the engine is left as it is, until somebody sets it.
"""

from __future__ import annotations

from msgspec import structs

from engine.protocol.beat import OPENING, BeatState, quantum_text
from engine.protocol.beat_commands import (
    BeatCommand,
    JoinLink,
    ListenTo,
    SetQuantum,
    SetTempo,
)
from engine.protocol.beat_settings import DEFAULT_INPUT, BeatSettings


def set_there(beat: BeatState) -> BeatSettings:
    """Return what is set on the engine; nothing about Link where it is not offered."""
    link = None if not beat.link else beat.link != "off"
    return BeatSettings(quantum_beats=beat.quantum_beats, link=link, sound=beat.device)


def to_set(beat: BeatState, wanted: BeatSettings) -> tuple[SetQuantum | JoinLink | ListenTo, ...]:
    """Return what brings the engine to what the show says."""
    there = set_there(beat)
    commands: list[SetQuantum | JoinLink | ListenTo] = []
    if wanted.quantum_beats is not None and wanted.quantum_beats != there.quantum_beats:
        commands.append(SetQuantum(quantum_beats=wanted.quantum_beats))
    if wanted.link is not None and wanted.link != bool(there.link):
        commands.append(JoinLink(is_joined=wanted.link))
    if wanted.sound is not None and wanted.sound != there.sound:
        commands.append(ListenTo(device=wanted.sound))
    return tuple(commands)


def to_repeat(before: BeatState, now: BeatState) -> tuple[BeatCommand, ...]:
    """Return what brings an engine that began anew to where the one before it was.

    MIDI clock is told again anyway, and modulators come with the show.
    """
    clock = before.clock
    tempo = SetTempo(bpm=clock.bpm, beat=clock.beat, at_s=clock.at_s)
    return (*([tempo] if clock.is_known else []), *to_set(now, set_there(before)))


def as_found(said: BeatSettings, beat: BeatState) -> BeatSettings:
    """Return what a show says once it is what an engine that plays it has.

    What nobody said or set is still not said, so that an old show stays as it is.
    """
    there = set_there(beat)
    found = {
        name: getattr(there, name)
        for name in said.__struct_fields__
        if getattr(there, name) or None not in (getattr(said, name), getattr(there, name))
    }
    return structs.replace(said, **found)


def missing(said: BeatSettings, beat: BeatState) -> tuple[str, ...]:
    """Return a sentence for each thing of the show that this engine does without."""
    texts = []
    if said.link and not beat.link:
        texts.append(
            "The show follows Ableton Link, which is not installed here (pip install aalink): "
            "it goes on without, and the file still says so"
        )
    if beat.device and not beat.levels and beat.sound not in ("", OPENING):
        texts.append(beat.sound)
    return tuple(texts)


def as_changed(
    said: BeatSettings, before: BeatState, now: BeatState
) -> tuple[BeatSettings, BeatSettings]:
    """Return what the show says before and after somebody set something between two states.

    What it did not say before is said as it was, so that undo brings that back.
    """
    was, there = set_there(before), set_there(now)
    moved = [
        name
        for name in said.__struct_fields__
        if getattr(there, name) not in (None, getattr(was, name), getattr(said, name))
    ]
    unsaid = {name: getattr(was, name) for name in moved if getattr(said, name) is None}
    first = structs.replace(said, **unsaid)
    return first, structs.replace(first, **{name: getattr(there, name) for name in moved})


def change_text(before: BeatSettings, after: BeatSettings) -> str:
    """Return what changed, for people."""
    if before.quantum_beats != after.quantum_beats:
        return f"cuts wait for: {quantum_text(after.quantum_beats or 0.0)}"
    if before.link != after.link:
        return "following Link" if after.link else "leaving Link"
    if after.sound == DEFAULT_INPUT:
        return "sound of the default input"
    return f"sound of {after.sound}" if after.sound else "no sound"
