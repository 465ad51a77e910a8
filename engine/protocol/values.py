"""Parts of messages: what a look, a source, an output and a picture are.

Frozen msgspec structs. Ranges and units stand beside the fields.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PROTOCOL_VERSION = 5
CODECS = ("auto", "vae", "tae")
PRECISIONS = ("auto", "bf16", "fp8")
MAX_LATENTS_PER_CHUNK = 6


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base: frozen, tagged with the class name. Subclasses repeat what msgspec does not pass on."""


class Command(Message, frozen=True, kw_only=True):
    """Base of what an app asks. `command_id` comes back in the answer."""

    command_id: int = 0


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of parts of messages: frozen and keyword-only, untagged."""


class Cut(StrEnum):
    """How a chunk joins the one before it."""

    NONE = "none"
    HARD = "hard"
    SOFT = "soft"


class CacheAction(StrEnum):
    """What the generator does to its KV cache before the chunk."""

    KEEP = "keep"
    RECACHE = "recache"  # the text changed: rewrite by the model's own rule
    RESET = "reset"


class Severity(StrEnum):
    """How loudly the window shows a notice."""

    INFO = "info"
    WARNING = "warning"
    FAULT = "fault"


class WeightedPrompt(Value, frozen=True, kw_only=True):
    """One text of the mix that conditions a chunk; the weights of a mix sum to 1."""

    text: str
    weight: float


class LatePrompt(Value, frozen=True, kw_only=True):
    """A prompt that is not encoded although a chunk needs it."""

    text: str
    failure: str = ""  # why it cannot be encoded; empty while it is on its way


class Mask(Value, frozen=True, kw_only=True):
    """Which part of the source a model with VACE redraws; the rest of the source stays.

    `kind` is one of none (everything is redrawn), image, person, luminance.
    """

    kind: str = "none"
    image: str = ""  # path of a picture, white is redrawn; for the kind image alone
    inverted: bool = False  # what would stay is redrawn


class Guides(Value, frozen=True, kw_only=True):
    """Still pictures that steer a model with VACE. Pictures are named by full path.

    On their way to the worker by the keys of `StoreStill` instead.
    """

    mask: Mask = Mask()
    references: tuple[str, ...] = ()  # the picture follows what they show
    first_frame: str = ""  # a hard cut begins with it
    last_frame: str = ""  # the chunk below ends with it
    last_frame_chunk: int = 4  # counted from the cut, which lands in 1


class Look(Value, frozen=True, kw_only=True):
    """What a cut goes to. `parameters` may be partial: what is absent stays as it is."""

    prompt: str
    parameters: dict[str, float] = {}
    seed: int | None = None  # None: the show draws a new one and logs it
    name: str = ""  # the preset's name, for people
    guides: Guides | None = None  # None: as they are


class SourceSpec(Value, frozen=True, kw_only=True):
    """Where pictures come in. `kind` is one of none, pattern, visuals, file, camera, ndi."""

    kind: str = "none"
    address: str = ""  # what to draw, file path, camera index, NDI name or host:port


class OutputSpec(Value, frozen=True, kw_only=True):
    """What leaves. Rate as a fraction so that 24000/1001 is exact; sizes are even pixels."""

    width_px: int = 1280
    height_px: int = 720
    rate_numerator: int = 30
    rate_denominator: int = 1
    ndi_name: str = "Segue"
    ndi: bool = True

    @property
    def rate_fps(self) -> float:
        """Output frames a second."""
        return self.rate_numerator / self.rate_denominator


class ModelChoice(Value, frozen=True, kw_only=True):
    """What the worker loads. Sizes in pixels, divisible by 16."""

    name: str = "house"  # a model, or a folder with its weights
    width_px: int = 256
    height_px: int = 256
    device: str = "auto"  # auto, cpu, cuda
    latents_per_chunk: int = 0  # fewer answer sooner, more look steadier; 0: the model's own
    codec: str = "auto"  # auto: the model's own; vae or tae, the tiny one, for published models
    precision: str = "auto"  # of products on a GPU: bf16 or fp8; auto: fp8 where it pays


class Reset(Value, frozen=True, kw_only=True):
    """One piece of state that was reset, and why. There is no silent reset."""

    state: str
    reason: str


class PictureStatistics(Value, frozen=True, kw_only=True):
    """Of one chunk's decoded frames, all in 0..1: enough to see a dead or collapsed picture."""

    mean: float
    contrast: float  # standard deviation of luminance
    saturation: float  # mean of max - min over RGB
    motion: float  # mean absolute difference of neighbouring frames
    finite: bool = True
