"""What the proof plays: prompts in which every word of the vocabulary occurs, and pairs to cut.

PURE. The prompts follow from the vocabulary by counting, so a new family has its prompt at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from engine.visuals.looks import NUM_PARAMETERS, Look
from engine.worker.models.house.text import parse_prompt
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    MODIFIERS,
    NULL_WORD,
    NUM_COLOUR_SLOTS,
    SPEEDS,
    WORDS,
    caption_ids,
    caption_text,
)

_START_S = 60.0
_COLOUR_STRIDES: Final = (5, 7)  # both prime to 16: every colour comes, never twice in a prompt
_COLOUR_COUNTS: Final = (2, 3, 2, 1)

DRIFT_PROMPTS: Final = (
    "slow red gold flames",
    "medium teal gold metaballs",
    "fast cyan magenta tunnel",
    "medium blue cyan caustics",
)
SWITCH_PAIRS: Final = (
    ("fast cyan magenta tunnel", "slow red gold flames"),
    ("slow blue white clouds", "medium orange purple cells"),
    ("medium red white ripples", "medium teal gold metaballs"),
    ("slow indigo pink spiral", "slow lime green spiral"),
    ("fast gold white beams", "medium green cyan purple aurora"),
    ("medium green mint lace", "fast white magenta stars"),
)
CONTROL_PROMPTS: Final = ("slow blue white clouds", "medium orange purple cells")
VARIETY_STEP: Final = 3  # every third prompt of the list


@dataclass(frozen=True, slots=True)
class Caption:
    """A prompt as the model reads it."""

    prompt: str
    family: str
    colours: tuple[str, ...]
    speed: str
    modifiers: tuple[str, ...]

    @property
    def family_index(self) -> int:
        """Where the family stands in `FAMILIES`."""
        return FAMILIES.index(self.family)

    @property
    def colour_indices(self) -> tuple[int, ...]:
        """Where the named colours stand in `COLOURS`."""
        names = list(COLOURS)
        return tuple(names.index(colour) for colour in self.colours)

    def look(self, rng: random.Random) -> Look:
        """Return what the renderer draws for it, with random parameters."""
        return Look(
            family=self.family,
            colours=self.colours,
            speed=self.speed,
            modifiers=self.modifiers,
            parameters=tuple(rng.random() for _ in range(NUM_PARAMETERS)),
            start_s=rng.random() * _START_S,
        )


def caption_of(prompt: str) -> Caption:
    """Return the caption that the model plays for a prompt."""
    family, *rest = (WORDS[i] for i in parse_prompt(prompt).ids)
    colours, (speed, *modifiers) = rest[:NUM_COLOUR_SLOTS], rest[NUM_COLOUR_SLOTS:]
    return Caption(prompt, family, _said(colours), speed, _said(modifiers))


def bench_prompts() -> tuple[str, ...]:
    """Return one prompt per family; together they hold every colour, speed and modifier."""
    return tuple(_prompt(index) for index in range(len(FAMILIES)))


def _prompt(index: int) -> str:
    colours, speeds = list(COLOURS), list(SPEEDS)
    first, stride = _COLOUR_STRIDES
    count = _COLOUR_COUNTS[index % len(_COLOUR_COUNTS)]
    named = [colours[(first * index + stride * k) % len(colours)] for k in range(count)]
    speed = speeds[(index + index // len(speeds)) % len(speeds)]
    # Two prompts of three wear a modifier: 24 families already need all fourteen.
    worn = [] if index % 3 == 0 else [MODIFIERS[(index - 1 - index // 3) % len(MODIFIERS)]]
    return caption_text(caption_ids(FAMILIES[index], named, speed, worn))


def later(look: Look, seconds: float, speed: float) -> Look:
    """Return the look as it is `seconds` of clip time later."""
    return replace(look, start_s=look.start_s + speed * seconds)


def _said(words: list[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word != NULL_WORD)
