"""Rotary position embedding over (latent frame, patch row, patch column).

Angles are computed in float64 once per table and kept as float32 cosine and sine; rotating in
float32 is then accurate to float32 rounding at any position.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from engine.worker.kernels.fused import wants_plain

_THETA = 10000.0  # Source: Wan 2.1 model code, rope_params.


class Grid(NamedTuple):
    """How many tokens a latent video has along each axis."""

    num_latents: int
    rows: int
    columns: int

    @property
    def tokens_per_latent(self) -> int:
        """Tokens of one latent frame."""
        return self.rows * self.columns

    @property
    def num_tokens(self) -> int:
        """Tokens of the whole grid, ordered by latent frame, then row, then column."""
        return self.num_latents * self.rows * self.columns


class RopeTable(NamedTuple):
    """Cosine and sine per token and complex channel.

    cos, sin: [L, 1, dh/2] float32; the middle axis broadcasts over heads.
    """

    cos: Tensor
    sin: Tensor

    def slice(self, start: int, stop: int) -> "RopeTable":
        """Return the rows of tokens `start` up to `stop` (views)."""
        return RopeTable(self.cos[start:stop], self.sin[start:stop])


def axis_sizes(head_dim: int) -> tuple[int, int, int]:
    """Complex channels given to time, height and width.

    Source: Wan 2.1 model code, rope_apply (128 -> 22, 21, 21).
    """
    spatial = head_dim // 6
    return head_dim // 2 - 2 * spatial, spatial, spatial


def _axis_angles(num_channels: int, positions: Tensor) -> Tensor:
    """Angles [positions, num_channels] float64; every axis starts again at frequency 1."""
    exponents = torch.arange(num_channels, dtype=torch.float64) / max(num_channels, 1)
    return torch.outer(positions.double(), _THETA**-exponents)


@lru_cache(maxsize=32)  # a table of 1.3B at 832x480 is 2.4 MB
def rope_table(
    head_dim: int,
    positions: tuple[int, ...],
    rows: int,
    columns: int,
    device: torch.device,
    spacing: float = 1.0,
) -> RopeTable:
    """Build (or fetch) the table for latent frames at `positions`, all rows and columns.

    Args:
        head_dim: channels of one head, even.
        positions: time position of each latent frame, one entry per latent frame.
        rows: patch rows, at positions 0, 1, 2 … times `spacing`.
        columns: patch columns, likewise.
        device: where the table lives.
        spacing: distance of neighbouring patches; below 1 for a picture finer than usual.

    Returns:
        A table of len(positions) * rows * columns tokens. Shared: treat it as read-only.
    """
    size_t, size_h, size_w = axis_sizes(head_dim)
    shape = (len(positions), rows, columns)
    # Tables outlive the caller, so they must stay usable for training after inference.
    with torch.inference_mode(mode=False), torch.device("cpu"):
        time = _axis_angles(size_t, torch.tensor(positions))[:, None, None].expand(*shape, -1)
        row = _axis_angles(size_h, torch.arange(rows) * spacing)[None, :, None].expand(*shape, -1)
        column = _axis_angles(size_w, torch.arange(columns) * spacing)
        column = column[None, None].expand(*shape, -1)
        angles = torch.cat([time, row, column], -1).reshape(-1, 1, head_dim // 2)
        return RopeTable(angles.cos().float().to(device), angles.sin().float().to(device))


def rotate(x: Tensor, table: RopeTable) -> Tensor:
    """Rotate channel pairs (2i, 2i+1) of every head by the angle of their token.

    Args:
        x: [B, L, n, dh], any float dtype.
        table: of L tokens.

    Returns:
        [B, L, n, dh] in the dtype of `x`; the arithmetic is float32.
    """
    is_complex = x.device.type == "cpu" and not wants_plain()
    return _rotate_as_complex(x, table) if is_complex else rotate_pairs(x, table)


def rotate_pairs(x: Tensor, table: RopeTable) -> Tensor:
    """Plain twin of `rotate`: the rotation written out. Equal to float32 rounding."""
    even, odd = torch.unflatten(x.float(), -1, (-1, 2)).unbind(-1)
    turned = (even * table.cos - odd * table.sin, even * table.sin + odd * table.cos)
    return torch.stack(turned, -1).flatten(-2).to(x.dtype)


def _rotate_as_complex(x: Tensor, table: RopeTable) -> Tensor:
    """One complex product instead of seven passes over strided halves.

    768 tokens, 6 heads of 64: 0.2 ms, written out 0.8 ms (two busy cores of an EPYC, 2026-11-23).
    torch.compile cannot fuse complex numbers, so GPUs keep the plain form.
    """
    pairs = torch.view_as_complex(torch.unflatten(x.float(), -1, (-1, 2)).contiguous())
    turned = pairs * torch.complex(table.cos, table.sin)
    return torch.view_as_real(turned).flatten(-2).to(x.dtype)
