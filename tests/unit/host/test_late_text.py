"""A late text is told once, and so is its end."""

from engine.host.late_text import LateTexts, reported
from engine.protocol.values import LatePrompt, Severity
from tests.fakes import chunk_report

FIRE, SEA = LatePrompt(text="fire"), LatePrompt(text="sea")


def told(*reports):
    """Return what is said after each report of these late prompts, and the state at the end."""
    late, said = LateTexts(), []
    for index, prompts in enumerate(reports):
        late, now = reported(late, chunk_report(index, late_prompts=prompts))
        said.append([text for _, text in now])
    return said, late


def test_nothing_is_said_of_texts_that_are_on_time():
    said, late = told((), ())
    assert said == [[], []]
    assert late == LateTexts()


def test_a_text_that_misses_several_chunks_is_told_once_and_so_is_its_landing():
    said, late = told((FIRE,), (FIRE,), (FIRE,), (), ())
    assert [len(now) for now in said] == [1, 0, 0, 1, 0]
    assert "“fire” is not encoded yet" in said[0][0]
    assert said[3] == ["the text is on air, 3 chunks late"]
    assert late.num_chunks == 3


def test_a_chunk_is_one_chunk():
    assert told((FIRE,), ())[0][1] == ["the text is on air, 1 chunk late"]


def test_a_second_text_is_told_although_the_first_is_still_late():
    said, _ = told((FIRE,), (FIRE, SEA), (SEA,))
    assert [len(now) for now in said] == [1, 1, 0]
    assert "sea" in said[1][0]


def test_a_text_that_turns_out_impossible_is_told_again_as_a_fault_with_its_reason():
    failed = LatePrompt(text="fire", failure="CUDA out of memory")
    late, _ = reported(LateTexts(), chunk_report(0, late_prompts=(FIRE,)))
    _, said = reported(late, chunk_report(1, late_prompts=(failed,)))
    assert [severity for severity, _ in said] == [Severity.FAULT]
    assert "cannot be encoded: CUDA out of memory" in said[0][1]


def test_the_next_time_the_same_text_is_late_it_is_told_again():
    said, late = told((FIRE,), (), (FIRE,))
    assert [len(now) for now in said] == [1, 1, 1]
    assert late.num_chunks == 2


def test_a_long_prompt_is_shortened():
    said, _ = told((LatePrompt(text="x" * 500),))
    assert len(said[0][0]) < 200
