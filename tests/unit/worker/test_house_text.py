"""Free prompts become captions, and nothing is dropped silently."""

import re
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.worker.models.house.phrases import read_phrases
from engine.worker.models.house.spelling import corrected, known_word
from engine.worker.models.house.synonyms import (
    FILLER_WORDS,
    FUNCTION_WORDS,
    MEANINGS,
    NEAREST,
    NEGATIONS,
    SYNONYMS,
    bare,
    held,
    parse_thesaurus,
)
from engine.worker.models.house.text import DEFAULT_COLOURS, parse_prompt
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    MODIFIERS,
    NUM_SLOTS,
    SPEEDS,
    WORD_IDS,
    WORDS,
    caption_ids,
    caption_text,
)

_PIECES = st.sampled_from([*sorted(SYNONYMS)[::7], *FAMILIES, *COLOURS, *SPEEDS, *MODIFIERS])
_EXTRAS = st.sampled_from(
    [*sorted(FILLER_WORDS)[::9], *sorted(NEGATIONS), "or", ",", ".", "qwertz", "flmaes", "8k", "🔥"]
)
_PROMPTS = st.lists(_PIECES | _EXTRAS, max_size=12).map(" ".join)
_BUSY = [*FAMILIES, *SPEEDS, *COLOURS, *MODIFIERS]


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("slow red gold flames neon", "slow red gold flames neon"),
        ("Quick crimson FIRE!", "fast red flames"),
        ("a calm ocean of turquoise and navy", "slow cyan blue waves"),
        ("northern lights, glowing", "medium green cyan purple aurora neon"),
        ("spinning golden hexagons", "medium gold hexagons rotating"),
        ("synthwave sunset in hot pink", "slow magenta grid neon"),
    ],
)
def test_prompts_read_as_their_caption(prompt, caption):
    assert parse_prompt(prompt).caption == in_vocabulary(caption)


def in_vocabulary(caption):
    return " ".join(held(word) for word in caption.split())


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        (
            "a psychedelic jellyfish floating in deep space, cinematic, 8k, highly detailed",
            "medium magenta lime cyan metaballs liquid drifting",
        ),
        ("slow motion ink in water, purple and teal", "slow purple teal indigo smoke"),
        ("sunset over the ocean", "slow orange magenta gold waves"),
        ("techno", "fast red white tunnel hard"),
        ("techno dancers, blue", "fast blue red white dancers hard"),
        ("liquid chrome, abstract, 3d render, octane", "medium silver white metaballs liquid"),
        ("abstract flowing silk in red and gold", "medium red gold ribbons soft liquid"),
        ("matrix code", "medium green lime rain dark"),
        ("snowstorm", "fast white silver stars"),
        ("underwater coral reef, bioluminescent", "medium blue teal pink caustics neon"),
        ("church window, rotating", "medium red blue gold cells rotating"),
        ("disco ball, 70s, funky", "fast magenta cyan gold dots"),
        ("a dragon breathing green fire", "medium green flames pulsing"),
        ("burning clouds", "medium red orange gold clouds"),
        ("a woman dancing in the rain, pink", "medium pink dancers"),
        ("the great wave off kanagawa", "medium blue white waves hard"),
        ("very slow deep blue ocean waves", "slow indigo waves"),
        ("molten gold dripping, dark background", "medium brown gold metaballs dark liquid"),
        ("silhouette of a dancer in orange", "medium orange dancers"),
        ("dreamy pastel clouds, unicorn", "medium pink mint purple clouds soft"),
        ("a field of sunflowers, golden hour", "slow gold orange magenta petals"),
        ("cyberpunk", "medium magenta cyan grid neon"),
        ("lava", "medium red orange gold metaballs"),
        ("Feuer, sehr langsam", "slow red orange gold flames"),
        ("méduse bleue dans l'eau", "medium blue metaballs drifting"),
        ("grüne Wellen", "medium green waves"),
        ("🔥", "medium red orange gold flames"),
        ("rain on a window, city lights, bokeh", "medium blue silver indigo rain soft"),
        ("low poly landscape, pastel, sunset", "slow pink mint orange mountains soft"),
        ("dark techno bunker, strobe", "fast red white beams hard dark"),
        ("geometric tunnel, infinite, black and white", "medium silver white tunnel zooming"),
        ("sunrays through stained-glass windows", "medium red blue gold cells"),
        ("church the window", "medium red blue gold cells"),
    ],
)
def test_what_performers_write_becomes_the_picture_they_mean(prompt, caption):
    assert parse_prompt(prompt).caption == in_vocabulary(caption)


