"""What the display says is on air and waits, against a log of what was asked and what landed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings

from app.core.cue_view import CueLight, cue_views, lit
from app.core.midi_binding import MidiBinding, Mode
from app.core.midi_events import MidiKind
from app.core.midi_lights import Lit
from app.core.midi_tally import Stage, shown_of
from engine.host import score as music
from engine.host.remote.facts import facts
from engine.protocol.beat_commands import SetQuantum
from engine.protocol.messages import (
    Back,
    CancelCut,
    CueLanded,
    Go,
    HardCut,
    LoadCues,
    SoftCut,
    StandBy,
)
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.values import Cut, Look
from tests.cue_night import NIGHT, Night, cue, hands
from tests.fakes import engine_state

BY_HAND = HardCut(look=Look(prompt="by hand"))
SHOW = Show(
    name="night",
    presets=tuple(Preset(name=one.name, prompt=one.look.prompt) for one in NIGHT),
    cues=tuple(Cue(name=one.name, preset=one.name) for one in NIGHT),
)


def bound(target):
    return MidiBinding(kind=MidiKind.NOTE, channel=1, number=1, target=target, mode=Mode.TRIGGER)


@dataclass
class Log:
    """A stage hand with a pencil: which cue the waiting cut and the waiting rows belong to."""

    on_air: str = ""
    cut: str = ""  # the cue that asked for the cut that waits; empty: a hand, or none waits
    rows: str = ""  # the cue whose rows wait for the beat
    num_seen: int = 0  # of the events that the player published

    def note(self, event, night):
        score, moves = night.stage.score, night.player._move
        match event:
            case Go() | Back() | float():
                # A follow-on fires while time passes, just as GO does.
                self.rows = moves.cue.name if moves is not None else ""
                if score.pending is not self.pending:
                    self.cut = night.cues.queued if score.pending is not None else ""
            case HardCut() | SoftCut() | CancelCut():
                if not (isinstance(event, CancelCut) and self.ran_only):
                    self.cut = self.rows = ""
            case LoadCues():
                names = {one.name for one in event.cues}
                self.on_air, self.cut, self.rows = (
                    name if name in names else "" for name in (self.on_air, self.cut, self.rows)
                )
            case None if self.waited:
                self.on_air, self.cut = self.cut, ""
        for landed in night.stage.events[self.num_seen :]:
            self.num_seen += 1
            assert isinstance(landed, CueLanded)
            self.on_air = landed.cue

    def before(self, night):
        score = night.stage.score
        self.pending, self.waited = score.pending, score.pending is not None
        self.ran_only = not self.waited and not self.rows


def check_displays(night, log):
    """Remotes, the cue strip and the lights of controllers say what the log says."""
    state = engine_state(cues=night.cues, cut=music.cut_state(night.stage.score))
    told = facts(state, [])
    waits = log.rows or log.cut
    assert (told["/cue"], told["/cue/queued"]) == (log.on_air, waits)
    views = lit(cue_views(SHOW, night.cues), night.cues)
    for number, view in enumerate(views, start=1):
        light = shown_of(bound(f"cue:{number}"), Stage(show=SHOW, state=state)).lit
        is_queued, is_on_air = view.name == waits, view.name == log.on_air
        assert (view.light is CueLight.QUEUED) == (light is Lit.QUEUED) == is_queued
        assert (
            (view.light is CueLight.ON_AIR)
            == (light is Lit.ACTIVE)
            == (is_on_air and not is_queued)
        )
    anything = bool(waits) or state.cut.pending is not Cut.NONE
    cancel = shown_of(bound("cut:cancel"), Stage(show=SHOW, state=state)).lit
    assert (cancel is Lit.QUEUED) == anything


@given(hands)
@settings(max_examples=200, deadline=None)
def test_what_is_on_air_and_what_waits_is_what_a_log_of_the_night_says(events):
    night, log = Night(NIGHT), Log()
    for event in events:
        log.before(night)
        if night.do(event):
            log.note(event, night)
        said = night.cues
        assert said.on_air == log.on_air
        assert said.queued == (log.rows or log.cut)
        check_displays(night, log)


def rows_wait_behind_a_cut_by_hand():
    """Cue a is on air with a follow-on; a hand cuts for the bar, then a cue of rows waits too."""
    night = Night((cue("a", follow_s=60.0), cue("c", cut=Cut.NONE, parameters={"saturation": 1.5})))
    night.do(Go())
    night.do(None)
    night.do(SetQuantum(quantum_beats=4.0))
    night.do(1.25)
    night.do(BY_HAND)
    night.do(Go())
    return night


def test_a_cut_by_hand_takes_the_cue_off_air_while_rows_of_another_wait():
    night = rows_wait_behind_a_cut_by_hand()
    night.do("held")
    assert (night.cues.on_air, night.cues.queued) == ("a", "c")
    night.do(None)
    assert (night.cues.on_air, night.cues.queued, night.cues.follow_in_s) == ("", "c", None)
    night.do(2.0)
    assert (night.cues.on_air, night.cues.queued) == ("c", "")
    assert night.stage.score.frame["saturation"] == 1.5


def test_back_takes_back_the_rows_alone_and_the_cut_by_hand_lands():
    night = rows_wait_behind_a_cut_by_hand()
    night.do(Back())
    assert (night.cues.queued, night.cues.standby) == ("", "c")
    assert night.stage.score.pending.look.prompt == "by hand"
    night.do(None)
    assert night.cues.on_air == ""


def test_cancel_forgets_the_cut_and_the_rows_that_wait():
    night = rows_wait_behind_a_cut_by_hand()
    night.do(CancelCut())
    assert night.stage.score.pending is None
    night.do(5.0)
    assert (night.cues.on_air, night.cues.queued, night.cues.standby) == ("a", "", "c")
    assert night.stage.score.frame["saturation"] == 1.0


def test_rows_of_a_cue_that_left_the_list_do_not_land_and_it_is_said():
    night = Night(NIGHT)
    night.do(SetQuantum(quantum_beats=4.0))
    night.do(0.25)
    night.do(StandBy(cue="c"))
    night.do(Go())
    night.do(LoadCues(cues=NIGHT[:2]))
    night.do(5.0)
    assert (night.cues.on_air, night.cues.queued) == ("", "")
    assert night.stage.score.frame["saturation"] == 1.0
    assert "c left the cue list while it waited" in night.stage.notices[-1][2]


def test_the_state_says_when_rows_that_wait_will_move():
    night = rows_wait_behind_a_cut_by_hand()
    night.do(0.25)
    assert night.cues.moves_in_s == 0.5
    night.do(0.5)
    assert night.cues.moves_in_s is None
