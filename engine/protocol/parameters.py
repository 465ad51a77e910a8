"""The parameter table: every knob of the instrument is one row here.

GUI sliders, MIDI learn, presets, replay and docs read these rows, so a new parameter is one row.
`applies` says when a change reaches the picture:

    chunk   generation; at the next chunk boundary, atomically with all other edits
    frame   playout; at the next output frame, also while the worker is dead
    load    something must be built; prepared in the background, swapped at a boundary
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import ConfigError


class Applies(StrEnum):
    """When a changed value reaches the picture."""

    CHUNK = "chunk"
    FRAME = "frame"
    LOAD = "load"


class Kind(StrEnum):
    """How a value is stored and shown. Every value travels as a float; see `Parameter`."""

    CONTINUOUS = "continuous"
    INTEGER = "integer"
    CHOICE = "choice"  # value = index into `choices`
    SWITCH = "switch"  # 0 or 1


class Curve(StrEnum):
    """How a controller's 0..1 travels over the range."""

    LINEAR = "linear"
    SQUARE = "square"  # finer at the low end


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One row. Values are floats in [low, high]; choices and integers are whole floats."""

    id: str
    label: str
    help: str
    low: float
    high: float
    default: float
    applies: Applies
    kind: Kind = Kind.CONTINUOUS
    unit: str = ""
    curve: Curve = Curve.LINEAR
    choices: tuple[str, ...] = ()
    in_preset: bool = True
    ramps: bool = False  # moves with the blend during a soft cut; the rest switch at its start
    zero_text: str = ""  # what 0 means, where it is no amount

    def clean(self, value: float) -> float:
        """Return `value` clamped into the range and rounded where the kind is whole.

        Raises:
            ConfigError: the value is not a finite number.
        """
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(
                f"parameter {self.id!r}: got {value!r}, expected a number "
                f"from {self.low:g} to {self.high:g}; the value was left as it was"
            )
        clamped = min(max(float(value), self.low), self.high)
        return clamped if self.kind is Kind.CONTINUOUS else float(round(clamped))

    def from_norm(self, norm: float) -> float:
        """Map a controller's 0..1 to a value along the curve."""
        travel = min(max(norm, 0.0), 1.0)
        shaped = travel * travel if self.curve is Curve.SQUARE else travel
        return self.clean(self.low + shaped * (self.high - self.low))

    def to_norm(self, value: float) -> float:
        """Map a value to a controller's 0..1; the inverse of `from_norm` up to rounding."""
        share = (self.clean(value) - self.low) / (self.high - self.low)
        return math.sqrt(share) if self.curve is Curve.SQUARE else share

    def text(self, value: float) -> str:
        """Return the value as a performer reads it, with its unit."""
        if self.kind is Kind.CHOICE:
            return self.choices[int(value)]
        if self.kind is Kind.SWITCH:
            return "on" if value >= 0.5 else "off"
        if self.zero_text and value == 0:
            return self.zero_text
        number = f"{value:.0f}" if self.kind is Kind.INTEGER else f"{value:.2f}"
        return f"{number} {self.unit}".strip()


CONTROL_KINDS = ("silhouette", "luminance", "edges", "flow", "person", "depth", "none")
PACING_MODES = ("repeat", "blend")
LORA_ROWS = ("lora_1", "lora_2")
PROMPT_MIXINGS = ("linear", "spherical")

