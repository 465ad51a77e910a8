"""What lets depth hold still: attention of every place of a picture over the frames before.

A motion module takes a feature of the frame, and for each of its pixels the same pixel in up to 31
earlier frames. What it keeps of a frame are the inputs of its attentions, so a stream computes each
frame once. Module names are the keys of video_depth_anything_vits.pth under `head.motion_modules.`.
Source: Video Depth Anything (arXiv 2501.12375); DepthAnything/Video-Depth-Anything, motion_module/
and video_depth_stream.py, commit 4f5ae23.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

OverTime = Callable[[int, Tensor], Tensor]
"""Which of the head's four places, and a feature [1, C, h, w] there: the feature, with the past."""

_EPS = 1e-6  # of the group norm
_WAVELENGTH = 10_000.0
_NUM_ANCHORS = 2
_NUM_BEHIND = 10  # frames kept beyond a window, so that the second anchor lies farther back


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionConfig:
    """Sizes. A window of `num_frames` is what its positions were learned for."""

    num_frames: int = 32
    num_heads: int = 8
    num_attentions: int = 2
    norm_groups: int = 32


def alone(_place: int, feature: Tensor) -> Tensor:
    """Leave a feature as it is: a picture without a past."""
    return feature


class FramePosition(nn.Module):
    """Sines and cosines of a frame's place in the window; part of the published file."""

    def __init__(self, dim: int, num_frames: int) -> None:
        super().__init__()
        places = torch.arange(num_frames).unsqueeze(1)
        rates = torch.exp(torch.arange(0, dim, 2) * (-math.log(_WAVELENGTH) / dim))
        waves = torch.stack([torch.sin(places * rates), torch.cos(places * rates)], -1)
        self.register_buffer("pe", waves.flatten(1)[None])  # [1, F, C]

    def forward(self, x: Tensor) -> Tensor:
        """Add positions from 0 on to [N, F, C]."""
        return x + self.get_buffer("pe")[:, : x.shape[1]]


class FrameAttention(nn.Module):
    """The newest frame asks, it and the frames before answer, each pixel by itself."""

    def __init__(self, dim: int, config: MotionConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.pos_encoder = FramePosition(dim, config.num_frames)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(dim, dim, bias=False)
        self.to_v = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, frames: Tensor) -> Tensor:
        """Return [N, 1, C] for N pixels of frames [N, F, C], oldest first."""
        placed = self.pos_encoder(frames)
        query, key, value = (
            project(part).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for project, part in (
                (self.to_q, placed[:, -1:]), (self.to_k, placed), (self.to_v, placed)
            )
        )  # fmt: skip
        mixed = F.scaled_dot_product_attention(query, key, value)
        joined: Tensor = self.to_out[0](mixed.transpose(1, 2).flatten(2))
        return joined


class GatedLinear(nn.Module):
    """A linear of which one half lets the other pass."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., dim] to [..., hidden]."""
        value, gate = self.proj(x).chunk(2, -1)
        passed: Tensor = value * F.gelu(gate)
        return passed


class GatedForward(nn.Module):
    """A gated linear and one back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # What stands between the two in the published file is a dropout without weights.
        self.net = nn.ModuleList(
            [GatedLinear(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., dim] to the same."""
        mapped: Tensor = self.net[2](self.net[0](x))
        return mapped


class MotionBlock(nn.Module):
    """Attentions over frames, then feed-forward, each on a residual."""

    def __init__(self, dim: int, config: MotionConfig) -> None:
        super().__init__()
        count = range(config.num_attentions)
        self.attention_blocks = nn.ModuleList(FrameAttention(dim, config) for _ in count)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in count)
        self.ff = GatedForward(dim)
        self.ff_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Map the newest frame [N, 1, C]; returns what the next frames need of it as well.

        Args:
            x: the newest frame.
            past: [N, F, C] per attention: what it returned for earlier frames; empty without any.
        """
        kept = []
        for index, (attention, norm) in enumerate(
            zip(self.attention_blocks, self.norms, strict=True)
        ):
            new = norm(x)
            kept.append(new)
            x = x + attention(torch.cat([past[index], new], 1) if past else new)
        return x + self.ff(self.ff_norm(x)), kept


class MotionTransformer(nn.Module):
    """One block between two linears, on a residual."""

    def __init__(self, dim: int, config: MotionConfig) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(config.norm_groups, dim, eps=_EPS)
        self.proj_in = nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList([MotionBlock(dim, config)])
        self.proj_out = nn.Linear(dim, dim)

    def forward(self, feature: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """See `MotionBlock`, for a feature [1, C, h, w] of N = h·w pixels."""
        size = feature.shape[-2:]
        # [1, C, h, w] -> [h·w, 1, C]: every pixel is a row of its own, its frames the sequence
        pixels = self.norm(feature).flatten(2).permute(2, 0, 1)
        moved, kept = self.transformer_blocks[0](self.proj_in(pixels), past)
        back: Tensor = self.proj_out(moved).permute(1, 2, 0).unflatten(2, size)
        return feature + back, kept


class MotionModule(nn.Module):
    """The transformer under the name that the published file has for it."""

    def __init__(self, dim: int, config: MotionConfig) -> None:
        super().__init__()
        self.temporal_transformer = MotionTransformer(dim, config)

    def forward(self, feature: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """See `MotionTransformer`."""
        moved: tuple[Tensor, list[Tensor]] = self.temporal_transformer(feature, past)
        return moved


class FrameMemory:
    """What is kept of earlier frames, and which of them the next one sees.

        the first frame  a frame of long ago  ... forgotten ...  the newest 29

    The first is an anchor that the unit of depth hangs on. The second follows some 40 frames behind
    the newest. Before there are so many, the first frame stands for those that are missing.
    """

    def __init__(self, num_frames: int) -> None:
        self._num_frames = num_frames
        self._size: tuple[int, ...] = ()
        self._frames: list[list[Tensor]] = []

    def fits(self, size: Sequence[int]) -> bool:
        """Return whether a frame [height, width] can go on from the frames before."""
        return not self._frames or self._size == tuple(size)

    def seen(self) -> list[Tensor]:
        """Return [N, num_frames - 1, C] per attention of the head; empty before the first frame."""
        if not self._frames:
            return []
        newest = self._num_frames - 1 - _NUM_ANCHORS
        chosen = self._frames[:_NUM_ANCHORS] + self._frames[-newest:]
        return [torch.cat(parts, 1) for parts in zip(*chosen, strict=True)]

    def add(self, kept: list[Tensor], size: Sequence[int]) -> None:
        """Keep what a frame [height, width] left: [N, 1, C] per attention of the head."""
        self._size = tuple(size)
        self._frames += [kept] * (1 if self._frames else self._num_frames)
        if len(self._frames) > self._num_frames + _NUM_BEHIND:
            del self._frames[1]


class WithPast:
    """One frame's way through the head: asks the motion modules, collects what they keep."""

    def __init__(self, modules: nn.ModuleList, seen: Sequence[Tensor], num_attentions: int) -> None:
        self.kept: list[Tensor] = []
        self._modules = modules
        self._seen = seen
        self._count = num_attentions

    def __call__(self, place: int, feature: Tensor) -> Tensor:
        """See `OverTime`. Places are asked in order, each once."""
        past = self._seen[self._count * place : self._count * (place + 1)]
        moved, kept = self._modules[place](feature, past)
        self.kept += kept
        result: Tensor = moved
        return result
