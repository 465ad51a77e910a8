"""What a performer sets of the beat and of the sound that is heard, and a show keeps. PURE.

The tempo is none of it: it belongs to the night, and a beat that nobody plays is worse than none.
"""

from __future__ import annotations

from engine.errors import ConfigError
from engine.protocol.beat import QUANTA
from engine.protocol.values import Value

DEFAULT_INPUT = "default"
MAX_NAME_CHARACTERS = 200


class BeatSettings(Value, frozen=True, kw_only=True):
    """None where nothing is said: it stays as it is."""

    quantum_beats: float | None = None  # one of QUANTA
    link: bool | None = None  # whether Ableton Link is followed
    sound: str | None = None  # `default`, or a part of the name of an input; empty: none


def check_input(name: str) -> str:
    """Return the name of a sound input without what surrounds it.

    Raises:
        ConfigError: no input is called so.
    """
    clean = name.strip()
    if len(clean) > MAX_NAME_CHARACTERS or not clean.isprintable():
        raise ConfigError(
            f"sound input refused: got {clean[:40]!r}, expected a part of a name in one line, "
            f"at most {MAX_NAME_CHARACTERS} characters; `segue doctor` lists the inputs"
        )
    return clean


def check_quantum(quantum_beats: float) -> float:
    """Return the quantum as it is.

    Raises:
        ConfigError: cuts cannot wait for it.
    """
    if quantum_beats not in dict(QUANTA):
        known = ", ".join(f"{beats:g} ({name})" for beats, name in QUANTA)
        raise ConfigError(f"quantum refused: got {quantum_beats:g} beats, expected {known}")
    return quantum_beats
