"""Map free prompts onto the captions the house model was taught.

PURE: no torch. Nothing is dropped silently: a parsed prompt names the words that were understood
and those that were not, and the surface shows both.
"""

import re
from dataclasses import dataclass
from typing import Final

from engine.worker.models.house.synonyms import FILLER_WORDS, SYNONYMS
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    NUM_COLOUR_SLOTS,
    NUM_MODIFIER_SLOTS,
    SPEEDS,
    WORD_IDS,
    caption_ids,
    caption_text,
)

_DEFAULT_FAMILY: Final = "plasma"
_DEFAULT_SPEED: Final = "medium"
_DEFAULT_COLOURS: Final[dict[str, tuple[str, ...]]] = {
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
}
_FALLBACK_COLOURS: Final = ("magenta", "blue", "cyan")

_ENDINGS: Final = (
    ("ies", "y"), ("ing", ""), ("ing", "e"), ("ish", ""), ("ed", ""), ("ed", "e"), ("es", ""),
    ("ly", ""), ("s", ""), ("y", ""), ("y", "e"), ("er", ""), ("est", ""), ("en", ""),
)  # fmt: skip
_MIN_STEM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPrompt:
    """What the model made of a prompt.

    Attributes:
        ids: the word id of each caption slot.
        caption: the caption that will be played, in words.
        understood: (word of the prompt, vocabulary word) pairs, in reading order.
        ignored: words that mean nothing to the model, or for which no slot was left.
    """

    ids: tuple[int, ...]
    caption: str
    understood: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Map a prompt to caption slots.

    The first family and speed named win; colours and modifiers fill their slots in reading order.
    What the prompt leaves open gets a default that suits the family. An empty prompt is allowed.
    """
    slots = _Slots()
    understood: list[tuple[str, str]] = []
    ignored: list[str] = []
    for phrase, word in _recognised(_tokens(prompt)):
        if word is None:
            ignored.append(phrase)
        elif slots.take(word):
            understood.append((phrase, word))
        elif word not in slots.words():
            ignored.append(phrase)
    ids = slots.ids()
    return ParsedPrompt(
        ids=ids,
        caption=caption_text(ids),
        understood=tuple(understood),
        ignored=tuple(ignored),
    )


class _Slots:
    """The slots of one caption while a prompt is being read."""

    def __init__(self) -> None:
        self.family: str | None = None
        self.speed: str | None = None
        self.colours: list[str] = []
        self.modifiers: list[str] = []

    def words(self) -> set[str | None]:
        """Return every word taken so far."""
        return {self.family, self.speed, *self.colours, *self.modifiers}

    def take(self, word: str) -> bool:
        """Put a vocabulary word into a free slot; return False if there is none."""
        if word in self.words():
            return False
        if word in FAMILIES:
            return self._take_single("family", word)
        if word in SPEEDS:
            return self._take_single("speed", word)
        taken, room = (
            (self.colours, NUM_COLOUR_SLOTS)
            if word in COLOURS
            else (self.modifiers, NUM_MODIFIER_SLOTS)
        )
        if len(taken) == room:
            return False
        taken.append(word)
        return True

    def _take_single(self, slot: str, word: str) -> bool:
        if getattr(self, slot) is not None:
            return False
        setattr(self, slot, word)
        return True

    def ids(self) -> tuple[int, ...]:
        """Return the caption, with defaults where the prompt said nothing."""
        family = self.family or _DEFAULT_FAMILY
        colours = self.colours or list(_DEFAULT_COLOURS.get(family, _FALLBACK_COLOURS))
        return caption_ids(family, colours, self.speed or _DEFAULT_SPEED, self.modifiers)


def _tokens(prompt: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", prompt.lower())


def _recognised(tokens: list[str]) -> list[tuple[str, str | None]]:
    """Return (phrase, vocabulary word or None) for all but filler words; two-word phrases first."""
    found: list[tuple[str, str | None]] = []
    position = 0
    while position < len(tokens):
        pair = " ".join(tokens[position : position + 2])
        if pair in SYNONYMS:
            found.append((pair, SYNONYMS[pair]))
            position += 2
            continue
        token = tokens[position]
        word = vocabulary_word(token)
        if word is not None or token not in FILLER_WORDS:
            found.append((token, word))
        position += 1
    return found


def vocabulary_word(token: str) -> str | None:
    """Return the vocabulary word that a lower-case token stands for, or None."""
    for candidate in (token, *_stems(token)):
        if candidate in SYNONYMS:
            return SYNONYMS[candidate]
        if candidate in WORD_IDS:
            return candidate
    return None


def _stems(token: str) -> list[str]:
    stems = []
    for ending, replacement in _ENDINGS:
        stem = token.removesuffix(ending)
        if stem != token and len(stem) >= _MIN_STEM:
            stems.append(stem + replacement)
            if len(stem) > _MIN_STEM and stem[-1] == stem[-2]:
                stems.append(stem[:-1])
    return [*stems, *(stem + "s" for stem in (token, *stems))]
