"""The preview bus: the look that is prepared while another is on air. PURE.

    closed      hands play: knobs, pads and prompts reach what is on air
    open        hands prepare: knobs, pads and prompts change the preview; cuts take it

A take swaps the two: what was on air is in preview then, so that the next take goes back. Panic
controls, and cues, are never prepared: they act at once.

The window has one, and all remotes together have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.protocol.messages import EngineState
from engine.protocol.parameters import parameter
from engine.protocol.values import Guides, Look

PRE_ROLL_CHUNKS = 1  # enough for a look to move when it is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a take goes to. Replaced, never changed.

    Attributes:
        is_open: hands prepare.
        name: of the preset that it began as; its picture stands for it.
        prompt: empty before anything was prepared.
        values: the rows that a take moves; the others stay as they are on air.
        seed: pinned, or None for a new one.
        guides: pictures that steer it; None keeps those on air.
    """

    is_open: bool = False
    name: str = ""
    prompt: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    guides: Guides | None = None


def opened(preview: Preview, state: EngineState | None) -> Preview:
    """Return the preview open; an empty one begins with the look on air."""
    if preview.prompt or state is None:
        return replace(preview, is_open=True)
    return on_air(state)


def closed(preview: Preview) -> Preview:
    """Return the preview closed; what was prepared stays."""
    return replace(preview, is_open=False)


def on_air(state: EngineState) -> Preview:
    """Return the look on air as a preview; of a blend, the prompt that weighs most."""
    heaviest = max(state.prompt_now, key=lambda part: part.weight, default=None)
    return Preview(
        is_open=True,
        name=state.look_name,
        prompt=heaviest.text if heaviest is not None else "",
        values={key: value for key, value in state.live.items() if parameter(key).in_preset},
        seed=state.seed,
        guides=state.guides,
    )


def loaded(preview: Preview, look: Look) -> Preview:
    """Return the preview with the look of a preset in it."""
    return replace(
        preview, name=look.name, prompt=look.prompt, values=dict(look.parameters),
        seed=look.seed, guides=look.guides,
    )  # fmt: skip


def edited(preview: Preview, parameter_id: str, value: float) -> Preview:
    """Return the preview with a row moved.

    Raises:
        ConfigError: no such row, or no number.
    """
    clean = parameter(parameter_id).clean(value)
    return replace(preview, values={**preview.values, parameter_id: clean})


def written(preview: Preview, prompt: str) -> Preview:
    """Return the preview with another prompt: a look of its own, no preset's any more."""
    name = preview.name if prompt == preview.prompt else ""
    return replace(preview, prompt=prompt, name=name)


def steered(preview: Preview, guides: Guides) -> Preview:
    """Return the preview with other pictures that steer it."""
    return replace(preview, guides=guides)


def look_of(preview: Preview) -> Look:
    """Return what a take goes to."""
    return Look(
        prompt=preview.prompt, parameters=dict(preview.values), seed=preview.seed,
        name=preview.name, guides=preview.guides,
    )  # fmt: skip
