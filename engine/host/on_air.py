"""What a host that died was playing, so that the next one begins with it. PURE.

Written while the show runs, with `is_over` at its end: only a show that did not end is resumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True)
class Models:
    """The model that plays and the one that the show named, as far as that is overruled.

    Whose word is the last counts for the next host (`model_to_load`). A change during the show
    overrules what its file names then. An edit of the file after that overrules the change,
    unless it says what plays anyway: so a window remembers a model.

        what happens                     | plays | show | the next host, the file as it is
        ---------------------------------+-------+------+---------------------------------
        the host begins, the file says A | A     | A    | A
        a performer changes to B         | B     | A    | B
          the window saves B             | B     | B    | B
            somebody edits it to C       | B     | B    | C
          or somebody edits it to C      | B     | A    | C
            a performer changes to D     | D     | C    | D
    """

    plays: ModelChoice
    show: ModelChoice

    def now(self, plays: ModelChoice, in_file: ModelChoice) -> Models:
        """Return them when this plays and the file of the show names that."""
        is_heard = plays != self.plays or in_file == plays
        return Models(plays, in_file if is_heard else self.show)


class OnAir(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the journal. `show` is the name of the show, by which it is found again."""

    version: int = _VERSION
    show: str
    look: Look  # with the seed that it has on air
    model: ModelChoice | None = None  # that plays; None, of an older Segue: the show's
    show_model: ModelChoice | None = None  # that it plays instead of, see `Models`
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
    *, models: Models, is_over: bool,
) -> OnAir:  # fmt: skip
    """Return the record of this moment."""
    look, values = look_of(score), {**score.live, **score.frame}
    return OnAir(
        show=show,
        look=look,
        model=models.plays,
        show_model=models.show,
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


def model_to_load(moment: OnAir, in_file: ModelChoice) -> ModelChoice:
    """Return what a host that goes on loads: what played, unless the show was edited since."""
    is_edited = moment.show_model not in (None, in_file)
    return in_file if is_edited or moment.model is None else moment.model


def resumed(cues: CueList, moment: OnAir) -> CueList:
    """Return the opened list as it stood: the cue on air lands anew with the first chunk."""
    names = [cue.name for cue in cues.cues]
    standby = moment.standby if moment.standby in names else ""
    fresh = withdrawn(cues)
    if moment.cue not in names:
        return replace(fresh, standby=standby)
    return replace(fresh, queued=moment.cue, stood=moment.cue, standby=standby)
