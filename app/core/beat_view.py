"""The beat as its bar shows it. PURE: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocol.beat import BEATS_PER_BAR, QUANTA, BeatState, place_text
from engine.protocol.messages import EngineState
from engine.protocol.values import Cut

_WORTH_SAYING_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatView:
    """What the bar draws. `place` is the beat of the bar from 0, None while nobody knows."""

    bpm: str = "–"
    source: str = "tap it: X"
    is_known: bool = False
    place: int | None = None
    glow: float = 0.0  # 1 on the beat, 0 before the next
    quantum_beats: float = 0.0
    words: str = ""
    is_waiting: bool = False
    link: str = ""  # off, alone, or how many peers; empty: not offered


def beat_view(state: EngineState, now_s: float) -> BeatView:
    """Return the bar at this moment."""
    beat, clock = state.beat, state.beat.clock
    is_waiting = beat.aim_beat is not None and state.cut.pending is not Cut.NONE
    view = BeatView(
        quantum_beats=beat.quantum_beats,
        words=_words(beat, now_s, is_waiting),
        is_waiting=is_waiting,
        link=beat.link,
    )
    if not clock.is_known:
        return view
    return BeatView(
        bpm=f"{clock.bpm:.1f}",
        source=f"{clock.source} · {beat.detail}" if beat.detail else clock.source,
        is_known=True,
        place=int(clock.phase_at(now_s, BEATS_PER_BAR) * BEATS_PER_BAR),
        glow=1.0 - clock.phase_at(now_s),
        quantum_beats=view.quantum_beats,
        words=view.words,
        is_waiting=is_waiting,
        link=beat.link,
    )


def _words(beat: BeatState, now_s: float, is_waiting: bool) -> str:
    if is_waiting and beat.aim_beat is not None and beat.clock.is_known:
        left_s = max(beat.clock.when_s(beat.aim_beat) - now_s, 0.0)
        return f"seen on {place_text(beat.aim_beat)}, in {left_s:.1f} s"
    if beat.hit_beat is not None and beat.quantum_beats:
        late_ms = round(beat.hit_late_s * 1000)
        off = f"{abs(late_ms)} ms {'after' if late_ms > 0 else 'before'}"
        held = beat.hit_held_back_s
        waited = f", held {held:.1f} s" if held >= _WORTH_SAYING_S else ""
        return f"last cut {off} {place_text(beat.hit_beat)}{waited}"
    if beat.quantum_beats and beat.clock.is_known:
        return f"look-ahead {beat.lookahead_s:.1f} s" if beat.lookahead_s else "look-ahead …"
    return "no beat yet: cuts do not wait" if beat.quantum_beats else "cuts do not wait"


def next_quantum(quantum_beats: float) -> float:
    """Return the quantum after this one; off comes after the longest."""
    steps = [beats for beats, _ in QUANTA]
    place = steps.index(quantum_beats) if quantum_beats in steps else -1
    return steps[(place + 1) % len(steps)]
