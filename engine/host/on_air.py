"""What a host that died was playing, so that the next one begins with it. PURE.

Written while the show runs, with `is_over` at its end: only a show that did not end is resumed.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from engine.errors import EngineError
from engine.host.cue_list import CueList, withdrawn
from engine.host.looks import clean_look, clean_values
from engine.host.score import Score
from engine.protocol.beat import MAX_BPM, MIN_BPM, BeatClock
from engine.protocol.beat_settings import BeatSettings, check_input, check_quantum
from engine.protocol.parameters import PARAMETERS
from engine.protocol.values import Look, ModelChoice

_VERSION = 1


class OnAir(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the journal. `show` is the name of the show, by which it is found again."""

    version: int = _VERSION
    show: str
    look: Look  # with the seed that it has on air
    model: ModelChoice | None = None  # that played, when it was not the show's
    panic: dict[str, float]  # dimmer, freeze, black
    cue: str = ""  # on air
    standby: str = ""
    beat: BeatSettings = BeatSettings()
    clock: BeatClock = BeatClock()  # of taps, or set; without a tempo there is none
    is_over: bool = False


def look_of(score: Score) -> Look:
    """Return the look on air; of a blend, the prompt that it goes to or leans to."""
    heaviest = max(score.text, key=lambda part: part.weight).text
    values = {**score.live, **score.frame}
    return Look(
        prompt=score.ramp.target_prompt if score.ramp else heaviest,
        parameters={key: value for key, value in values.items() if PARAMETERS[key].in_preset},
        seed=score.seed, name=score.look_name, guides=score.guides.as_set,
    )  # fmt: skip


def on_air(
    score: Score, cues: CueList, beat: tuple[BeatSettings, BeatClock], show: str,
    *, model: ModelChoice | None = None, is_over: bool,
) -> OnAir:  # fmt: skip
    """Return the record of this moment."""
    look, values = look_of(score), {**score.live, **score.frame}
    return OnAir(
        show=show,
        look=look,
        model=model,
        panic={key: value for key, value in values.items() if key not in look.parameters},
        cue=cues.on_air,
        standby=cues.queued or cues.standby,
        beat=beat[0],
        clock=beat[1],
        is_over=is_over,
    )


def to_record(moment: OnAir) -> bytes:
    """Return the record as JSON."""
    return msgspec.json.encode(moment)


def resumable(record: bytes | None, show: str) -> OnAir | None:
    """Return what was on air when a host of this show died; None when there is no such thing."""
    try:
        moment = msgspec.json.decode(record or b"", type=OnAir)
        clean_look(moment.look)
        clean_values(moment.panic)
        check_quantum(moment.beat.quantum_beats or 0.0)
        check_input(moment.beat.sound or "")
    except (msgspec.DecodeError, UnicodeDecodeError, EngineError):
        return None
    is_ours = moment.version == _VERSION and moment.show == show
    is_ours &= not moment.clock.is_known or MIN_BPM <= moment.clock.bpm <= MAX_BPM
    return moment if is_ours and not moment.is_over else None


def resumed(cues: CueList, moment: OnAir) -> CueList:
    """Return the opened list as it stood: the cue on air lands anew with the first chunk."""
    names = [cue.name for cue in cues.cues]
    standby = moment.standby if moment.standby in names else ""
    fresh = withdrawn(cues)
    if moment.cue not in names:
        return replace(fresh, standby=standby)
    return replace(fresh, queued=moment.cue, stood=moment.cue, standby=standby)
