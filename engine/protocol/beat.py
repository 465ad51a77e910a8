"""Where in the music we are: a value that MIDI clock, Ableton Link and tapping all end in. PURE.

Times are seconds on the monotonic clock, which all processes of one machine share; beats count
from the start of the song and may be fractions. `beat(now) = beat + (now - at) * bpm / 60`.
"""

from __future__ import annotations

import math

import msgspec

from engine.protocol.values import Value

MIN_BPM, MAX_BPM = 20.0, 400.0
BEATS_PER_BAR = 4
LINK, MIDI_CLOCK, TAP, FIXED = "link", "midi clock", "tap", "fixed"
SOURCES = (LINK, MIDI_CLOCK, TAP, FIXED)
"""Who may say the beat; the first of them that has a tempo is in charge."""
QUANTA = ((0.0, "off"), (1.0, "beat"), (4.0, "bar"), (8.0, "2 bars"), (16.0, "4 bars"))

NUDGE_BEATS = 0.02  # ten milliseconds at 120 bpm
OPENING = "opening"  # what is said of a sound input until it is heard


class BeatClock(Value, frozen=True, kw_only=True):
    """A tempo and a moment whose beat is known; what comes before or after follows from them.

    `bpm` 0 means that nobody knows the tempo yet. `is_running` is whether the sequencer plays: its
    clock may tick on while it is stopped.
    """

    bpm: float = 0.0
    beat: float = 0.0
    at_s: float = 0.0
    is_running: bool = False
    source: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a tempo to go by."""
        return self.bpm > 0

    def beat_at(self, now_s: float) -> float:
        """Return the beat at a time; the beat stands while there is no tempo."""
        return self.beat + (now_s - self.at_s) * self.bpm / 60

    def phase_at(self, now_s: float, quantum_beats: float = 1.0) -> float:
        """Return how far into a beat, or a bar of `quantum_beats`, in [0, 1)."""
        share = (self.beat_at(now_s) / quantum_beats) % 1.0
        return share if share < 1.0 else 0.0  # a tiny negative number rounds up to 1

    def next_s(self, after_s: float, quantum_beats: float = 1.0) -> float:
        """Return when the next multiple of `quantum_beats` is, at `after_s` or later.

        Raises:
            ValueError: there is no tempo; ask `is_known` first.
        """
        if not self.is_known:
            raise ValueError("the clock has no tempo: ask is_known before you wait for a beat")
        whole = math.ceil(self.beat_at(after_s) / quantum_beats - 1e-9)
        return max(after_s, self.at_s + (whole * quantum_beats - self.beat) * 60 / self.bpm)

    def when_s(self, beat: float) -> float:
        """Return when a beat is or was.

        Raises:
            ValueError: there is no tempo; ask `is_known` first.
        """
        if not self.is_known:
            raise ValueError("the clock has no tempo: ask is_known before you ask for a time")
        return self.at_s + (beat - self.beat) * 60 / self.bpm


class BeatState(Value, frozen=True, kw_only=True):
    """The beat as the host keeps it, and what waits for it.

    `source` of the clock is one of SOURCES; empty while nobody knows a tempo.
    """

    clock: BeatClock = BeatClock()
    detail: str = ""  # of the source: the device, or how many peers
    link: str = ""  # off, alone or how many peers; empty: it is not offered here
    sound: str = ""  # the input that is heard, or why none is; empty: none is asked for
    device: str = ""  # sound input that is asked for
    levels: dict[str, float] = msgspec.field(default_factory=dict)  # heard, 0 … 1 each
    quantum_beats: float = 0.0  # cuts wait for a multiple of it; 0: for the next chunk
    lookahead_s: float = 0.0  # measured, from a boundary to its chunk's first picture on air
    aim_beat: float | None = None  # that the cut which waits will be seen on
    hit_beat: float | None = None  # that the last quantised cut was seen on
    hit_late_s: float = 0.0  # how much after it; negative: before
    hit_held_back_s: float = 0.0  # by how much playout let it come later than it could have


def quantum_text(quantum_beats: float) -> str:
    """Return a quantum as a performer calls it."""
    return dict(QUANTA).get(quantum_beats, f"{quantum_beats:g} beats")


def place_text(beat: float) -> str:
    """Return a beat as bar and beat of it, both counted from 1, as a sequencer shows it."""
    bar, in_bar = divmod(beat, BEATS_PER_BAR)
    return f"{int(bar) + 1}.{int(in_bar) + 1}"
