"""Map free prompts onto the captions the house model was taught.

PURE: no torch. Nothing is dropped silently: a parsed prompt names the words that were understood
and those that were not, and the surface shows both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.worker.models.house.phrases import Phrase, read_phrases
from engine.worker.models.house.synonyms import HINTS
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    NUM_COLOUR_SLOTS,
    NUM_MODIFIER_SLOTS,
    SPEEDS,
    caption_ids,
    caption_text,
)

_DEFAULT_FAMILY: Final = "plasma"
_DEFAULT_SPEED: Final = "medium"
DEFAULT_COLOURS: Final[dict[str, tuple[str, ...]]] = {
    "flames": ("red", "orange", "gold"),
    "smoke": ("indigo", "silver"),
    "clouds": ("blue", "white"),
    "aurora": ("green", "cyan", "purple"),
    "caustics": ("blue", "cyan", "white"),
    "waves": ("blue", "teal", "white"),
    "ripples": ("blue", "cyan"),
    "stars": ("blue", "white"),
    "bubbles": ("cyan", "pink"),
    "grid": ("magenta", "cyan"),
    "bars": ("green", "gold", "red"),
    "rain": ("blue", "silver"),
    "lightning": ("indigo", "purple", "white"),
    "hexagons": ("orange", "gold"),
    "cubes": ("blue", "cyan", "white"),
    "crystals": ("blue", "cyan", "white"),
    "galaxy": ("indigo", "magenta", "gold"),
    "petals": ("purple", "pink", "white"),
    "mountains": ("indigo", "purple", "orange"),
    "dots": ("magenta", "gold"),
    "fireworks": ("red", "gold", "white"),
    "labyrinth": ("teal", "gold"),
    "dancers": ("purple", "magenta", "cyan"),
}
_FALLBACK_COLOURS: Final = ("magenta", "blue", "cyan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPrompt:
    """What the model made of a prompt. Every word is in `understood`, `ignored` or `fillers`.

    Attributes:
        ids: the word id of each caption slot.
        caption: the caption that will be played, in words.
        understood: (words of the prompt, what they became) pairs, in reading order.
        ignored: words that mean nothing to the model, or for which no slot was left.
        left_out: those of `ignored` that mean something, but found no slot.
        fillers: words without a picture, such as "the" or "cinematic".
    """

    ids: tuple[int, ...]
    caption: str
    understood: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Map a prompt to caption slots.

    Words that name a family, colour, speed or modifier come before those that imply several, as
    "ocean" implies waves, blue and teal; hints such as "abstract" give their family last. Among
    equals the first named wins. Colours named in a clause replace those that its things imply:
    a red ocean is not blue. What the prompt leaves open gets a default that suits the family. An
    empty prompt is allowed.
    """
    phrases, fillers = read_phrases(prompt)
    slots = _Slots(banned={word for phrase in phrases for word in _taken_away(phrase)})
    for word in (*_named(phrases), *_implied(phrases)):
        slots.take(word)
    became = [(phrase, _became(phrase, slots)) for phrase in phrases]
    ids = slots.ids()
    return ParsedPrompt(
        ids=ids,
        caption=caption_text(ids),
        understood=tuple((phrase.said, shown) for phrase, shown in became if shown),
        ignored=tuple(phrase.said for phrase, shown in became if not shown),
        left_out=tuple(phrase.said for phrase, shown in became if not shown and phrase.words),
        fillers=tuple(fillers),
    )


class _Slots:
    """The slots of one caption while a prompt is being read."""

    def __init__(self, banned: set[str]) -> None:
        self.family: str | None = None
        self.speed: str | None = None
        self.colours: list[str] = []
        self.modifiers: list[str] = []
        self._banned = banned

    def words(self) -> set[str | None]:
        """Return every word taken so far."""
        return {self.family, self.speed, *self.colours, *self.modifiers}

    def take(self, word: str) -> None:
        """Put a vocabulary word into its slot, unless that is full or the word unwanted."""
        if word in self.words() or word in self._banned:
            return
        if word in FAMILIES:
            self.family = self.family or word
        elif word in SPEEDS:
            self.speed = self.speed or word
        elif word in COLOURS:
            self.colours += [word] * (len(self.colours) < NUM_COLOUR_SLOTS)
        else:
            self.modifiers += [word] * (len(self.modifiers) < NUM_MODIFIER_SLOTS)

    def ids(self) -> tuple[int, ...]:
        """Return the caption, with defaults where the prompt said nothing."""
        family = self.family or self._wanted((_DEFAULT_FAMILY, *FAMILIES))[0]
        speed = self.speed or self._wanted((_DEFAULT_SPEED, *SPEEDS))[0]
        usual = DEFAULT_COLOURS.get(family, _FALLBACK_COLOURS)
        left = [colour for colour in usual if colour not in self._banned]
        colours = self.colours or left or self._wanted(tuple(COLOURS))[:1]
        return caption_ids(family, colours, speed, self.modifiers)

    def _wanted(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return the words that are not banned; all of them when nothing would be left."""
        return tuple(word for word in words if word not in self._banned) or words


def _is_named(phrase: Phrase, word: str) -> bool:
    """Whether the phrase says just this word, and for a family, names a thing."""
    return phrase.words == (word,) and (word not in FAMILIES or phrase.key not in HINTS)


def _named(phrases: list[Phrase]) -> Iterator[str]:
    for phrase in phrases:
        if not phrase.is_negated:
            yield from (word for word in phrase.words if _is_named(phrase, word))


def _implied(phrases: list[Phrase]) -> Iterator[str]:
    painted = {
        phrase.clause
        for phrase in phrases
        if not phrase.is_negated and any(_is_named(phrase, word) for word in COLOURS)
    }
    wanted = [phrase for phrase in phrases if not phrase.is_negated]
    things = (phrase for phrase in wanted if phrase.key not in HINTS)
    yield from (word for phrase in things for word in phrase.words if word in FAMILIES)
    for phrase in wanted:
        for word in phrase.words:
            if word not in COLOURS or phrase.clause not in painted:
                yield word


def _taken_away(phrase: Phrase) -> tuple[str, ...]:
    """Return what a negated phrase takes away: of a thing with many sides, its family."""
    if not phrase.is_negated:
        return ()
    return tuple(word for word in phrase.words if word in FAMILIES) or phrase.words


def _became(phrase: Phrase, slots: _Slots) -> str:
    """Return what the surface shows for a phrase; empty when nothing of it is in the caption."""
    if phrase.is_negated:
        return "no " + " ".join(_taken_away(phrase))
    words = " ".join(word for word in phrase.words if word in slots.words())
    if not words or not phrase.was_corrected or phrase.key == words:
        return words
    return f"{phrase.key} → {words}"
