"""The thesaurus as one table: what a phrase means in vocabulary words. PURE.

The themes are in `thesaurus/`. Keys are lower case, without accents and without words that only
join others ("day of the dead" is kept as "day dead"), as `key_of` makes them.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from engine.worker.models.house.thesaurus import culture, languages, nature, places, plain
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    MODIFIERS,
    NUM_COLOUR_SLOTS,
    NUM_MODIFIER_SLOTS,
    SPEEDS,
    WORD_IDS,
)

MAX_PHRASE_WORDS: Final = 3

FUNCTION_WORDS: Final = frozenset(plain.FUNCTION_WORDS.split())
"""Words that only join others; they are taken out before phrases are looked up."""

FILLER_WORDS: Final = FUNCTION_WORDS | frozenset(plain.EMPTY_WORDS.split())
"""Words that carry no picture: neither understood nor reported as unknown."""

NEGATIONS: Final = frozenset(plain.NEGATIONS.split())
"""Words that take the next thing away."""

NEGATION_LINKS: Final = frozenset({"or", "nor", "oder", "ou", "ni"})
"""Words that carry a negation on to the next thing; fillers elsewhere."""

NEAREST: Final = {
    "rain": "ripples", "lightning": "plasma", "hexagons": "polygons", "cubes": "squares",
    "crystals": "fractal", "galaxy": "spiral", "petals": "fractal", "mountains": "waves",
    "dots": "bubbles", "fireworks": "stars", "labyrinth": "truchet", "dancers": "ribbons",
}  # fmt: skip
"""What stands in for a family of the thesaurus that the vocabulary does not hold."""

NO_TYPOS: Final = frozenset(plain.NO_TYPOS.split())
"""Words that mean nothing here and must not be taken for misspelt ones."""

_THEMES: Final = tuple(
    text
    for theme in (plain, nature, places, culture, languages)
    for name, text in vars(theme).items()
    if isinstance(text, str) and " = " in text and name.isupper()
)


def bare(text: str) -> str:
    """Return text in lower case without accents and apostrophes."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in folded if not unicodedata.combining(c) and c not in "'’\ufe0f")


def key_of(phrase: str) -> str:
    """Return the form under which a phrase of the thesaurus is looked up."""
    return " ".join(word for word in bare(phrase).split() if word not in FUNCTION_WORDS)


def held(word: str) -> str:
    """Return the word, or its nearest one where the vocabulary does not hold it."""
    return word if word in WORD_IDS else NEAREST.get(word, word)


def parse_thesaurus(themes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return what each phrase means: lines of `phrase, phrase = vocabulary words`.

    Raises:
        ValueError: a meaning that fits no caption, or a phrase that is there twice, is itself a
            vocabulary word or a filler, or has more than three words.
    """
    table: dict[str, tuple[str, ...]] = {}
    for line in (line for theme in themes for line in theme.strip().splitlines()):
        phrases, _, meaning = line.partition(" = ")
        words = tuple(held(word) for word in meaning.split())
        _check_meaning(words, line)
        for key in (key_of(phrase) for phrase in phrases.split(",")):
            _check_key(key, table, line)
            table[key] = words
    return table


def _check_meaning(words: tuple[str, ...], line: str) -> None:
    rooms = (
        (FAMILIES, 1),
        (COLOURS, NUM_COLOUR_SLOTS),
        (SPEEDS, 1),
        (MODIFIERS, NUM_MODIFIER_SLOTS),
    )
    unknown = [word for word in words if word not in WORD_IDS]
    if unknown or not words or len(set(words)) < len(words):
        raise ValueError(f"thesaurus line {line!r}: expected vocabulary words, got {unknown}")
    for group, room in rooms:
        if sum(word in group for word in words) > room:
            raise ValueError(f"thesaurus line {line!r}: more words than a caption has slots")


def _check_key(key: str, table: dict[str, tuple[str, ...]], line: str) -> None:
    taken = any(key in words for words in (table, WORD_IDS, NEAREST, FILLER_WORDS, NEGATIONS))
    if taken or not 1 <= len(key.split()) <= MAX_PHRASE_WORDS:
        raise ValueError(
            f"thesaurus line {line!r}: {key!r} is there twice, is a vocabulary word or a filler, "
            f"or has not 1 to {MAX_PHRASE_WORDS} words"
        )


SYNONYMS: Final = parse_thesaurus(_THEMES)
"""Phrase (one to three words, as `key_of` gives them) to the vocabulary words it means."""

MEANINGS: Final = {
    **SYNONYMS,
    **{word: (held(word),) for word in (*NEAREST, *WORD_IDS) if word.isalpha()},
}
"""The same with the vocabulary words themselves."""


HINTS: Final = frozenset(
    parse_thesaurus(
        (
            plain.HINT_WORDS,
            nature.TIMES,
            culture.MOODS,
            culture.MUSIC,
            culture.ART,
            culture.FILM_LOOKS,
            culture.SET_WORDS,
        )
    )
)
"""Phrases that say how a thing looks: their family counts only where no thing is named."""


def _joined(phrases: Iterable[str]) -> Iterator[tuple[str, str]]:
    for phrase in phrases:
        compact = phrase.replace(" ", "")
        if compact != phrase and compact not in MEANINGS and compact not in FILLER_WORDS:
            yield compact, phrase


JOINED: Final = dict(_joined(SYNONYMS))
"""A phrase written as one word (`lavalamp`) to the phrase."""

PHRASE_STARTS: Final = frozenset(phrase.split()[0] for phrase in SYNONYMS if " " in phrase)
"""First words of all phrases: only these are worth looking further."""
