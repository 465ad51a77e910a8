"""Mix the text rows of any number of prompts by weight.

In:     rows [L, D] per prompt, of any lengths; weights that sum to 1.
Out:    rows [L, D] float32, L of the longest; missing rows count as zeros.
Thread: generator.

    linear      the weighted sum
    spherical   every token apart: its length is the weighted mean of lengths, its direction the
                weighted mean on the sphere. Of two prompts that is slerp. Of more it is the point
                whose weighted arcs to all directions cancel, which no order of prompts changes.

A token for which the sphere has no answer is mixed linearly: where one of its rows is zero (beyond
the end of a prompt), or where directions are parallel or opposite.
Source: Shoemake, SIGGRAPH 1985 (slerp); "Spherical averages and applications to spherical splines
and interpolation", ACM TOG 20(2), 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

_PARALLEL = 1e-3
"""Sine of the angle below which directions count as parallel; there slerp is the linear mix."""
_ROUNDS = 8
"""Of the mean on the sphere. Each shrinks the error by the square of the spread or better; for
prompts, whose rows lie within a right angle, eight leave rounding."""


class Mixing(StrEnum):
    """How several prompts become one text."""

    LINEAR = "linear"
    SPHERICAL = "spherical"


def mix_rows(rows: Sequence[Tensor], weights: Sequence[float], mixing: Mixing) -> Tensor:
    """Mix rows [L, D] of several prompts; one prompt of weight 1 comes back as it is.

    Raises:
        ValueError: there is no prompt, or not as many weights.
    """
    if not rows or len(rows) != len(weights):
        raise ValueError(f"{len(rows)} prompts and {len(weights)} weights: expected as many, not 0")
    length = max(part.shape[0] for part in rows)
    padded = [F.pad(part.float(), (0, 0, 0, length - part.shape[0])) for part in rows]
    linear = torch.stack([part * w for part, w in zip(padded, weights, strict=True)]).sum(0)
    meant = [(part, w) for part, w in zip(padded, weights, strict=True) if w]
    if mixing is Mixing.LINEAR or len(meant) < 2:
        return linear
    return _spherical(torch.stack([part for part, _ in meant]), [w for _, w in meant], linear)


def _spherical(rows: Tensor, weights: list[float], linear: Tensor) -> Tensor:
    """Mix rows [N, L, D] of weights above 0, `linear` [L, D] where the sphere has no answer."""
    share = rows.new_tensor(weights)[:, None, None] / sum(weights)
    lengths = rows.norm(dim=-1, keepdim=True)
    units = rows / lengths.clamp_min(torch.finfo(rows.dtype).tiny)
    if len(weights) == 2:
        direction, is_clear = _slerp(units[0], units[1], weights[1] / sum(weights))
    else:
        direction, is_clear = _mean_on_sphere(units, share)
    is_clear = is_clear & (lengths > 0).all(0)
    return torch.where(is_clear, direction * (share * lengths).sum(0) * sum(weights), linear)


def _slerp(start: Tensor, end: Tensor, blend: float) -> tuple[Tensor, Tensor]:
    """Directions [L, D] on the arc from start to end, and where [L, 1] there is just one arc."""
    cosine = (start * end).sum(-1, keepdim=True)
    sine = (end - cosine * start).norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, cosine)
    is_clear = sine > _PARALLEL
    below = sine.clamp_min(_PARALLEL)
    direction = torch.sin((1 - blend) * angle) * start + torch.sin(blend * angle) * end
    return direction / below, is_clear


def _mean_on_sphere(units: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean of directions units [N, L, D], and where [L, 1] it is well defined."""
    mean = (share * units).sum(0)
    norm = mean.norm(dim=-1, keepdim=True)
    is_clear = norm > _PARALLEL
    mean = mean / norm.clamp_min(_PARALLEL)
    for _ in range(_ROUNDS):
        cosine = (units * mean).sum(-1, keepdim=True)
        aside = units - cosine * mean
        sine = aside.norm(dim=-1, keepdim=True)
        is_clear = is_clear & ~((sine <= _PARALLEL) & (cosine < 0)).any(0)
        # The arc to each direction, as a tangent at the mean; its limit at the mean itself is 0.
        stretch = torch.atan2(sine, cosine) / sine.clamp_min(torch.finfo(sine.dtype).tiny)
        step = (share * torch.where(sine > 0, stretch, torch.ones_like(sine)) * aside).sum(0)
        turn = step.norm(dim=-1, keepdim=True)
        mean = torch.cos(turn) * mean + torch.sinc(turn / torch.pi) * step
        mean = mean / mean.norm(dim=-1, keepdim=True).clamp_min(_PARALLEL)
    return mean, is_clear
