"""One row per model: everything that makes it differ from the others.

The code path is the same for all; `rollout_config` turns a row into what a show runs with.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.worker.models.house.house import (
    HOUSE_CODEC,
    HOUSE_SAMPLING,
    HOUSE_TRANSFORMER,
    WEIGHTS_DIR,
)
from engine.worker.models.wan.cache_plan import CacheRule, CacheWindow, Positions
from engine.worker.models.wan.codec import CodecConfig
from engine.worker.models.wan.rollout import RolloutConfig
from engine.worker.models.wan.transformer import TransformerConfig
from engine.worker.schedule import DenoisingSteps, steps_from_sigmas


class Control(Enum):
    """How a model takes a control picture."""

    NONE = "none"
    CHANNELS = "channels"  # beside the latent channels, see TransformerConfig.in_dim


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model.

    Attributes:
        name: what a performer calls it.
        transformer: sizes of the transformer.
        codec: the autoencoder.
        rule: how its cache is written and read.
        window: cache slots and sink frames, in latents.
        latents_per_chunk: latents denoised together.
        steps: noise levels of a chunk.
        shift: of the noise schedule it was trained with; 1 is none.
        context_timestep: what it is told of finished latents.
        recaches: a changed prompt rewrites the context. False for a model that was taught to go on
            from a context made under another prompt.
        control: how it takes control pictures.
        size_px: picture size it was made for, a multiple of 16.
        fps: frame rate it was made for.
        licence: of the weights, as an SPDX expression.
        weights: file or folder.
    """

    name: str
    transformer: TransformerConfig
    codec: CodecConfig
    rule: CacheRule
    window: CacheWindow
    latents_per_chunk: int
    steps: DenoisingSteps
    shift: float
    context_timestep: float = 0.0
    recaches: bool = True
    control: Control = Control.NONE
    size_px: int
    fps: float
    licence: str
    weights: Path

    @property
    def frames_per_chunk(self) -> int:
        """Frames of a steady chunk."""
        return self.latents_per_chunk * self.codec.frames_per_latent


def rollout_config(spec: ModelSpec, width_px: int, height_px: int) -> RolloutConfig:
    """Settings of a show of `width_px` x `height_px`.

    Raises:
        ValueError: the picture size does not divide into latents and patches.
    """
    _, ph, pw = spec.transformer.patch_size
    step_x, step_y = spec.codec.pixels_per_latent * pw, spec.codec.pixels_per_latent * ph
    if width_px % step_x or height_px % step_y:
        raise ValueError(
            f"picture size {width_px}x{height_px}: {spec.name} needs a width divisible by "
            f"{step_x} and a height divisible by {step_y}"
        )
    return RolloutConfig(
        rule=spec.rule,
        window=spec.window,
        height=height_px // spec.codec.pixels_per_latent,
        width=width_px // spec.codec.pixels_per_latent,
        latents_per_chunk=spec.latents_per_chunk,
        context_timestep=spec.context_timestep,
    )


HOUSE = ModelSpec(
    name="house",
    transformer=HOUSE_TRANSFORMER,
    codec=HOUSE_CODEC,
    rule=CacheRule(positions=Positions.WINDOW, recache_keeps_sink=False),
    window=CacheWindow(window_latents=HOUSE_SAMPLING.window_latents),
    latents_per_chunk=HOUSE_SAMPLING.num_latents_per_chunk,
    steps=steps_from_sigmas(HOUSE_SAMPLING.sigmas),
    shift=1.0,
    context_timestep=1000 * HOUSE_SAMPLING.context_sigma,
    recaches=False,  # 40 % of its training clips change their caption between chunks
    control=Control.CHANNELS,
    size_px=HOUSE_SAMPLING.size_px,
    fps=HOUSE_SAMPLING.fps,
    licence="Apache-2.0",
    weights=WEIGHTS_DIR,
)

MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in (HOUSE,)}
