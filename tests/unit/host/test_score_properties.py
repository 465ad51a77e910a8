"""Random shows against a naive model that keeps every command and works from the list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, LocalProtocolError
from engine.host import score as music
from engine.protocol.messages import CancelCut, HardCut, SetParameters, SoftCut
from engine.protocol.parameters import PARAMETERS, Applies, defaults
from engine.protocol.values import Cut, Look

ROWS = {key: row for key, row in PARAMETERS.items() if row.applies is Applies.CHUNK}
BOUNDARY = "boundary"


@st.composite
def row_values(draw):
    keys = draw(st.lists(st.sampled_from(sorted(ROWS)), max_size=3, unique=True))
    share = st.floats(0, 1)
    return {key: ROWS[key].from_norm(draw(share)) for key in keys}


looks = st.builds(
    lambda prompt, parameters, seed: Look(prompt=prompt, parameters=parameters, seed=seed),
    st.sampled_from(["ink", "fire", "sea", "moss"]),
    row_values(),
    st.none() | st.integers(0, 2**32),
)
edits = row_values().map(lambda values: SetParameters(values=values))
hard_cuts = looks.map(lambda look: HardCut(look=look))
soft_cuts = st.builds(lambda n, look: SoftCut(num_chunks=n, look=look), st.integers(1, 5), looks)
events = st.lists(
    st.one_of(st.just(BOUNDARY), st.just(BOUNDARY), edits, hard_cuts, soft_cuts,
              st.just(CancelCut())),
    max_size=40,
)  # fmt: skip


class NaiveShow:
    """The same instrument, written without thought for elegance: lists and loops."""

    def __init__(self, look):
        self.values = {**defaults(Applies.CHUNK), **look.parameters}
        self.mix = {look.prompt: 1.0}
        self.heard = []
        self.ramp = None  # [k, N, mix at start, prompt, {row: (start, end)}]
        self.cuts = 0
        self.running_before = False

    def hear(self, command):
        self.heard.append(command)

    def boundary(self):
        cut, cut_at = None, -1
        for at, command in enumerate(self.heard):
            if isinstance(command, HardCut | SoftCut):
                cut, cut_at = command, at
            elif isinstance(command, CancelCut):
                if cut is None:
                    self.ramp = None
                cut, cut_at = None, -1
        before = self.edits(self.heard if cut is None else self.heard[:cut_at])
        after = {} if cut is None else self.edits(self.heard[cut_at:])
        self.heard = []
        self.values.update(before)
        self.drop_from_ramp(before)
        self.land(cut)
        self.values.update(after)
        self.drop_from_ramp(after)
        self.step()

    @staticmethod
    def edits(commands):
        values = {}
        for command in commands:
            if isinstance(command, SetParameters):
                values.update(command.values)
        return values

    def land(self, cut):
        if isinstance(cut, HardCut):
            self.values.update(cut.look.parameters)
            self.mix, self.ramp, self.cuts = {cut.look.prompt: 1.0}, None, self.cuts + 1
        elif isinstance(cut, SoftCut):
            rows = {}
            for key, end in cut.look.parameters.items():
                if ROWS[key].ramps:
                    rows[key] = (self.values[key], end)
                else:
                    self.values[key] = end
            self.ramp = [0, cut.num_chunks, dict(self.mix), cut.look.prompt, rows]

    def drop_from_ramp(self, values):
        for key in values:
            if self.ramp:
                self.ramp[4].pop(key, None)

    def step(self):
        if not self.ramp:
            return
        self.ramp[0] += 1
        done, length, start, prompt, rows = self.ramp
        share = done / length
        self.mix = {text: weight * (1 - share) for text, weight in start.items()}
        self.mix[prompt] = self.mix.get(prompt, 0) + share
        self.mix = {text: weight for text, weight in self.mix.items() if weight > 0}
        for key, (low, high) in rows.items():
            self.values[key] = low + (high - low) * share
        if done == length:
            self.ramp = None


def play(first, commands):
    """Yield (plan, naive show) at each boundary; commands that are refused change neither."""
    score, naive = music.open_score(first, show_seed=5), NaiveShow(first)
    for command in [*commands, BOUNDARY]:
        if command is BOUNDARY:
            score, plan = music.next_chunk(score)
            naive.boundary()
            yield plan, naive
            continue
        try:
            score = music.apply(score, command)
        except LocalProtocolError:
            continue
        naive.hear(command)


@given(looks, events)
@settings(max_examples=150, deadline=None)
def test_no_edit_is_lost_and_the_last_one_wins(first, commands):
    for plan, naive in play(first, commands):
        assert plan.parameters == pytest.approx(naive.values)


@given(looks, events)
@settings(max_examples=150, deadline=None)
def test_the_text_mix_is_the_naive_one_and_its_weights_sum_to_one(first, commands):
    for plan, naive in play(first, commands):
        assert {part.text: part.weight for part in plan.text} == pytest.approx(naive.mix)
        assert sum(part.weight for part in plan.text) == pytest.approx(1.0)


@given(looks, events)
@settings(max_examples=100, deadline=None)
def test_version_and_chunk_rise_by_one_and_cuts_are_counted(first, commands):
    for count, (plan, naive) in enumerate(play(first, commands)):
        assert (plan.snapshot_version, plan.chunk_index) == (count + 1, count)
        assert plan.cut_number == naive.cuts
        assert (plan.chunk_in_cut == 0) == (plan.cut is Cut.HARD or count == 0)


@given(looks, events)
@settings(max_examples=100, deadline=None)
def test_the_seed_changes_with_a_hard_cut_and_never_else(first, commands):
    seed = None
    for plan, _ in play(first, commands):
        assert seed is None or plan.cut is Cut.HARD or plan.seed == seed
        seed = plan.seed


@given(looks, events)
@settings(max_examples=100, deadline=None)
def test_nothing_resets_without_a_reason_and_a_reason_always_resets(first, commands):
    for plan, _ in play(first, commands):
        assert (plan.cache_action == "reset") == bool(plan.reset_reason)
        assert (plan.cut is Cut.HARD) <= (plan.cache_action == "reset")


@given(looks, st.lists(st.one_of(edits, hard_cuts, soft_cuts, st.just(CancelCut())), max_size=10))
@settings(max_examples=100, deadline=None)
def test_nothing_on_air_changes_between_boundaries(first, commands):
    score, _ = music.next_chunk(music.open_score(first, show_seed=5))
    before = (dict(score.live), score.text, score.seed, score.version, score.chunk_index)
    for command in commands:
        try:
            score = music.apply(score, command)
        except LocalProtocolError:
            continue
        assert (score.live, score.text, score.seed, score.version, score.chunk_index) == before


@given(looks, looks, st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_a_soft_cut_never_turns_back_and_its_last_step_is_the_target(first, target, length):
    score, _ = music.next_chunk(music.open_score(first, show_seed=5))
    score = music.apply(score, SoftCut(num_chunks=length, look=target))
    shares = []
    for _ in range(length):
        score, plan = music.next_chunk(score)
        shares.append({part.text: part.weight for part in plan.text}[target.prompt])
    assert shares == sorted(shares)
    assert [part.text for part in plan.text] == [target.prompt]
    assert {key: plan.parameters[key] for key in target.parameters} == target.parameters
    assert score.ramp is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.none(), st.integers(0, 4), st.just("soft"), st.just("fault")),
        max_size=40,
    )
)
def test_exactly_the_first_chunks_of_a_hard_cut_with_a_pre_roll_are_unseen(events):
    score, unseen = music.open_score(Look(prompt="ink"), show_seed=1), 0
    waits = None
    for event in events:
        if event == "fault":
            score = music.fault(score, "test")
        elif event == "soft":
            score = music.apply(score, SoftCut(num_chunks=2, look=Look(prompt="sea")))
            waits = None
        elif event is not None:
            score = music.apply(score, HardCut(look=Look(prompt="fire"), pre_roll_chunks=event))
            waits = event
        else:
            unseen = waits if waits is not None else unseen
            score, plan = music.next_chunk(score)
            assert plan.is_unseen is (unseen > 0)
            unseen, waits = max(0, unseen - 1), None
            assert music.cut_state(score).unseen_chunks == unseen


def test_a_pre_roll_that_nobody_would_wait_for_is_refused():
    score = music.open_score(Look(prompt="ink"), show_seed=1)
    with pytest.raises(ConfigError, match="got 99 chunks, expected 0 to 16"):
        music.apply(score, HardCut(look=Look(prompt="fire"), pre_roll_chunks=99))
