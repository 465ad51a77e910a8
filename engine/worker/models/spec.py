"""One row per model: everything that makes it differ from the others.

The code path is the same for all; `rollout_config` turns a row into what a show runs with.

    row                sizes   rule                        window       steps   shift
    -----------------  ------  --------------------------  -----------  ------  -----
    house              17 M    clean pass                  6            2       1
    self-forcing-1.3b  1.3 B   clean pass                  21, sink 3   4       5
    longlive-1.3b      1.3 B   clean pass, recache         12, sink 3   4       5
    krea-14b           14 B    recompute, encoded anchor   6            4       5

Each published row has a second one, `…-vace`, with a VACE stack that takes control pictures.
Positions count within the window, in every row: no show ends or begins anew by its length.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from engine.protocol.model_names import with_vace
from engine.worker.models.house.house import (
    HOUSE_CODEC,
    HOUSE_SAMPLING,
    HOUSE_TRANSFORMER,
)
from engine.worker.models.wan.cache_plan import (
    KREA,
    LONGLIVE_ENDLESS,
    CacheRule,
    CacheWindow,
    ContextWrite,
    Positions,
)
from engine.worker.models.wan.codec import CodecConfig
from engine.worker.models.wan.rollout import RolloutConfig
from engine.worker.models.wan.tae import TAEW2_1
from engine.worker.models.wan.transformer import TransformerConfig
from engine.worker.models.wan.umt5 import UMT5_XXL, UMT5Config
from engine.worker.models.wan.vace import VACE_1_3B, VACE_14B, VaceConfig
from engine.worker.models.wan.vae import WAN_VAE
from engine.worker.schedule import DenoisingSteps, SigmaTable, steps_from_sigmas

WAN_SHIFT: Final = 5.0
_UNWARPED_STEPS: Final = (1000, 750, 500, 250)
_KREA_NUM_STEPS: Final = 4
_CONVERTED: Final = (
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
)


class Control(Enum):
    """How a model takes a control picture."""

    NONE = "none"
    CHANNELS = "channels"  # beside the latent channels, see TransformerConfig.in_dim
    VACE = "vace"  # through a stack of its own, see `vace`


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """Where a model's weights lie, below its folder, best first.

    Attributes:
        folder: its name below the folder of models.
        telling: names of the transformer's file that no other model's has.
        lora: a LoRA that belongs to the model and is merged while it loads; empty without one.
        lora_alpha: its alpha, which its file does not say.
        vae: the autoencoder.
        tae: the tiny autoencoder, for who wants it.
        vace: the VACE stack, alone or in a whole checkpoint of VACE.
    """

    folder: str
    telling: tuple[str, ...]
    lora: tuple[str, ...] = ()
    lora_alpha: float | None = None
    vae: tuple[str, ...] = (
        "Wan2.1_VAE.pth",
        "Wan2.1_VAE.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    )
    tae: tuple[str, ...] = ("taew2_1.safetensors", "taew2_1.pth")
    vace: tuple[str, ...] = ()

    @property
    def transformer(self) -> tuple[str, ...]:
        """The transformer's file, or the index of its shards."""
        return (*self.telling, *_CONVERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model.

    Attributes:
        name: what a performer calls it.
        transformer: sizes of the transformer.
        codec: the autoencoder.
        tiny_codec: the autoencoder that can take its place, None without one.
        anchor_codec: the autoencoder that encodes the anchor of a recomputed context; None for
            models without one.
        text: sizes of its text encoder; None for the captions of the house model.
        rule: how its cache is written and read.
        window: cache slots and sink frames, in latents.
        latents_per_chunk: latents denoised together.
        steps: noise levels of a chunk.
        ends_clean: the last step is told timestep 0 and cleans up.
        tells_less: a start from video is told less noise than there is, see `steps`.
        shift: of the noise schedule it was trained with; 1 is none.
        context_timestep: what it is told of finished latents.
        recaches: a changed prompt rewrites the context. False for a model that was taught to go on
            from a context made under another prompt, or whose context is made anew anyway.
        control: how it takes control pictures.
        vace: sizes of its VACE stack, None without one.
        size_px: width and height it was made for, multiples of 16.
        fps: frame rate it was made for.
        licence: of the weights, as an SPDX expression.
        files: where its weights lie; None for the house model, which has its own loader.
    """

    name: str
    transformer: TransformerConfig
    codec: CodecConfig
    tiny_codec: CodecConfig | None = None
    anchor_codec: CodecConfig | None = None
    text: UMT5Config | None = None
    rule: CacheRule
    window: CacheWindow
    latents_per_chunk: int
    steps: DenoisingSteps
    ends_clean: bool = False
    tells_less: bool = False
    shift: float
    context_timestep: float = 0.0
    recaches: bool = True
    control: Control = Control.NONE
    vace: VaceConfig | None = None
    size_px: tuple[int, int]
    fps: float
    licence: str
    files: ModelFiles | None = None

    @property
    def frames_per_chunk(self) -> int:
        """Frames of a steady chunk."""
        return self.latents_per_chunk * self.codec.frames_per_latent

    @property
    def context_latents(self) -> int:
        """Finished latents that a chunk sees once enough are there, sink frames among them."""
        return self.window.window_latents - self.latents_per_chunk

    @property
    def recomputes(self) -> bool:
        """Whether the context is made anew before every chunk."""
        return self.rule.context_write is ContextWrite.RECOMPUTE


def with_chunk(spec: ModelSpec, latents_per_chunk: int) -> ModelSpec:
    """Return the model with chunks of another length.

    Raises:
        ValueError: such chunks do not fit beside the sink frames.
    """
    window = spec.window
    if spec.recomputes:  # the window of these is a context and a chunk
        window = replace(window, window_latents=spec.context_latents + latents_per_chunk)
    room = window.window_latents - window.sink_latents
    if not 1 <= latents_per_chunk <= room:
        raise ValueError(
            f"chunks of {latents_per_chunk} latents: {spec.name} takes 1 to {room}, "
            f"and was made for {spec.latents_per_chunk}"
        )
    return replace(spec, latents_per_chunk=latents_per_chunk, window=window)


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
    size_px=(HOUSE_SAMPLING.size_px, HOUSE_SAMPLING.size_px),
    fps=HOUSE_SAMPLING.fps,
    licence="Apache-2.0",
)

# Never trained: the path of the rows with VACE at sizes that any machine runs.
HOUSE_VACE = replace(
    HOUSE,
    transformer=replace(HOUSE_TRANSFORMER, in_dim=HOUSE_TRANSFORMER.out_dim),
    control=Control.VACE,
    vace=VaceConfig(layers=(0, 3)),
)

WAN_1_3B: Final = TransformerConfig(
    dim=1536, ffn_dim=8960, num_heads=12, num_layers=30, text_dim=4096, text_len=512
)
WAN_14B: Final = TransformerConfig(
    dim=5120, ffn_dim=13824, num_heads=40, num_layers=40, text_dim=4096, text_len=512
)
"""Source: Wan 2.1 (arXiv 2503.20314), configurations T2V-1.3B and T2V-14B."""

_SIGMAS: Final = SigmaTable(WAN_SHIFT)

_VACE_LICENCE: Final = "Apache-2.0"  # as the models of Wan 2.1 that it comes from
_VACE_MODULE: Final = ("vace.safetensors", "vace.pt")
_VACE_1_3B_FILES: Final = (
    "../vace-1.3b/diffusion_pytorch_model.safetensors",
    "Wan2_1-VACE_module_1_3B_bf16.safetensors",
    "../Wan2.1-VACE-1.3B/diffusion_pytorch_model.safetensors",
    "../Wan2.1-VACE-1.3B-diffusers/transformer/diffusion_pytorch_model.safetensors.index.json",
)
_VACE_14B_FILES: Final = (
    "../vace-14b/Wan2_1-VACE_module_14B_bf16.safetensors",
    "Wan2_1-VACE_module_14B_bf16.safetensors",
    "../Wan2.1-VACE-14B/diffusion_pytorch_model.safetensors.index.json",
    "../Wan2.1-VACE-14B-diffusers/transformer/diffusion_pytorch_model.safetensors.index.json",
)

SELF_FORCING_1_3B = ModelSpec(
    name="self-forcing-1.3b",
    transformer=WAN_1_3B,
    codec=WAN_VAE,
    tiny_codec=TAEW2_1,
    text=UMT5_XXL,
    # Published for 21 latents with positions that count on. Until 21 are made this row is equal to
    # that; then the window rolls. The sink and the rewriting under a new prompt are LongLive's
    # answers to what a rolled window loses.
    rule=CacheRule(positions=Positions.WINDOW, recache_keeps_sink=False),
    window=CacheWindow(window_latents=21, sink_latents=3),
    latents_per_chunk=3,
    steps=_SIGMAS.steps(_SIGMAS.warp(_UNWARPED_STEPS)),
    tells_less=True,  # as Scope plays the models of this size
    shift=WAN_SHIFT,
    size_px=(832, 480),
    fps=16.0,
    licence="Apache-2.0",  # LICENSE of github.com/guandeh17/Self-Forcing at 33593df
    files=ModelFiles(
        folder="self-forcing-1.3b",
        telling=(
            "self_forcing_dmd.pt",
            "checkpoints/self_forcing_dmd.pt",
            "self_forcing_dmd.safetensors",
        ),
    ),
)

LONGLIVE_1_3B = replace(
    SELF_FORCING_1_3B,
    name="longlive-1.3b",
    rule=LONGLIVE_ENDLESS,
    window=CacheWindow(window_latents=12, sink_latents=3),
    licence="CC-BY-NC-SA-4.0",  # card of Efficient-Large-Model/LongLive-1.3B at cda9138
    files=ModelFiles(
        folder="longlive-1.3b",
        telling=("longlive_base.pt", "models/longlive_base.pt", "longlive_base.safetensors"),
        lora=("lora.pt", "models/lora.pt", "lora.safetensors"),
        lora_alpha=256.0,  # equal to its rank
    ),
)

KREA_14B = replace(
    SELF_FORCING_1_3B,
    name="krea-14b",
    transformer=WAN_14B,
    anchor_codec=WAN_VAE,
    rule=KREA,
    window=CacheWindow(window_latents=6),
    steps=_SIGMAS.strength_steps(1.0, _KREA_NUM_STEPS),
    ends_clean=True,
    tells_less=False,
    recaches=False,
    licence="CC-BY-NC-SA-4.0",  # LICENSE.md of KREA's release; the card says Apache-2.0
    files=ModelFiles(folder="krea-14b", telling=("krea-realtime-video-14b.safetensors",)),
)


def _with_vace(spec: ModelSpec, vace: VaceConfig, files: tuple[str, ...]) -> ModelSpec:
    """Return a published row with a VACE stack on top.  Source: Scope, which pairs them so."""
    assert spec.files is not None
    return replace(
        spec,
        name=with_vace(spec.name),
        control=Control.VACE,
        vace=vace,
        licence=spec.licence
        if spec.licence == _VACE_LICENCE
        else f"{spec.licence} AND {_VACE_LICENCE}",
        files=replace(spec.files, vace=(*_VACE_MODULE, *files)),
    )


SELF_FORCING_1_3B_VACE = _with_vace(SELF_FORCING_1_3B, VACE_1_3B, _VACE_1_3B_FILES)
LONGLIVE_1_3B_VACE = _with_vace(LONGLIVE_1_3B, VACE_1_3B, _VACE_1_3B_FILES)
KREA_14B_VACE = _with_vace(KREA_14B, VACE_14B, _VACE_14B_FILES)

PUBLISHED: Final = (SELF_FORCING_1_3B, LONGLIVE_1_3B, KREA_14B)
PUBLISHED_VACE: Final = (SELF_FORCING_1_3B_VACE, LONGLIVE_1_3B_VACE, KREA_14B_VACE)

MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in (HOUSE, *PUBLISHED, *PUBLISHED_VACE)}
