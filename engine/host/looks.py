"""Looks, text mixes, rows and seeds: the pure arithmetic under the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from engine.errors import ConfigError
from engine.protocol.guides import check_guides
from engine.protocol.parameters import PARAMETERS, Applies, parameter
from engine.protocol.values import Look, WeightedPrompt

Values = Mapping[str, float]
Mix = tuple[WeightedPrompt, ...]

MAX_PROMPT_CHARACTERS = 2000
MAX_MIX_PROMPTS = 8  # re-aiming again and again must not let the mix grow without end
MAX_SEED = 2**63 - 1
MAX_SOFT_CHUNKS = 1000
_MASK = 2**64 - 1


def only(prompt: str) -> Mix:
    """Return the mix of one prompt."""
    return (WeightedPrompt(text=prompt, weight=1.0),)


def mix(start: Mix, target: str, blend: float) -> Mix:
    """Return start · (1 - blend) + target · blend, one entry a text, weights summing to 1."""
    if blend >= 1.0:
        return only(target)
    weights = {part.text: part.weight * (1.0 - blend) for part in start}
    weights[target] = weights.get(target, 0.0) + blend
    return _normalised([WeightedPrompt(text=t, weight=w) for t, w in weights.items()])


def heaviest(start: Mix) -> Mix:
    """Return `start` without its lightest prompts, so that a target still fits into the mix."""
    if len(start) < MAX_MIX_PROMPTS:
        return start
    floor = sorted((part.weight for part in start), reverse=True)[MAX_MIX_PROMPTS - 2]
    return _normalised([part for part in start if part.weight >= floor][: MAX_MIX_PROMPTS - 1])


def _normalised(parts: Sequence[WeightedPrompt]) -> Mix:
    total = sum(part.weight for part in parts)
    return tuple(WeightedPrompt(text=part.text, weight=part.weight / total) for part in parts)


def between(start: float, end: float, blend: float) -> float:
    """Return the value `blend` of the way from start to end; at 1 it *is* the end."""
    return end if blend >= 1.0 else start + (end - start) * blend


def chunk_rows(values: Values) -> dict[str, float]:
    """Return the rows that a chunk boundary takes."""
    return {k: v for k, v in values.items() if PARAMETERS[k].applies is not Applies.FRAME}


def frame_rows(values: Values) -> dict[str, float]:
    """Return the rows that playout takes at the next output frame."""
    return {k: v for k, v in values.items() if PARAMETERS[k].applies is Applies.FRAME}


def without(values: Values, others: Values) -> dict[str, float]:
    """Return `values` less the rows that `others` has."""
    return {key: value for key, value in values.items() if key not in others}


def clean_values(values: Values) -> dict[str, float]:
    """Return the values clamped to their rows.

    Raises:
        ConfigError: a row does not exist or a value is no number.
    """
    return {key: parameter(key).clean(value) for key, value in values.items()}


def clean_look(look: Look) -> Look:
    """Return the look with clean values of the rows that presets hold; dimmer and such stay out.

    Raises:
        ConfigError: an unknown row, a value that is no number, a prompt or seed out of range.
    """
    clean_prompt(look.prompt)
    if look.seed is not None and not 0 <= look.seed <= MAX_SEED:
        raise ConfigError(f"seed refused: got {look.seed}, expected 0 to {MAX_SEED}")
    rows = clean_values(look.parameters)
    kept = {key: value for key, value in rows.items() if PARAMETERS[key].in_preset}
    if look.guides is not None:
        check_guides(look.guides)
    return structs.replace(look, parameters=kept)


def check_length(num_chunks: int) -> None:
    """Check the length of a soft cut.

    Raises:
        ConfigError: it is none, or more chunks than anyone waits for.
    """
    if not 1 <= num_chunks <= MAX_SOFT_CHUNKS:
        raise ConfigError(
            f"soft cut refused: got {num_chunks} chunks, expected 1 to {MAX_SOFT_CHUNKS}"
        )


def clean_prompt(text: str) -> str:
    """Return the prompt.

    Raises:
        ConfigError: it is longer than anyone reads.
    """
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise ConfigError(
            f"prompt refused: {len(text)} characters, at most {MAX_PROMPT_CHARACTERS} are read"
        )
    return text


def seed_of(look: Look, show_seed: int, cut_number: int) -> int:
    """Return the look's pinned seed, or the show's next: 32 bits, so that people can copy it."""
    return look.seed if look.seed is not None else splitmix64(show_seed, cut_number) >> 32


def splitmix64(seed: int, index: int) -> int:
    """Return the `index`-th output of SplitMix64 started at `seed`: 64 well-mixed bits.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
