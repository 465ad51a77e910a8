"""What cuts wait for, Link and the sound input in a show's file: `[beat]` and `[sound]`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import ConfigError
from engine.protocol.beat import QUANTA
from engine.protocol.beat_settings import MAX_NAME_CHARACTERS, BeatSettings, check_input
from engine.protocol.show_fields import Fields

BEAT_KEYS = ("wait", "link")
SOUND_KEYS = ("input",)
_BEATS = {name: beats for beats, name in QUANTA}
_WAITS = tuple(_BEATS)
_NAMES = dict(QUANTA)


def read_beat(beat: Fields, sound: Fields, newer: bool) -> BeatSettings:
    """Return what the two tables say; what only a `newer` Segue can wait for is left alone.

    Raises:
        ShowError: a field says what cannot be: file, line, field, value, expectation.
    """
    return BeatSettings(
        quantum_beats=_wait(beat, newer),
        link=beat.boolean("link", False) if "link" in beat.values else None,
        sound=_input(sound),
    )


def _wait(beat: Fields, newer: bool) -> float | None:
    said = beat.values.get("wait")
    if said is None or (newer and said not in _WAITS):
        return None
    return _BEATS[beat.choice("wait", _WAITS, "")]


def _input(sound: Fields) -> str | None:
    if "input" not in sound.values:
        return None
    name = sound.string("input")
    try:
        return check_input(name)
    except ConfigError:
        sound.fail("input", f"a part of a name in one line, up to {MAX_NAME_CHARACTERS} characters")


def beat_in_toml(
    settings: BeatSettings, before: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Return what `[beat]` and `[sound]` say; None for a field that is to go.

    Args:
        settings: of the show.
        before: `[beat]` as the file has it; what only a newer Segue can wait for stays.
    """
    beats = settings.quantum_beats
    wait: object = _NAMES[beats] if beats is not None else None
    if wait is None and before.get("wait") not in _WAITS:
        wait = before.get("wait")
    return {"wait": wait, "link": settings.link}, {"input": settings.sound}