_ROWS = (
    Parameter(
        id="control_amount", label="Control", unit="",
        help="How strongly the source's shape steers the picture. 0 = the source is not used.",
        low=0.0, high=1.0, default=1.0, applies=Applies.CHUNK, ramps=True,
    ),
    Parameter(
        id="control_kind", label="Control map",
        help="What of the source steers: the moving figure, brightness, outlines, motion, people, "
        "nearness, or nothing of it.",
        low=0, high=len(CONTROL_KINDS) - 1, default=0, applies=Applies.CHUNK, kind=Kind.CHOICE,
        choices=CONTROL_KINDS,
    ),
    Parameter(
        id="mask_threshold", label="Mask threshold",
        help="Models with VACE: what of the mask counts as marked, from this brightness on.",
        low=0.0, high=1.0, default=0.5, applies=Applies.CHUNK, ramps=True,
    ),
    Parameter(
        id="input_amount", label="Video-to-video",
        help="How much of the source's own picture stays. 0 = text only, 1 = nearly the source.",
        low=0.0, high=1.0, default=0.0, applies=Applies.CHUNK, ramps=True,
    ),
    Parameter(
        id="motion_amount", label="Motion follow",
        help="Video-to-video: a moving source is followed more closely. 0 = as the amount says.",
        low=0.0, high=1.0, default=0.0, applies=Applies.CHUNK, ramps=True,
    ),
    Parameter(
        id="steps", label="Steps", unit="steps",
        help="Denoising steps a chunk. More is cleaner and slower. 0 = as many as the model's own.",
        low=0, high=8, default=0, applies=Applies.CHUNK, kind=Kind.INTEGER, zero_text="own",
    ),
    Parameter(
        id="memory_noise", label="Looseness",
        help="Noise on what the model remembers. Higher lets the picture wander further.",
        low=0.0, high=0.4, default=0.0, applies=Applies.CHUNK, curve=Curve.SQUARE, ramps=True,
    ),
    *(
        Parameter(
            id=row, label=f"LoRA {number}",
            help=f"How strongly file {number} of the model's folder `loras` changes it. 0 = not.",
            low=0.0, high=2.0, default=0.0, applies=Applies.CHUNK, ramps=True,
        )
        for number, row in enumerate(LORA_ROWS, start=1)
    ),
    Parameter(
        id="prompt_mixing", label="Prompt mix",
        help="How prompts flow into each other: on a straight line, or around the sphere of their "
        "meanings, which keeps the middle as strong as the ends.",
        low=0, high=1, default=0, applies=Applies.CHUNK, kind=Kind.CHOICE, choices=PROMPT_MIXINGS,
    ),
    Parameter(
        id="dimmer", label="Dimmer",
        help="Brightness of everything that leaves. Works without the generator.",
        low=0.0, high=1.0, default=1.0, applies=Applies.FRAME, in_preset=False,
    ),
    Parameter(
        id="saturation", label="Saturation",
        help="Colour strength of everything that leaves. 1 = as generated.",
        low=0.0, high=2.0, default=1.0, applies=Applies.FRAME,
    ),
    Parameter(
        id="pacing", label="Pacing",
        help="Between generated frames: repeat the last one, or blend towards the next.",
        low=0, high=1, default=1, applies=Applies.FRAME, kind=Kind.CHOICE, choices=PACING_MODES,
    ),
    Parameter(
        id="freeze", label="Freeze",
        help="Hold the frame that is on air. Works without the generator.",
        low=0, high=1, default=0, applies=Applies.FRAME, kind=Kind.SWITCH, in_preset=False,
    ),
    Parameter(
        id="black", label="Black",
        help="Send black. Works without the generator.",
        low=0, high=1, default=0, applies=Applies.FRAME, kind=Kind.SWITCH, in_preset=False,
    ),
)  # fmt: skip

PARAMETERS: dict[str, Parameter] = {row.id: row for row in _ROWS}


def parameter(parameter_id: str) -> Parameter:
    """Return the row of `parameter_id`.

    Raises:
        ConfigError: there is no such row; the message lists those that exist.
    """
    try:
        return PARAMETERS[parameter_id]
    except KeyError:
        known = ", ".join(PARAMETERS)
        raise ConfigError(
            f"parameter {parameter_id!r} does not exist; choose one of: {known}"
        ) from None


def defaults(applies: Applies | None = None) -> dict[str, float]:
    """Return id → default of all rows, or of those that apply at `applies`."""
    return {p.id: p.default for p in _ROWS if applies is None or p.applies is applies}
