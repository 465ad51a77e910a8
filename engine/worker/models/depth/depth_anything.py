"""Depth-Anything-V2 small, put together and loaded from its published checkpoint.

Relative inverse depth: larger is nearer, in a unit of its own that drifts from picture to picture.
24.8 M parameters, Apache-2.0 (the larger sizes are CC-BY-NC and are not supported).
Source: Depth Anything V2 (arXiv 2406.09414).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from engine.worker.models.depth.encoder import Encoder, EncoderConfig
from engine.worker.models.depth.head import DepthHead, HeadConfig
from engine.worker.models.depth.published import Published, load_published

PUBLISHED: Final = Published(
    repository="depth-anything/Depth-Anything-V2-Small",
    file_name="depth_anything_v2_vits.pth",
    folder_name="depth",
)

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB
_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthConfig:
    """Sizes of encoder and head."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    head: HeadConfig = field(default_factory=HeadConfig)


SMALL: Final = DepthConfig()


class Normed(nn.Module):
    """Brings pictures to what the encoder was trained on."""

    def __init__(self, patch_px: int) -> None:
        super().__init__()
        self.patch_px = patch_px
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        deviation = torch.tensor(_DEVIATION).view(3, 1, 1)
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pixels by mean and deviation of pictures [B, 3, H, W] in 0..1.

        Raises:
            ValueError: a side is no multiple of the patch size, 14.
        """
        height, width = pictures.shape[-2:]
        if height % self.patch_px or width % self.patch_px:
            raise ValueError(
                f"picture of {width}x{height}: expected sides that are multiples of {self.patch_px}"
            )
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        return (pictures.to(mean.dtype) - mean) / deviation


class DepthAnything(nn.Module):
    """Pictures in, inverse depth out, each picture by itself."""

    is_steady = False

    def __init__(self, config: DepthConfig = SMALL) -> None:
        super().__init__()
        self.patch_px = config.encoder.patch_px
        self.normed = Normed(self.patch_px)
        self.pretrained = Encoder(config.encoder)
        self.depth_head = DepthHead(config.encoder.dim, config.head)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return inverse depth [B, H, W] ≥ 0 of pictures [B, 3, H, W] in 0..1.

        Raises:
            ValueError: a side is no multiple of the patch size, 14.
        """
        features = self.pretrained(self.normed(pictures))
        depth: Tensor = self.depth_head(features, self.patch_px)[:, 0]
        return depth

    def reset(self) -> None:
        """Do nothing: it has no memory of frames before."""


def load_depth(
    path: Path, device: torch.device, dtype: torch.dtype, config: DepthConfig = SMALL
) -> DepthAnything:
    """Load the model from its published file, see `load_published`."""
    return load_published(DepthAnything(config), path, PUBLISHED, device, dtype)
