"""The house model put together: its sizes, its weights, its text and its control channels.

Everything is the engine's own: `CausalTransformer` and `TAE` at small sizes. The transformer sees
21 channels per latent pixel: 16 of latent, 4 of control (the grey control map of the latent's four
frames, averaged to latent size) and 1 flag that says whether the control is meant.

    house = load_house(torch.device("cpu"), torch.bfloat16)
    text_embeds, parsed = house.text.encode("slow red fire")     # [8, 64]; soft cuts lerp these
    x = with_control(noisy_latents, control_maps(grey_frames))   # [B, F, 21, h, w]
    velocity = house.transformer(...)                            # timestep = 1000 sigma
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.worker.models.house.text import ParsedPrompt, parse_prompt
from engine.worker.models.house.vocabulary import NUM_SLOTS, WORDS
from engine.worker.models.wan.tae import TAE, TAEConfig, TAEPath
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig

LATENT_CHANNELS: Final = 16
CONTROL_CHANNELS: Final = 5
TEXT_DIM: Final = 64

HOUSE_TRANSFORMER: Final = TransformerConfig(
    dim=384,
    ffn_dim=1152,
    num_heads=6,
    num_layers=7,
    text_dim=TEXT_DIM,
    text_len=NUM_SLOTS,
    in_dim=LATENT_CHANNELS + CONTROL_CHANNELS,
    out_dim=LATENT_CHANNELS,
    patch_span=16,  # 256 px, the size that most of the training was done at
)

HOUSE_CODEC: Final = TAEConfig(
    encoder=TAEPath(
        widths=(32, 64, 128), memblocks=(1, 2, 1), space=(True, True), time=(True, True)
    ),
    decoder=TAEPath(
        widths=(128, 64, 32), memblocks=(3, 3, 2), space=(True, True), time=(True, True)
    ),
    latent_channels=LATENT_CHANNELS,
    patch_size=2,
    pixel_range=(-1.0, 1.0),
    colour_shortcut=True,
    latent_stats=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseSampling:
    """How the shipped weights want to be sampled.

    Attributes:
        sigmas: noise share at the start of each denoising step; x0 is re-noised in between.
        context_sigma: noise share of the clean pass (its timestep is 1000 times this).
        num_latents_per_chunk: latent frames denoised together.
        window_latents: context plus own latent frames that attention sees.
        size_px: picture size the model was trained at.
        fps: frame rate the model was trained at.
    """

    sigmas: tuple[float, ...] = (1.0, 0.7)
    context_sigma: float = 0.0
    num_latents_per_chunk: int = 3
    window_latents: int = 6
    size_px: int = 256
    fps: float = 16.0


HOUSE_SAMPLING: Final = HouseSampling()
WEIGHTS_DIR: Final = Path(__file__).parent / "weights"
_MAX_LISTED_KEYS = 4


class CaptionEmbedding(nn.Module):
    """Learned rows: one per vocabulary word, one per caption slot."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), TEXT_DIM)
        self.slots = nn.Parameter(torch.randn(NUM_SLOTS, TEXT_DIM) * 0.3)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed word ids [..., 8] as text rows [..., 8, 64]."""
        rows: Tensor = self.words(ids) + self.slots
        return rows


class HouseTextEncoder:
    """Turns prompts into the text rows of the house model."""

    def __init__(self, captions: CaptionEmbedding) -> None:
        self._captions = captions

    @torch.inference_mode()
    def encode(self, prompt: str) -> tuple[Tensor, ParsedPrompt]:
        """Return text rows [8, 64] and what was understood of the prompt."""
        parsed = parse_prompt(prompt)
        ids = torch.tensor(parsed.ids, device=self._captions.slots.device)
        return self._captions(ids), parsed


@dataclass(frozen=True, slots=True)
class HouseModel:
    """The three parts of the house model, on one device, ready for inference."""

    transformer: CausalTransformer
    codec: TAE
    text: HouseTextEncoder


def load_house(
    device: torch.device,
    dtype: torch.dtype,
    *,
    weights_dir: Path = WEIGHTS_DIR,
    random_seed: int | None = None,
) -> HouseModel:
    """Load the house model.

    Args:
        device: where it runs.
        dtype: of weights and activations; bfloat16 is what the weights are stored in.
        weights_dir: holds transformer, codec and captions `.safetensors`.
        random_seed: for tests only: draw random weights from this seed instead of loading.

    Raises:
        WeightsError: a file is missing, truncated, or not of this model.
    """
    modules = build_house_modules(random_seed or 0)
    for name, module in modules.items():
        if random_seed is None:
            _load_into(module, weights_dir / f"{name}.safetensors")
        module.requires_grad_(False).eval().to(device=device, dtype=dtype)
    transformer, codec, captions = modules.values()
    assert isinstance(transformer, CausalTransformer)
    assert isinstance(codec, TAE)
    assert isinstance(captions, CaptionEmbedding)
    return HouseModel(transformer, codec, HouseTextEncoder(captions))


def build_house_modules(seed: int) -> dict[str, nn.Module]:
    """Return new transformer, codec and captions with weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return {
            "transformer": CausalTransformer(HOUSE_TRANSFORMER),
            "codec": TAE(HOUSE_CODEC),
            "captions": CaptionEmbedding(),
        }


def with_control(latents: Tensor, control: Tensor | None) -> Tensor:
    """Append the control channels to latents.

    Args:
        latents: [B, F, 16, h, w].
        control: [B, F, 4, h, w] in 0 to 1, or None for no control.

    Returns:
        [B, F, 21, h, w]: latents, the four maps (zeros without control) and the flag (1 or 0).
    """
    shape = (*latents.shape[:2], CONTROL_CHANNELS, *latents.shape[3:])
    if control is None:
        return torch.cat([latents, latents.new_zeros(shape)], 2)
    flag = latents.new_ones((*latents.shape[:2], 1, *latents.shape[3:]))
    return torch.cat([latents, control.to(latents.dtype), flag], 2)


def control_maps(grey: Tensor) -> Tensor:
    """Average grey control frames [B, T, H, W] in 0 to 1 to maps [B, T / 4, 4, H / 8, W / 8]."""
    per_latent = HOUSE_CODEC.frames_per_latent
    if grey.shape[1] % per_latent:
        raise ValueError(
            f"control has {grey.shape[1]} frames, expected a multiple of {per_latent} (one latent)"
        )
    small = F.avg_pool2d(grey, HOUSE_CODEC.pixels_per_latent)
    return torch.unflatten(small, 1, (-1, per_latent))


def _load_into(module: nn.Module, path: Path) -> None:
    if not path.is_file():
        raise WeightsError(
            f"house model: {path} is missing; reinstall Segue or restore the file from its release"
        )
    try:
        weights = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"house model: {path} cannot be read ({error}); restore it") from error
    expected = module.state_dict()
    wrong = sorted(expected.keys() ^ weights.keys()) or sorted(
        key for key in expected if expected[key].shape != weights[key].shape
    )
    if wrong:
        raise WeightsError(
            f"house model: {path} is of another model: {len(wrong)} keys are missing, unexpected "
            f"or misshapen, first {', '.join(wrong[:_MAX_LISTED_KEYS])}; restore the file"
        )
    module.load_state_dict(weights)
