"""Free prompts become captions, and nothing is dropped silently."""

import pytest

from engine.worker.models.house.synonyms import FILLER_WORDS, MEANINGS, SYNONYMS
from engine.worker.models.house.text import parse_prompt, vocabulary_word
from engine.worker.models.house.vocabulary import (
    FAMILIES,
    MODIFIERS,
    NUM_SLOTS,
    WORD_IDS,
    WORDS,
    caption_ids,
    caption_text,
)


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("slow red gold flames neon", "slow red gold flames neon"),
        ("Quick crimson FIRE!", "fast red flames"),
        ("a calm ocean of turquoise and navy", "slow cyan blue waves"),
        ("northern lights, glowing", "medium green cyan purple aurora neon"),
        ("spinning golden hexagons", "medium gold polygons rotating"),
        ("synthwave sunset in hot pink", "medium magenta grid"),
    ],
)
def test_prompts_read_as_their_caption(prompt, caption):
    assert parse_prompt(prompt).caption == caption


def test_understood_and_ignored_words_are_named():
    parsed = parse_prompt("a purple dragon over burning clouds")
    assert parsed.understood == (("purple", "purple"), ("burning", "flames"))
    assert parsed.ignored == ("dragon", "clouds")


def test_an_empty_prompt_gets_a_default_caption():
    parsed = parse_prompt("")
    assert len(parsed.ids) == NUM_SLOTS
    assert (parsed.understood, parsed.ignored) == ((), ())


def test_colours_beyond_the_third_are_reported():
    assert parse_prompt("red green blue gold stars").ignored == ("gold",)


def test_a_word_said_twice_counts_once():
    parsed = parse_prompt("fire and flames")
    assert parsed.ignored == ()
    assert parsed.caption.endswith("flames")


@pytest.mark.parametrize("word", [*FAMILIES, *MODIFIERS])
def test_every_vocabulary_word_means_itself(word):
    assert vocabulary_word(word) == word


def test_synonyms_lead_to_the_vocabulary_and_are_no_fillers():
    assert set(SYNONYMS.values()) <= set(WORD_IDS)
    assert not set(SYNONYMS) & (FILLER_WORDS | set(WORDS))


def test_no_synonym_means_two_things():
    assert sum(len(synonyms.split()) for synonyms in MEANINGS.values()) == len(SYNONYMS)


def test_captions_survive_the_way_to_ids_and_back():
    ids = caption_ids("tunnel", ["cyan", "magenta"], "fast", ["neon", "kaleidoscope"])
    assert caption_text(ids) == "fast cyan magenta tunnel kaleidoscope neon"


def test_unknown_caption_words_are_refused_by_name():
    with pytest.raises(ValueError, match="dragon"):
        caption_ids("dragon", ["red"], "slow", [])