def test_understood_and_ignored_words_are_named():
    parsed = parse_prompt("a purple qwertz over foggy clouds, cinematic")
    assert parsed.understood == (("purple", "purple"), ("foggy", "smoke"))
    assert parsed.ignored == ("qwertz", "clouds")
    assert parsed.left_out == ("clouds",)
    assert sorted(parsed.fillers) == ["a", "cinematic", "over"]


def test_an_empty_prompt_gets_a_default_caption():
    parsed = parse_prompt("")
    assert len(parsed.ids) == NUM_SLOTS
    assert (parsed.understood, parsed.ignored) == ((), ())


def test_colours_beyond_the_third_are_left_out():
    assert parse_prompt("red green blue gold stars").left_out == ("gold",)


def test_a_word_said_twice_is_understood_twice_and_counts_once():
    parsed = parse_prompt("fire and flames")
    assert parsed.understood == (("fire", "flames"), ("flames", "flames"))
    assert parsed.caption == "medium red orange gold flames"


def test_a_colour_named_in_a_clause_replaces_those_that_its_things_imply():
    assert parse_prompt("red ocean").caption == "medium red waves"
    assert parse_prompt("ocean, red").caption == "medium red blue teal waves"


def test_a_named_family_beats_one_implied_before_it():
    assert parse_prompt("ocean of stars").caption == "medium blue teal stars"


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("flames, no red", "medium orange gold flames"),
        ("flames, no red or orange", "medium gold flames"),
        ("flames without any red, orange", "medium orange flames"),
        ("not too fast techno", "medium red white tunnel hard"),
        ("red stars but not the stars", "medium red plasma"),
        ("blue, no ocean, waves", "medium blue plasma"),
        ("not medium plasma", "slow magenta blue cyan plasma"),
        ("no plasma", "medium red orange gold flames"),
        ("no, red stars", "medium red stars"),
    ],
)
def test_a_negation_takes_the_next_thing_away(prompt, caption):
    assert parse_prompt(prompt).caption == caption


def test_a_negation_is_shown_with_what_it_takes_away():
    assert parse_prompt("without any stars").understood == (("without stars", "no stars"),)


@pytest.mark.parametrize(
    ("typed", "became"),
    [
        ("flmaes", "flames"),
        ("tunel", "tunnel"),
        ("purpel", "purple"),
        ("jelyfish", "jellyfish → metaballs cyan purple pink drifting"),
        ("crisson", "crimson → red"),
    ],
)
def test_a_typo_is_read_and_the_correction_shown(typed, became):
    assert parse_prompt(typed).understood == ((typed, became),)


@pytest.mark.parametrize("word", ["night", "world", "start", "bule", "xflames", "qwertz", "track"])
def test_short_known_and_everyday_words_are_not_taken_for_typos(word):
    key = bare(word)
    assert known_word(key) is not None or corrected(key) is None


@pytest.mark.parametrize("written", ["lavalamp", "lava-lamp", "lava lamps", "LAVA  LAMP"])
def test_a_phrase_may_be_written_as_one_word_or_with_a_hyphen(written):
    assert parse_prompt(written).caption.endswith("metaballs")


@pytest.mark.parametrize(
    ("written", "word"),
    [("stormier", "stormy"), ("reddish", "red"), ("hexagon", "hexagons"), ("waving", "waves"),
     ("fastest", "fast"), ("darker", "dark"), ("butterflies", "butterflies"), ("dots", "dots")],
)  # fmt: skip
def test_plurals_comparatives_and_participles_are_known(written, word):
    assert known_word(written) == word


@pytest.mark.parametrize("family", NEAREST)
def test_a_family_outside_the_vocabulary_is_read_as_its_nearest(family):
    assert parse_prompt(family).understood == ((family, held(family)),)


@pytest.mark.parametrize("word", [*FAMILIES, *COLOURS, *SPEEDS, *MODIFIERS])
def test_every_vocabulary_word_means_itself(word):
    assert MEANINGS[word] == (word,)
    assert parse_prompt(word).understood == ((word, word),)


def test_every_family_has_words_that_mean_it():
    leading = Counter(word for words in SYNONYMS.values() for word in words if word in FAMILIES)
    assert set(leading) == set(FAMILIES)
    assert min(leading.values()) >= 10


def test_the_thesaurus_is_large_and_keeps_to_the_vocabulary():
    assert len(SYNONYMS) >= 1500
    assert {word for words in SYNONYMS.values() for word in words} <= set(WORD_IDS)
    assert not set(SYNONYMS) & (FILLER_WORDS | NEGATIONS | set(WORDS))
    assert set(DEFAULT_COLOURS) <= {*FAMILIES, *NEAREST}
    assert set(NEAREST.values()) <= set(FAMILIES)


