"""Depth-Anything-V2 small, put together and loaded from its published checkpoint.

Relative inverse depth: larger is nearer, in a unit of its own that drifts from picture to picture.
24.8 M parameters, Apache-2.0 (the larger sizes are CC-BY-NC and are not supported).
Source: Depth Anything V2 (arXiv 2406.09414).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.model_store.odd_files import oddity
from engine.worker.models.depth.encoder import Encoder, EncoderConfig
from engine.worker.models.depth.head import DepthHead, HeadConfig

REPOSITORY: Final = "depth-anything/Depth-Anything-V2-Small"
FILE_NAME: Final = "depth_anything_v2_vits.pth"
FOLDER_NAME: Final = "depth"
LICENCE: Final = "Apache-2.0"

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB
_DEVIATION = (0.229, 0.224, 0.225)
_MAX_LISTED_KEYS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthConfig:
    """Sizes of encoder and head."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    head: HeadConfig = field(default_factory=HeadConfig)


SMALL: Final = DepthConfig()


class DepthAnything(nn.Module):
    """Pictures in, inverse depth out."""

    def __init__(self, config: DepthConfig = SMALL) -> None:
        super().__init__()
        self.patch_px = config.encoder.patch_px
        self.pretrained = Encoder(config.encoder)
        self.depth_head = DepthHead(config.encoder.dim, config.head)
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        deviation = torch.tensor(_DEVIATION).view(3, 1, 1)
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return inverse depth [B, H, W] ≥ 0 of pictures [B, 3, H, W] in 0..1.

        Raises:
            ValueError: a side is no multiple of the patch size, 14.
        """
        height, width = pictures.shape[-2:]
        if height % self.patch_px or width % self.patch_px:
            raise ValueError(
                f"picture of {width}x{height}: expected sides that are multiples of {self.patch_px}"
            )
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        pixels = (pictures.to(mean.dtype) - mean) / deviation
        depth: Tensor = self.depth_head(self.pretrained(pixels), self.patch_px)[:, 0]
        return depth


def load_depth(
    path: Path, device: torch.device, dtype: torch.dtype, config: DepthConfig = SMALL
) -> DepthAnything:
    """Load the model from its published .pth, or from the same keys as .safetensors.

    Raises:
        WeightsError: the file is missing, truncated, or of another model.
    """
    weights = _read(path)
    model = DepthAnything(config)
    expected = model.state_dict()
    wrong = sorted(expected.keys() ^ weights.keys()) or sorted(
        key for key in expected if expected[key].shape != weights[key].shape
    )
    if wrong:
        raise WeightsError(
            f"depth model: {path} is of another model: {len(wrong)} keys are missing, unexpected "
            f"or misshapen, first {', '.join(wrong[:_MAX_LISTED_KEYS])}; "
            f"expected {FILE_NAME} of {REPOSITORY}"
        )
    model.load_state_dict(weights)
    return model.requires_grad_(False).eval().to(device, dtype)


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f"depth model: {path} is missing; run `segue models pull {FOLDER_NAME}`, "
            f"or put {FILE_NAME} of {REPOSITORY} ({LICENCE}) there"
        )
    try:
        if odd := oddity(path):
            raise WeightsError(f"depth model: {path} {odd}; fetch it again")
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (
        SafetensorError,
        OSError,
        ValueError,
        EOFError,
        RuntimeError,
        pickle.UnpicklingError,
    ) as e:
        raise WeightsError(f"depth model: {path} cannot be read ({e}); fetch it again") from e
    if not isinstance(weights, dict) or not all(isinstance(w, Tensor) for w in weights.values()):
        raise WeightsError(f"depth model: {path} holds no weights by name; fetch it again")
    return weights
