"""Cut a prompt into phrases of the thesaurus, words without a picture, and unknown words. PURE."""

import re
from dataclasses import dataclass, replace
from typing import Final

from engine.worker.models.house.spelling import corrected, known_word, stems
from engine.worker.models.house.synonyms import (
    FILLER_WORDS,
    FUNCTION_WORDS,
    MAX_PHRASE_WORDS,
    MEANINGS,
    NEGATION_LINKS,
    NEGATIONS,
    PHRASE_STARTS,
    bare,
)

_PICTOGRAMS: Final = "\u2190-\u21ff\u2300-\u27bf\u2900-\u2bff\U0001f000-\U0001faff"
_CLAUSE_ENDS: Final = frozenset(",;.:|()!?\n")
_PIECE: Final = re.compile(rf"[^\W_]+(?:['’][^\W_]+)*|[{_PICTOGRAMS}]|[,;.:|()!?\n]")
_ELISION: Final = re.compile(r"^[dl]['’]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One to three words of a prompt that mean something together, or a word that means nothing.

    Attributes:
        said: the words as they were typed, in lower case, without joining words in between.
        key: the phrase of the thesaurus they stand for; empty when unknown.
        clause: the number of the clause, counted by commas and the like.
        was_corrected: the key is one edit away from what was typed.
        is_negated: the prompt asks for this not to be there.
    """

    said: str
    key: str
    clause: int
    was_corrected: bool = False
    is_negated: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary words it means."""
        return MEANINGS.get(self.key, ())


@dataclass(frozen=True, slots=True)
class _Token:
    said: str
    key: str
    clause: int


def read_phrases(prompt: str) -> tuple[list[Phrase], list[str]]:
    """Return the phrases of a prompt and its fillers; together they hold every word of it."""
    tokens = _tokens(prompt)
    fillers = [token.said for token in tokens if token.key in FUNCTION_WORDS]
    tokens = [token for token in tokens if token.key not in FUNCTION_WORDS]
    negations = _Negations()
    position = 0
    while position < len(tokens):
        token = tokens[position]
        phrase, length = _phrase_at(tokens, position)
        position += length
        negations.enter(token.clause)
        if phrase is not None:
            negations.add(phrase)
        elif token.key in NEGATIONS:
            negations.start(token.said)
        else:
            negations.link(token.said, is_link=token.key in NEGATION_LINKS)
    negations.drop()
    return negations.phrases, [*fillers, *negations.fillers]


class _Negations:
    """Puts each negation in front of its thing: the next phrase of the clause, fillers aside."""

    def __init__(self) -> None:
        self.phrases: list[Phrase] = []
        self.fillers: list[str] = []
        self._clause = 0
        self._pending = ""
        self._is_linked = False
        self._was_negated = False

    def enter(self, clause: int) -> None:
        """Forget what a negation was about where a clause ends."""
        if clause != self._clause:
            self.drop()
            self._clause, self._is_linked, self._was_negated = clause, False, False

    def start(self, said: str) -> None:
        self.drop()
        self._pending = said

    def drop(self) -> None:
        """Make a filler of a negation that found nothing to take away."""
        if self._pending:
            self.fillers.append(self._pending)
        self._pending = ""

    def link(self, said: str, *, is_link: bool) -> None:
        self.fillers.append(said)
        self._is_linked = self._is_linked or (is_link and self._was_negated)

    def add(self, phrase: Phrase) -> None:
        self._was_negated = bool(phrase.words and (self._pending or self._is_linked))
        if self._was_negated:
            said = f"{self._pending} {phrase.said}".strip()
            phrase = replace(phrase, said=said, is_negated=True)
            self._pending = ""
        self.drop()
        self._is_linked = False
        self.phrases.append(phrase)


def _tokens(prompt: str) -> list[_Token]:
    tokens, clause = [], 0
    for piece in _PIECE.findall(prompt.lower()):
        if piece in _CLAUSE_ENDS:
            clause += 1
        else:
            tokens.append(_Token(piece, bare(_ELISION.sub("", piece)), clause))
    return tokens


def _phrase_at(tokens: list[_Token], position: int) -> tuple[Phrase | None, int]:
    """Return the longest phrase, or None for a word without a picture, and its token count."""
    clause = tokens[position].clause
    for length in range(MAX_PHRASE_WORDS, 1, -1):
        ahead = [t for t in tokens[position : position + length] if t.clause == clause]
        key = _phrase_key(tuple(token.key for token in ahead)) if len(ahead) == length else None
        if key is not None:
            said = " ".join(token.said for token in ahead)
            return Phrase(said=said, key=key, clause=clause), length
    return _single(tokens[position]), 1


def _phrase_key(keys: tuple[str, ...]) -> str | None:
    """Return the phrase that words stand for; the last may be a form (`church windows`)."""
    if keys[0] in PHRASE_STARTS:
        phrases = (" ".join((*keys[:-1], last)) for last in (keys[-1], *stems(keys[-1])))
        found = next((phrase for phrase in phrases if phrase in MEANINGS), None)
        if found is not None:
            return found
    is_split = not all(key in MEANINGS or key in NEGATIONS for key in keys)
    compact = "".join(keys)
    return compact if is_split and compact in MEANINGS else None


def _single(token: _Token) -> Phrase | None:
    if token.key in NEGATIONS or token.key in NEGATION_LINKS:
        return None
    key = known_word(token.key)
    is_number = key is None and token.key[:1].isdigit()
    if is_number or key in FILLER_WORDS:
        return None
    fixed = corrected(token.key) if key is None else None
    if fixed in FILLER_WORDS:
        return None
    return Phrase(
        said=token.said,
        key=key or fixed or "",
        clause=token.clause,
        was_corrected=fixed is not None,
    )
