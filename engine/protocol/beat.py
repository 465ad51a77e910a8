"""Where in the music we are: a value that MIDI clock, Ableton Link and tapping all end in. PURE.

Times are seconds on the monotonic clock, which all processes of one machine share; beats count
from the start of the song and may be fractions. `beat(now) = beat + (now - at) * bpm / 60`.
"""

from __future__ import annotations

import math

from engine.protocol.values import Value

MIN_BPM, MAX_BPM = 20.0, 400.0


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