@pytest.mark.parametrize(
    "lines",
    ["fire = flame", "fire = flames waves", "fire = flames\nfire = red", "red = flames",
     "the = flames", "fire = ", "one two three four five six = flames", "x = red red",
     "x = red gold blue green"],
)  # fmt: skip
def test_a_thesaurus_line_that_fits_no_caption_is_refused(lines):
    with pytest.raises(ValueError, match="thesaurus line"):
        parse_thesaurus([lines])


@pytest.mark.parametrize("start", range(0, len(SYNONYMS), 500))
def test_every_synonym_becomes_all_that_it_means(start):
    for phrase, words in list(SYNONYMS.items())[start : start + 500]:
        parsed = parse_prompt(phrase)
        assert parsed.understood == ((phrase, " ".join(words)),)
        assert set(words) <= set(parsed.caption.split())


@given(st.text() | _PROMPTS)
@example("No no or, not")
@example("no " + " or ".join(_BUSY))
def test_any_text_becomes_a_caption_that_the_model_was_taught(text):
    parsed = parse_prompt(text)
    words = [WORDS[i] for i in parsed.ids]
    assert parsed == parse_prompt(text)
    assert words[0] in FAMILIES
    assert words[1] in COLOURS
    assert words[4] in SPEEDS
    assert parsed.caption == caption_text(parsed.ids)


@given(_PROMPTS)
def test_every_word_is_understood_ignored_or_a_filler_once(text):
    parsed = parse_prompt(text)
    told = [*(said for said, _ in parsed.understood), *parsed.ignored, *parsed.fillers]
    count = Counter(re.findall(r"[^\W_]+|🔥", text.lower()))
    assert Counter(re.findall(r"[^\W_]+|🔥", " ".join(told))) == count


@given(st.lists(_PIECES, min_size=1, max_size=8), st.sampled_from(sorted(FUNCTION_WORDS)),
       st.integers(0, 8))  # fmt: skip
def test_a_joining_word_anywhere_changes_nothing(pieces, filler, at):
    words = " ".join(pieces).split()
    more = [*words[:at], filler, *words[at:]]
    assert parse_prompt(" ".join(more)).ids == parse_prompt(" ".join(words)).ids


@given(_PROMPTS, st.sampled_from(sorted(FILLER_WORDS)))
def test_a_filler_in_a_clause_of_its_own_changes_nothing(text, filler):
    assert parse_prompt(f"{text}, {filler}").ids == parse_prompt(text).ids


@given(
    st.sampled_from(FAMILIES),
    st.lists(st.sampled_from(list(COLOURS)), min_size=1, max_size=3, unique=True),
    st.sampled_from(list(SPEEDS)),
    st.lists(st.sampled_from(MODIFIERS), max_size=3, unique=True),
)
def test_a_caption_is_read_as_itself(family, colours, speed, modifiers):
    ids = caption_ids(family, colours, speed, modifiers)
    assert parse_prompt(caption_text(ids)).ids == ids


def test_no_two_words_that_may_stand_side_by_side_in_a_caption_read_as_a_phrase():
    speeds, colours, families = list(SPEEDS), list(COLOURS), list(FAMILIES)
    follows = [(speeds, colours), (colours, [*colours, *families]),
               (families, MODIFIERS), (MODIFIERS, MODIFIERS)]  # fmt: skip
    pairs = {f"{a} {b}" for left, right in follows for a in left for b in right}
    assert [pair for pair in pairs if len(read_phrases(pair)[0]) != 2] == []


@given(st.permutations(["neon", "mirrored", "liquid", "slow", "stars"]))
def test_the_order_of_modifiers_does_not_matter(words):
    assert parse_prompt(" ".join(words)).caption == "slow blue white stars mirrored neon liquid"


@given(_PROMPTS, st.sampled_from(_BUSY))
def test_what_is_not_wanted_is_not_in_the_caption(text, word):
    parsed = parse_prompt(f"{text}, no {word}")
    others = {key for phrase in read_phrases(text)[0] if phrase.is_negated for key in phrase.words}
    assume(not others & set(SPEEDS))
    assert word not in parsed.caption.split()


@given(st.sampled_from([word for word in sorted(MEANINGS) if len(word) > 6 and word.isascii()]),
       st.data())  # fmt: skip
def test_two_letters_swapped_still_say_something(word, data):
    assume(" " not in word)
    at = data.draw(st.integers(1, len(word) - 2))
    typed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert not parse_prompt(typed).ignored


def test_captions_survive_the_way_to_ids_and_back():
    ids = caption_ids("tunnel", ["cyan", "magenta"], "fast", ["neon", "kaleidoscope"])
    assert caption_text(ids) == "fast cyan magenta tunnel kaleidoscope neon"


def test_unknown_caption_words_are_refused_by_name():
    with pytest.raises(ValueError, match="dragon"):
        caption_ids("dragon", ["red"], "slow", [])
