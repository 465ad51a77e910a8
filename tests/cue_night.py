"""A cue player on a real score with a clock in hand, and what hands may do to it."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.errors import EngineError
from engine.host import score as music
from engine.host.beat_desk import BeatDesk
from engine.host.cue_player import CuePlayer
from engine.protocol.beat_commands import SetQuantum, SetTempo
from engine.protocol.cues import CueSpec
from engine.protocol.messages import (
    Back,
    CancelCut,
    Go,
    HardCut,
    HoldFollow,
    LoadCues,
    SetParameters,
    SoftCut,
    StandBy,
)
from engine.protocol.values import Cut, Look


def cue(name, **changes):
    look = Look(prompt=f"{name} prompt", parameters=changes.pop("parameters", {}), name=name)
    return CueSpec(name=name, look=look, **changes)


class Stage:
    """A conductor without a worker: the real score, boundaries when the test says."""

    standby_prompt = ""
    picture_delay_s = 0.0

    def __init__(self):
        self.score = music.open_score(Look(prompt="open"), show_seed=1)
        self.events, self.notices, self.prepared = [], [], []
        self.supervisor = self
        self.on_crossed_call = None
        self.plan = None
        self.beats = BeatDesk(lambda *_: None, clock=lambda: 100.0)
        self.beats.answer(SetTempo(bpm=120.0, beat=0.0, at_s=100.0))

    def obey(self, command):
        self.score = music.apply(self.score, command)

    def cross(self, holds_cut=False):
        takes_cut = self.score.pending is not None and not holds_cut
        self.score, self.plan = music.next_chunk(self.score, holds_cut=holds_cut)
        self.on_crossed_call(self.plan, takes_cut)

    def prepare(self, text):
        self.prepared.append(text)

    def publish(self, event):
        self.events.append(event)

    def notice(self, *said):
        self.notices.append(said)


class Night:
    """A player on a stage with a clock in hand; speaks to both as the desk does."""

    def __init__(self, cues):
        self.now_s = 100.0
        self.stage = Stage()
        self.player = CuePlayer(self.stage, clock=lambda: self.now_s)
        self.player.open_list("night", cues, is_on_air=False)

    @property
    def cues(self):
        return self.player.state()

    def do(self, command):
        """Do it as the desk would; returns whether it was taken."""
        try:
            match command:
                case float():
                    self.now_s += command
                    self.player.tick()
                case None:
                    self.stage.cross()
                case "held":
                    self.stage.cross(holds_cut=True)
                case HardCut() | SoftCut():
                    self.stage.obey(command)
                    self.player.on_cut_by_hand(command)
                case CancelCut():
                    self.player.cancel()
                case SetParameters():
                    self.stage.obey(command)
                    self.player.on_edited(command.values)
                case SetQuantum():
                    self.stage.beats.answer(command)
                case _:
                    self.player.answer(command)
        except EngineError:
            return False
        return True


NIGHT = (
    cue("a", parameters={"saturation": 0.5}),
    cue("b", cut=Cut.SOFT, num_chunks=3, follow_s=2.0, parameters={"control_amount": 0.3}),
    cue("c", cut=Cut.NONE, fade_s=4.0, parameters={"saturation": 1.5, "steps": 3.0}),
    cue("d", follow_s=0.0, fade_s=1.0, parameters={"control_amount": 0.9}),
    cue("e"),
)
names = st.sampled_from([one.name for one in NIGHT])
hands = st.lists(
    st.one_of(
        st.just(None), st.just(None), st.just("held"), st.just(Go()), st.just(Go()),
        st.just(Back()), st.just(CancelCut()), names.map(lambda name: StandBy(cue=name)),
        st.floats(0.0, 3.0), st.floats(0.3, 3.0),
        st.booleans().map(lambda held: HoldFollow(is_held=held)),
        st.just(HardCut(look=Look(prompt="by hand"))),
        st.integers(1, 3).map(lambda n: SoftCut(num_chunks=n, look=Look(prompt="by hand"))),
        st.floats(0, 1).map(lambda v: SetParameters(values={"control_amount": v})),
        st.sampled_from([0.0, 1.0]).map(lambda v: SetParameters(values={"black": v})),
        st.sampled_from([0.0, 4.0]).map(lambda beats: SetQuantum(quantum_beats=beats)),
        st.permutations(NIGHT).map(lambda cues: LoadCues(cues=tuple(cues[:4]))),
    ),
    max_size=40,
)  # fmt: skip
