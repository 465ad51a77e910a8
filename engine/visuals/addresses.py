"""What the words after `visuals:` ask for. PURE: a word that means nothing is refused at once.

""                      wanders: another look every 20 s, each grown out of the one before
"slow red gold flames"  that picture; every minute it flows into another drawing of itself
"dancer"                a map to follow (`MAPS`), bright on black; someone new every minute
"… #7"                  the same with seed 7; without it the seed is 0
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import ConfigError
from engine.protocol.visuals import MAPS
from engine.worker.models.house.text import ParsedPrompt, parse_prompt
from engine.worker.models.house.vocabulary import FAMILIES

_SEED = re.compile(r"([^#]*)#\s*(\d{1,18})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A map or a caption, or neither: then it wanders."""

    seed: int = 0
    map_name: str = ""
    prompt: ParsedPrompt | None = None

    def __str__(self) -> str:
        """Return what is played, in words."""
        return self.prompt.caption if self.prompt is not None else self.map_name or "wandering"


def read_address(address: str) -> Wish:
    """Return what `address` asks for.

    Raises:
        ConfigError: a word of it means nothing, or finds no room in the caption.
    """
    words, seed = split_seed(address)
    said = " ".join(words.lower().split())
    if not said:
        return Wish(seed=seed)
    if said in MAPS:
        return Wish(seed=seed, map_name=said)
    prompt = parse_prompt(said)
    _refuse_what_is_lost(words.strip(), prompt)
    return Wish(seed=seed, prompt=prompt)


def split_seed(address: str) -> tuple[str, int]:
    """Return the words and the seed of ``fast teal dancers #7``.

    Raises:
        ConfigError: what follows the # is no seed.
    """
    if "#" not in address:
        return address, 0
    match = _SEED.fullmatch(address)
    if match is None:
        _, _, seed = address.partition("#")
        raise ConfigError(
            f"source visuals: got the seed {seed!r}, expected a whole number of at most 18 digits "
            f"at the end, as in 'slow red flames #7'"
        )
    return match.group(1), int(match.group(2))


def listing() -> str:
    """Return what can be asked for, in one line."""
    return (
        f"wander, {len(FAMILIES)} pictures ({', '.join(FAMILIES[:3])} …), "
        f"{len(MAPS)} maps ({', '.join(MAPS[:3])} …)"
    )


def _refuse_what_is_lost(words: str, parsed: ParsedPrompt) -> None:
    unknown = [word for word in parsed.ignored if word not in parsed.left_out]
    if unknown or not parsed.understood:
        lost = ", ".join(repr(word) for word in unknown or [words])
        raise ConfigError(
            f"source visuals: {lost} means nothing here; leave it empty to wander, describe a "
            f"picture with {', '.join(FAMILIES)}, or name a map: {', '.join(MAPS)}"
        )
    if parsed.left_out:
        lost = ", ".join(repr(word) for word in parsed.left_out)
        raise ConfigError(
            f"source visuals: there is no room for {lost}; a picture has one form, one speed and "
            f"at most three colours and three modifiers, here {parsed.caption!r}"
        )
