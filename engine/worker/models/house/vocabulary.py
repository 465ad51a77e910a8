"""The words the house model knows, and the eight slots a caption fills.

PURE: no torch. The renderer in `engine/visuals` draws exactly these words, the weights hold one
learned row per word, and `text.py` maps free prompts onto them. The order is part of the weights
format: append, never reorder.
"""

from collections.abc import Sequence
from typing import Final

NULL_WORD: Final = "<null>"

_FIRST_FAMILIES: Final = (
    "flames", "smoke", "clouds", "aurora", "plasma", "fractal", "caustics", "waves",
    "ripples", "tunnel", "spiral", "stars", "metaballs", "bubbles", "cells", "lace",
    "truchet", "squares", "polygons", "grid", "bars", "moire", "ribbons", "beams",
)  # fmt: skip
_LATER_FAMILIES: Final = (
    "rain", "lightning", "hexagons", "cubes", "crystals", "galaxy",
    "petals", "mountains", "dots", "fireworks", "labyrinth", "dancers",
)  # fmt: skip
FAMILIES: Final = (*_FIRST_FAMILIES, *_LATER_FAMILIES)

COLOURS: Final[dict[str, tuple[float, float, float]]] = {
    "red": (0.95, 0.08, 0.10),
    "orange": (1.00, 0.45, 0.05),
    "gold": (1.00, 0.76, 0.15),
    "lime": (0.65, 1.00, 0.10),
    "green": (0.06, 0.72, 0.22),
    "mint": (0.45, 1.00, 0.75),
    "teal": (0.00, 0.55, 0.55),
    "cyan": (0.10, 0.90, 1.00),
    "blue": (0.08, 0.25, 1.00),
    "indigo": (0.25, 0.10, 0.72),
    "purple": (0.56, 0.15, 0.88),
    "magenta": (1.00, 0.10, 0.85),
    "pink": (1.00, 0.52, 0.70),
    "white": (1.00, 1.00, 1.00),
    "silver": (0.56, 0.62, 0.70),
    "brown": (0.52, 0.29, 0.12),
}
"""Colour word to linear blend anchors in display RGB, 0 to 1."""

SPEEDS: Final[dict[str, float]] = {"slow": 0.5, "medium": 1.1, "fast": 2.2}
"""Speed word to scene seconds per second."""

MODIFIERS: Final = (
    "kaleidoscope", "mirrored", "neon", "soft", "hard", "dark", "pixelated", "liquid",
    "rotating", "pulsing", "drifting", "zooming", "scanlines", "glitch",
)  # fmt: skip

WORDS: Final = (
    NULL_WORD, *_FIRST_FAMILIES, *COLOURS, *SPEEDS, *MODIFIERS, *_LATER_FAMILIES
)  # fmt: skip
WORD_IDS: Final = {word: index for index, word in enumerate(WORDS)}

NUM_COLOUR_SLOTS: Final = 3
NUM_MODIFIER_SLOTS: Final = 3
NUM_SLOTS: Final = 1 + NUM_COLOUR_SLOTS + 1 + NUM_MODIFIER_SLOTS
"""Slots in order: family, three colours, speed, three modifiers."""


def caption_ids(
    family: str, colours: Sequence[str], speed: str, modifiers: Sequence[str]
) -> tuple[int, ...]:
    """Return the `NUM_SLOTS` word ids of a caption; unused slots hold the null word.

    Modifiers are put into vocabulary order, so that the same set always reads the same. Colours
    keep their order: the first fills the dark half of the palette, the last the highlights.

    Raises:
        ValueError: a word is not in the vocabulary, or there are more words than slots.
    """
    if len(colours) > NUM_COLOUR_SLOTS or len(modifiers) > NUM_MODIFIER_SLOTS:
        raise ValueError(f"a caption holds 3 colours and 3 modifiers, got {colours}, {modifiers}")
    groups = ((family, FAMILIES), (speed, SPEEDS), *((c, COLOURS) for c in colours))
    unknown = [word for word, known in (*groups, *((m, MODIFIERS) for m in modifiers))
               if word not in known]  # fmt: skip
    if unknown:
        raise ValueError(f"not in the house vocabulary: {', '.join(unknown)}")
    ordered = sorted(modifiers, key=MODIFIERS.index)
    words = [family, *_padded(colours, NUM_COLOUR_SLOTS), speed,
             *_padded(ordered, NUM_MODIFIER_SLOTS)]  # fmt: skip
    return tuple(WORD_IDS[word] for word in words)


def caption_text(ids: Sequence[int]) -> str:
    """Return the caption as a line to read, for example `slow red gold flames neon`."""
    words = [WORDS[i] for i in ids]
    ordered = [words[4], *words[1:4], words[0], *words[5:]]
    return " ".join(word for word in ordered if word != NULL_WORD)


def _padded(words: Sequence[str], length: int) -> list[str]:
    return [*words, *[NULL_WORD] * (length - len(words))]
