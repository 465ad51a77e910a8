"""DPT head: features of four blocks in, one value a pixel out.

The features are brought to four sizes and fused from the coarsest to the finest. On the way four
features may be seen over time, see `over_time`: both coarsest sizes before the fusion, and what its
first two steps made. Module names are the keys of depth_anything_v2_vits.pth under `depth_head.`.
Source: Vision Transformers for Dense Prediction (arXiv 2103.13413);
DepthAnything/Depth-Anything-V2, depth_anything_v2/dpt.py and util/blocks.py, commit a561b84.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.models.depth.over_time import OverTime, alone

_OUTPUT_CHANNELS = 32
_PYRAMID_PLACES = {2: 0, 3: 1}  # size of the pyramid -> place in time
_FUSION_PLACES = {3: 2, 2: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """Sizes; the defaults are those of the small model.

    `widths` are the channels of the four sizes, finest first; `features` those of the fusion.
    """

    features: int = 64
    widths: tuple[int, int, int, int] = (48, 96, 192, 384)


class ResidualUnit(nn.Module):
    """Two convolutions on a residual, each after a ReLU."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, h, w] to the same."""
        mapped: Tensor = x + self.conv2(F.relu(self.conv1(F.relu(x))))
        return mapped


class Fusion(nn.Module):
    """Adds a finer feature to what came from the coarser ones and makes it larger."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(features, features, 1)
        self.resConfUnit1 = ResidualUnit(features)  # the coarsest has one too, which is not used
        self.resConfUnit2 = ResidualUnit(features)

    def forward(self, coarse: Tensor, fine: Tensor | None, size: Sequence[int]) -> Tensor:
        """Return [B, C, *size] of `coarse` [B, C, h, w] and `fine` of the same shape."""
        x = coarse if fine is None else coarse + self.resConfUnit1(fine)
        x = _resized(self.resConfUnit2(x), size)
        fused: Tensor = self.out_conv(x)
        return fused


class DepthHead(nn.Module):
    """The whole head."""

    def __init__(self, dim: int, config: HeadConfig) -> None:
        super().__init__()
        finest, finer, _, coarsest = config.widths
        self.projects = nn.ModuleList(nn.Conv2d(dim, width, 1) for width in config.widths)
        self.resize_layers = nn.ModuleList([
            nn.ConvTranspose2d(finest, finest, 4, stride=4),
            nn.ConvTranspose2d(finer, finer, 2, stride=2),
            nn.Identity(),
            nn.Conv2d(coarsest, coarsest, 3, stride=2, padding=1),
        ])  # fmt: skip
        self.scratch = _scratch(config)

    def forward(
        self, features: Sequence[Tensor], patch_px: int, over_time: OverTime = alone
    ) -> Tensor:
        """Return one value a pixel, [B, 1, patch_px·h, patch_px·w], of features [B, D, h, w]."""
        grid = features[0].shape[-2:]
        x = self._fused(self._pyramid(features, over_time), over_time)
        x = _resized(self.scratch["output_conv1"](x), [patch_px * side for side in grid])
        values: Tensor = self.scratch["output_conv2"](x)
        return values

    def _pyramid(self, features: Sequence[Tensor], over_time: OverTime) -> list[Tensor]:
        """Bring features to their sizes, finest first, all with the channels of the fusion."""
        pyramid = []
        for index, feature in enumerate(features):
            x = self.resize_layers[index](self.projects[index](feature))
            if index in _PYRAMID_PLACES:
                x = over_time(_PYRAMID_PLACES[index], x)
            pyramid.append(self.scratch[f"layer{index + 1}_rn"](x))
        return pyramid

    def _fused(self, pyramid: Sequence[Tensor], over_time: OverTime) -> Tensor:
        """Fuse features [B, C, ...], finest first, into one of twice the finest's size."""
        sizes = [feature.shape[-2:] for feature in pyramid]
        larger = [[2 * side for side in sizes[0]], *sizes[:-1]]
        x, fine = pyramid[3], None
        for index in (3, 2, 1, 0):
            x = self.scratch[f"refinenet{index + 1}"](x, fine, larger[index])
            if index in _FUSION_PLACES:
                x = over_time(_FUSION_PLACES[index], x)
            fine = pyramid[index - 1]
        fused: Tensor = x
        return fused


def _scratch(config: HeadConfig) -> nn.ModuleDict:
    features = config.features
    parts: dict[str, nn.Module] = {}
    for place, width in enumerate(config.widths, 1):
        parts[f"layer{place}_rn"] = nn.Conv2d(width, features, 3, padding=1, bias=False)
        parts[f"refinenet{place}"] = Fusion(features)
    parts["output_conv1"] = nn.Conv2d(features, features // 2, 3, padding=1)
    parts["output_conv2"] = nn.Sequential(
        nn.Conv2d(features // 2, _OUTPUT_CHANNELS, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(_OUTPUT_CHANNELS, 1, 1),
        nn.ReLU(),
    )
    return nn.ModuleDict(parts)


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, list(size), mode="bilinear", align_corners=True)
