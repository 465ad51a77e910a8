"""Which still pictures steer which chunk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.host import score as music
from engine.protocol.guides import NO_GUIDES
from engine.protocol.messages import CancelCut, HardCut, SetGuides, SoftCut
from engine.protocol.values import Guides, Look, Mask

names = st.sampled_from(["", "a.png", "b.png"])
guides = st.builds(
    lambda references, first, last, chunk: Guides(
        references=tuple(references), first_frame=first, last_frame=last, last_frame_chunk=chunk
    ),
    st.lists(st.sampled_from(["r.png", "s.png"]), max_size=2, unique=True), names, names,
    st.integers(1, 4),
)  # fmt: skip
BOUNDARY = "boundary"
commands = st.one_of(
    guides.map(lambda found: SetGuides(guides=found)),
    st.builds(lambda g: HardCut(look=Look(prompt="x", guides=g)), st.none() | guides),
    st.builds(
        lambda n, g: SoftCut(num_chunks=n, look=Look(prompt="y", guides=g)),
        st.integers(1, 4), st.none() | guides,
    ),
)  # fmt: skip
scripts = st.lists(st.just(BOUNDARY) | commands, max_size=30)


class Naive:
    """Keeps what was said since the last boundary and works from the list."""

    def __init__(self, opening):
        self.live, self.heard = opening, []
        self.index = self.since = 0
        self.first_at = 0

    def boundary(self):
        cuts = [at for at, said in enumerate(self.heard) if not isinstance(said, SetGuides)]
        wanted = None
        if cuts:
            last = self.heard[cuts[-1]]
            if last.look.guides is None:
                edits = [said for said in self.heard if isinstance(said, SetGuides)]
            else:
                edits = self.heard[cuts[-1] + 1 :]
                wanted = last.look.guides
            self.since = self.index
            self.first_at = self.index if isinstance(last, HardCut) else self.first_at
        else:
            edits = self.heard
        for said in edits:
            wanted = said.guides
        before = self.live
        self.live = self.live if wanted is None else wanted
        moved = (before.last_frame, before.last_frame_chunk) != (
            self.live.last_frame, self.live.last_frame_chunk,
        )  # fmt: skip
        if moved:
            self.since = self.index
        shown = (
            self.live.references,
            self.live.first_frame if self.index == self.first_at else "",
            self.live.last_frame
            if self.index - self.since + 1 == self.live.last_frame_chunk
            else "",
        )
        self.heard, self.index = [], self.index + 1
        return shown


@given(st.none() | guides, scripts)
def test_every_chunk_is_steered_as_a_naive_model_says(opening, script):
    score = music.open_score(Look(prompt="a", guides=opening), 1)
    naive = Naive(opening or NO_GUIDES)
    for said in [*script, BOUNDARY]:
        if said is BOUNDARY:
            score, plan = music.next_chunk(score)
            found = plan.guides
            assert (found.references, found.first_frame, found.last_frame) == naive.boundary()
        else:
            score = music.apply(score, said)
            naive.heard.append(said)


def plans(score, count):
    found = []
    for _ in range(count):
        score, plan = music.next_chunk(score)
        found.append(plan.guides)
    return score, found


LOOK = Look(
    prompt="b",
    guides=Guides(first_frame="f.png", last_frame="l.png", last_frame_chunk=3, references=("r",)),
)


def test_a_hard_cut_begins_with_the_first_frame_and_reaches_the_last_in_its_chunk():
    score, _ = plans(music.open_score(Look(prompt="a"), 1), 2)
    _, found = plans(music.apply(score, HardCut(look=LOOK)), 4)
    assert [(g.first_frame, g.last_frame) for g in found] == [
        ("f.png", ""), ("", ""), ("", "l.png"), ("", ""),
    ]  # fmt: skip
    assert all(g.references == ("r",) for g in found)


def test_a_soft_cut_flows_on_and_so_has_no_first_frame():
    score, _ = plans(music.open_score(Look(prompt="a"), 1), 2)
    _, found = plans(music.apply(score, SoftCut(num_chunks=2, look=LOOK)), 4)
    assert [(g.first_frame, g.last_frame) for g in found] == [
        ("", ""), ("", ""), ("", "l.png"), ("", ""),
    ]  # fmt: skip


def test_a_cancelled_cut_gives_back_what_was_set_by_hand():
    score = music.open_score(Look(prompt="a"), 1)
    for said in (
        SetGuides(guides=Guides(references=("mine",))), HardCut(look=LOOK), CancelCut(),
    ):  # fmt: skip
        score = music.apply(score, said)
    _, (found,) = plans(score, 1)
    assert found.references == ("mine",)


def test_setting_what_is_on_air_leaves_nothing_waiting():
    score = music.open_score(LOOK, 1)
    score = music.apply(score, SetGuides(guides=NO_GUIDES))
    assert score.guides.edit is not None
    assert music.apply(score, SetGuides(guides=LOOK.guides)).guides.edit is None


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (Guides(mask=Mask(kind="stencil")), "mask: got stencil, expected one of none, image"),
        (Guides(mask=Mask(kind="image")), "mask image: got nothing"),
        (Guides(references=("a",) * 5), "reference images: got 5 of them, expected at most 4"),
        (Guides(last_frame_chunk=0), "last frame chunk: got 0, expected 1 to 64"),
        (Guides(references=("",)), "picture: got ''"),
        (Guides(first_frame="a\0b"), "expected the path of a picture file"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(wrong, word):
    score = music.open_score(LOOK, 1)
    for command in (SetGuides(guides=wrong), HardCut(look=Look(prompt="c", guides=wrong))):
        with pytest.raises(ConfigError) as refused:
            music.apply(score, command)
        assert word in str(refused.value)
    assert score.guides.live == LOOK.guides
