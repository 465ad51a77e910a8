"""Prompts become token ids; what has no room is named."""

import pytest

from engine.errors import WeightsError
from engine.worker.models.wan.tokenizer import PromptTokenizer, load_tokenizer
from tests.tiny_text import SENTENCES, SPIECE, spiece_bytes

EOS = 1


@pytest.fixture(scope="module")
def tokenizer():
    return PromptTokenizer(spiece_bytes())


def test_a_prompt_ends_with_the_end_of_text_and_has_no_padding(tokenizer):
    tokenized = tokenizer.read(SENTENCES[0])
    assert tokenized.ids[-1] == EOS
    assert tokenized.ids.count(EOS) == 1
    assert 0 not in tokenized.ids
    assert (tokenized.cut, tokenized.num_cut, tokenized.notice) == ("", 0, "")


def test_an_empty_prompt_is_the_end_of_text_alone(tokenizer):
    assert tokenizer.read("").ids == (EOS,)
    assert tokenizer.read(" \n\t ").ids == (EOS,)


def test_a_prompt_is_cleaned_before_it_is_cut_into_pieces(tokenizer):
    raw = tokenizer.read("  slow \n red&amp;amp;black   fire ")
    assert raw.kept == "slow red&black fire"
    assert raw.ids == tokenizer.read("slow red&black fire").ids


def test_capitals_are_kept(tokenizer):
    assert tokenizer.read("Neon").kept == "Neon"
    assert tokenizer.read("Neon").ids != tokenizer.read("neon").ids


@pytest.mark.parametrize("max_tokens", [2, 5, 9])
def test_a_long_prompt_is_truncated_and_what_was_cut_is_named(max_tokens):
    short = PromptTokenizer(spiece_bytes(), max_tokens=max_tokens)
    whole = PromptTokenizer(spiece_bytes()).read(SENTENCES[1])
    tokenized = short.read(SENTENCES[1])
    assert len(tokenized.ids) == max_tokens
    assert tokenized.ids == (*whole.ids[: max_tokens - 1], EOS)
    assert tokenized.num_cut == len(whole.ids) - max_tokens
    assert tokenized.cut
    assert SENTENCES[1].endswith(tokenized.cut)
    assert f"only the first {max_tokens - 1} are read" in tokenized.notice
    assert tokenized.cut in tokenized.notice


def test_a_prompt_that_just_fits_is_not_truncated():
    whole = PromptTokenizer(spiece_bytes()).read(SENTENCES[2])
    exact = PromptTokenizer(spiece_bytes(), max_tokens=len(whole.ids))
    assert exact.read(SENTENCES[2]) == whole


def test_a_model_without_an_end_of_text_is_refused():
    with pytest.raises(WeightsError, match="no end-of-text token"):
        PromptTokenizer(spiece_bytes(eos_id=-1))


@pytest.mark.parametrize("junk", [b"", b"no model at all", spiece_bytes()[:100]])
def test_bytes_that_are_no_model_are_refused(junk):
    with pytest.raises(WeightsError, match=r"restore spiece\.model"):
        PromptTokenizer(junk)


@pytest.mark.parametrize("place", [SPIECE, "tokenizer/spiece.model", "spiece.model"])
def test_a_tokenizer_is_found_in_every_layout(tmp_path, place, tokenizer):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(spiece_bytes())
    assert load_tokenizer(tmp_path).read("fire") == tokenizer.read("fire")


def test_a_folder_without_a_tokenizer_is_refused_with_its_places(tmp_path):
    with pytest.raises(WeightsError, match=r"google/umt5-xxl/spiece\.model.*download"):
        load_tokenizer(tmp_path)
