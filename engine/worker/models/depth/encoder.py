"""DINOv2 picture encoder: pictures in, patch features of four of its blocks out.

A pre-norm vision transformer with a class token, learned positions and a learned scale on every
residual. Module names are the keys of depth_anything_v2_vits.pth under `pretrained.`.
Source: DINOv2 (arXiv 2304.07193); DepthAnything/Depth-Anything-V2, depth_anything_v2/dinov2.py,
commit a561b84.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

_POSITION_OFFSET = 0.1
"""Added to the number of patches before it is divided by the trained grid's. As trained: it shifts
every position by a little, so the published weights are only exact with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """Sizes; the defaults are those of ViT-S/14.

    `grid` is the side of the square of patches that positions were learned for (518 pixels), `taps`
    are the blocks whose outputs are handed on.
    """

    dim: int = 384
    num_heads: int = 6
    num_layers: int = 12
    patch_px: int = 14
    grid: int = 37
    taps: tuple[int, int, int, int] = (2, 5, 8, 11)
    eps: float = 1e-6


class LayerScale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Scale [B, L, D]."""
        return x * self.gamma


class Attention(nn.Module):
    """Full self-attention with one projection for query, key and value."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.proj = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """Attend among all tokens [B, L, D]."""
        # [B, L, 3D] -> 3 x [B, heads, L, D / heads]
        heads = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*heads.unbind(0))
        joined: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return joined


class FeedForward(nn.Module):
    """Two linears around an exact GELU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, L, D] to the same."""
        mapped: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return mapped


class Block(nn.Module):
    """Attention, then feed-forward, each on a scaled residual."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, config.eps)
        self.attn = Attention(config)
        self.ls1 = LayerScale(config.dim)
        self.norm2 = nn.LayerNorm(config.dim, config.eps)
        self.mlp = FeedForward(config.dim)
        self.ls2 = LayerScale(config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [B, L, D] to the same."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        mapped: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return mapped


class PatchEmbedding(nn.Module):
    """One token a patch."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.dim, config.patch_px, config.patch_px)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return tokens [B, h·w, D] of pictures [B, 3, 14h, 14w]."""
        tokens: Tensor = self.proj(pixels).flatten(2).transpose(1, 2)
        return tokens


class Encoder(nn.Module):
    """The whole encoder."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid**2 + 1, config.dim))
        self.mask_token = nn.Parameter(torch.zeros(1, config.dim))  # for its training alone
        self.patch_embed = PatchEmbedding(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.dim, config.eps)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return four features [B, D, h, w] of pictures [B, 3, 14h, 14w].

        Args:
            pixels: normalised by mean and deviation of ImageNet; sides are multiples of 14.
        """
        grid = [side // self.config.patch_px for side in pixels.shape[-2:]]
        patches = self.patch_embed(pixels)
        first = self.cls_token.expand(len(patches), -1, -1)
        x = torch.cat([first, patches], 1) + self.positions(grid[0], grid[1])
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.config.taps:
                # [B, 1 + h·w, D] -> [B, D, h, w]
                features.append(self.norm(x)[:, 1:].transpose(1, 2).reshape(len(x), -1, *grid))
        return features

    def positions(self, height: int, width: int) -> Tensor:
        """Return the position embedding [1, 1 + height·width, D] of a grid of patches."""
        trained = self.config.grid
        if (height, width) == (trained, trained):
            return self.pos_embed
        first, rest = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = rest.float().transpose(1, 2).reshape(1, -1, trained, trained)
        scale = [(side + _POSITION_OFFSET) / trained for side in (height, width)]
        fitted = F.interpolate(square, scale_factor=scale, mode="bicubic")
        return torch.cat([first, fitted.flatten(2).transpose(1, 2).to(first.dtype)], 1)
