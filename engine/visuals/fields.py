"""Scalar-field helpers that the visual families are written in.

All of them are element-wise on float32 tensors that broadcast to [B, F, H, W] (clip, frame, row,
column), so one call draws a whole batch of clips.
"""

import torch
from torch import Tensor

TAU = 6.283185307


def hash_unit(a: Tensor, b: Tensor, salt: float = 0.0) -> Tensor:
    """Return a repeatable pseudo-random value in [0, 1) for each pair of lattice coordinates."""
    return torch.frac(torch.sin(a * 12.9898 + b * 78.233 + salt * 37.719) * 43758.5453).abs()


def smoothstep(low: float | Tensor, high: float | Tensor, x: Tensor) -> Tensor:
    """Return the Hermite ramp from 0 at `low` to 1 at `high`; `high` may lie below `low`."""
    unit = ((x - low) / (high - low)).clamp(0, 1)
    return unit * unit * (3 - 2 * unit)


def rotate(u: Tensor, v: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return (u, v) turned by `angle` radians."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    return u * cos - v * sin, u * sin + v * cos


def polar(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return radius (never quite 0) and angle in (-pi, pi]."""
    return torch.sqrt(u * u + v * v + 1e-4), torch.atan2(v, u)


def swirl_noise(u: Tensor, v: Tensor, t: Tensor, phase: tuple[Tensor, Tensor]) -> Tensor:
    """Return smooth animated noise, about 0 to 1 around 0.5: four octaves of warped sines."""
    x, y = u * 1.3 + phase[0] * 9, v * 1.3 + phase[1] * 9
    total, amplitude = torch.zeros_like(x + t), 0.5
    for octave in range(4):
        warped_x = torch.sin(x + 1.3 * torch.sin(y * 0.9 + t * 0.35 + octave))
        warped_y = torch.cos(y - 1.1 * torch.sin(x * 0.8 - t * 0.27 + 2 * octave))
        total = total + amplitude * warped_x * warped_y
        x, y = 1.7 * x + 1.1 * y + 3 * octave, 1.7 * y - 1.1 * x + t * 0.15
        amplitude *= 0.55
    return total * 0.6 + 0.5


def ridges(noise: Tensor, sharpness: float) -> Tensor:
    """Turn noise around 0.5 into bright veins where it crosses 0.5."""
    return torch.exp(-(noise - 0.5).abs() * sharpness)


def voronoi(
    u: Tensor, v: Tensor, t: Tensor, p: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return distance to the nearest and second nearest moving point, and the nearest's hash.

    Args:
        u: column coordinate.
        v: row coordinate.
        t: scene seconds.
        p: density and two offsets, each 0 to 1.
    """
    density = 1.6 + 1.8 * p[0]
    x, y = u * density + p[1] * 50, v * density + p[2] * 50
    column, row = x.floor(), y.floor()
    nearest = torch.full_like(x + t, 9.0)
    second, identity = nearest, torch.zeros_like(nearest)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = column + dx, row + dy
            h1, h2 = hash_unit(cx, cy, 1.0), hash_unit(cx, cy, 2.0)
            px = cx + 0.5 + 0.4 * torch.sin(t + TAU * h1)
            py = cy + 0.5 + 0.4 * torch.cos(t * 0.9 + TAU * h2)
            distance = (px - x) ** 2 + (py - y) ** 2
            closer = distance < nearest
            second = torch.where(closer, nearest, torch.minimum(second, distance))
            identity = torch.where(closer, h1, identity)
            nearest = torch.where(closer, distance, nearest)
    return nearest.sqrt(), second.sqrt(), identity


def capsule(
    u: Tensor, v: Tensor, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor]
) -> Tensor:
    """Return the distance to the segment from `start` to `end`."""
    px, py = u - start[0], v - start[1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((px * dx + py * dy) / (dx * dx + dy * dy + 1e-4)).clamp(0, 1)
    return torch.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2 + 1e-6)
