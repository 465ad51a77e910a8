"""Find the word of the thesaurus that a token stands for: itself, its stem, or a typo of it. PURE.

Typos are looked up by deletion: two words one edit apart share a variant with at most one letter
left out, so that an unknown word costs a few dictionary look-ups and no walk over the table.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from engine.worker.models.house.synonyms import FILLER_WORDS, JOINED, MEANINGS, NO_TYPOS
from engine.worker.models.house.vocabulary import WORD_IDS

_ENDINGS: Final = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"),
    ("ish", ""), ("ish", "e"), ("ly", ""), ("y", ""), ("y", "e"), ("er", ""), ("er", "e"),
    ("ier", "y"), ("est", ""), ("est", "e"), ("iest", "y"), ("en", ""), ("like", ""),
)  # fmt: skip
_MIN_STEM: Final = 3
_MIN_TYPO: Final = 5


def known_word(key: str) -> str | None:
    """Return the thesaurus phrase, vocabulary word or filler that a bare token is a form of."""
    for candidate in (key, *stems(key)):
        if candidate in MEANINGS or candidate in FILLER_WORDS:
            return candidate
        if candidate in JOINED:
            return JOINED[candidate]
    return None


def stems(key: str) -> list[str]:
    """Return what a token may be a plural, comparative, adverb or participle of."""
    found = []
    for ending, replacement in _ENDINGS:
        stem = key.removesuffix(ending)
        if stem != key and len(stem) >= _MIN_STEM:
            found.append(stem + replacement)
            if len(stem) > _MIN_STEM and stem[-1] == stem[-2]:
                found.append(stem[:-1])
    return [*found, *(stem + "s" for stem in (key, *found))]


def corrected(key: str) -> str | None:
    """Return the known word one edit away from a token of five letters or more, or None.

    The first letter must be right, or swapped with the second: people rarely mistype it, and
    many real words differ in nothing else. Words with a picture come first. A swap is likelier
    than a letter missing or too much, and that likelier than a wrong letter.
    """
    if len(key) < _MIN_TYPO or not NO_TYPOS.isdisjoint((key, *stems(key))):
        return None
    near = {word for variant in _variants(key) for word in _index().get(variant, ())}
    ranked = [
        (word in FILLER_WORDS, rank, word not in WORD_IDS, word)
        for word in near
        if (rank := _edit(key, word))
    ]
    return min(ranked)[-1] if ranked else None


def _edit(key: str, word: str) -> int:
    """Return 1 for a swap, 2 for a letter missing or too much, 3 for a wrong one, else 0."""
    start = next((i for i, (a, b) in enumerate(zip(key, word, strict=False)) if a != b), None)
    at = min(len(key), len(word)) if start is None else start
    if key[at : at + 2] == word[at : at + 2][::-1] and key[at + 2 :] == word[at + 2 :]:
        return 1
    if at == 0:
        return 0
    if len(key) != len(word):
        return 2 if key[at + 1 :] == word[at:] or key[at:] == word[at + 1 :] else 0
    return 3 if key[at + 1 :] == word[at + 1 :] else 0


def _variants(word: str) -> Iterator[str]:
    yield word
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]


@cache
def _index() -> Mapping[str, list[str]]:
    index: dict[str, list[str]] = {}
    for word in {*MEANINGS, *FILLER_WORDS}:
        if len(word) >= _MIN_TYPO and " " not in word:
            for variant in _variants(word):
                index.setdefault(variant, []).append(word)
    return index
