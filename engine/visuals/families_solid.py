"""Families of solids and patterns: hexagons, cubes, crystals, dots, labyrinth, dancers.

Arguments and returns as in `families_flow`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.controls import dancer_distance
from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, rotate, smoothstep

_ROOT3 = math.sqrt(3)
_NUM_WAVES = 6


def _honeycomb(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return place inside the hexagon (about -0.6 to 0.6) and the hexagon's centre."""
    ax, ay = x - torch.round(x), y - _ROOT3 * torch.round(y / _ROOT3)
    bx = x - 0.5 - torch.round(x - 0.5)
    by = y - _ROOT3 / 2 - _ROOT3 * torch.round((y - _ROOT3 / 2) / _ROOT3)
    first = ax * ax + ay * ay < bx * bx + by * by
    inner_x, inner_y = torch.where(first, ax, bx), torch.where(first, ay, by)
    return inner_x, inner_y, x - inner_x, y - inner_y


def _hexagon_radius(x: Tensor, y: Tensor) -> Tensor:
    """Return 0 in the middle of a hexagon, 0.5 at its sides."""
    return torch.maximum(x.abs(), 0.5 * x.abs() + _ROOT3 / 2 * y.abs())


def hexagons(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A honeycomb whose cells light up in waves."""
    density = 2.2 + 1.8 * p[0]
    x, y, column, row = _honeycomb(u * density + 0.2 * t, v * density)
    key = hash_unit(torch.round(column * 2), torch.round(row * 2), 7.0)
    wave = torch.sin(column * (0.9 + p[1]) + t * 2.0 + key * 1.5) + torch.sin(row * 1.1 - t * 1.4)
    level = 0.5 + 0.25 * wave
    radius = _hexagon_radius(x, y)
    size = 0.30 + 0.17 * level
    cell = smoothstep(size + 0.03, size - 0.03, radius)
    ring = torch.exp(-(((radius - 0.475) * 30) ** 2))
    shade = (0.75 * level + 0.35 * key - 0.05) * cell + (1 - cell) * 0.9 * ring
    light = 0.05 + cell * (0.2 + 0.85 * level) * (1.15 - 0.7 * radius) + 0.4 * ring
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def cubes(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Isometric cubes with three lit faces, swelling in waves."""
    density = 1.5 + 1.3 * p[0]
    x, y, column, row = _honeycomb(u * density, v * density + 0.3 * t)
    number = torch.round(row * 2)
    key = hash_unit(torch.round(column * 2), number, 9.0)
    wave = torch.sin(t * 1.6 + key * 5 + column * p[1])
    size = 0.43 + 0.085 * wave
    inside = smoothstep(size + 0.02, size - 0.02, _hexagon_radius(x, y))
    # Of the three faces the one is seen whose far edge is nearest.
    left, right, top = -x - y / _ROOT3, x - y / _ROOT3, 2 * y / _ROOT3
    nearest = torch.minimum(torch.minimum(left, right), top)
    is_left, is_right = (left == nearest).float(), (right == nearest).float()
    is_top = 1 - (is_left + is_right).clamp(0, 1)
    face = 1.0 * is_top + 0.62 * is_left + 0.36 * is_right
    rim = 1 - 0.35 * smoothstep(0.05, 0.0, size - _hexagon_radius(x, y))
    shade = (0.28 * key + 0.3 * (0.5 + 0.5 * wave) + 0.42 * is_top + 0.2 * is_left) * inside
    light = 0.06 + inside * face * rim * (0.75 + 0.35 * wave)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def crystals(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Facets of a gem that tilt and catch the light."""
    x, y = rotate(u, v, 0.15 * t + p[0] * 3)
    density = 1.5 + 1.3 * p[1]
    shade, light = torch.zeros_like(x + t), torch.zeros_like(x + t)
    for layer in range(2):
        scale = density * (1 + layer)
        a, b = (x - y / _ROOT3) * scale + layer * 3.7, 2 * y / _ROOT3 * scale + layer * 5.1
        column, row = a.floor(), b.floor()
        fa, fb = a - column, b - row
        upper = (fa + fb > 1).float()
        key = hash_unit(column * 2 + upper, row, 11.0 + layer)
        tilt = TAU * key + t * (0.9 + 0.9 * key)
        level = 0.5 + 0.5 * torch.sin(tilt)
        third = (1 - fa - fb).abs()
        border = torch.minimum(torch.minimum(fa, fb), torch.minimum(1 - fa, 1 - fb))
        border = torch.minimum(border, third)
        glint = smoothstep(0.93, 1.0, torch.sin(tilt * 1.3 + 1.0))
        weight = 0.62 if layer == 0 else 0.38
        shade = shade + weight * (0.7 * level + 0.3 * key)
        light = light + weight * (0.15 + 0.85 * level) + 0.4 * glint * weight
        light = light + 0.35 * weight * smoothstep(0.05, 0.0, border)
    return (shade * 1.25 - 0.12).clamp(0, 1), (light * 1.15 - 0.08).clamp(0, 1.15)


def dots(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A lattice of discs whose sizes follow a passing wave."""
    x, y = rotate(u, v, 0.2 + 1.2 * p[1])
    density = 3.2 + 2.8 * p[0]
    column, row = torch.round(x * density), torch.round(y * density)
    cx, cy = column / density, row / density
    wave = torch.sin(3.2 * cx + t * 2.8 + 2 * torch.sin(1.8 * cy - t * 1.2 + p[2] * 6))
    wave = 0.5 + 0.3 * wave + 0.2 * torch.sin(4 * cy + 2 * cx - t * 2.1)
    size = 0.10 + 0.40 * wave
    distance = torch.sqrt((x * density - column) ** 2 + (y * density - row) ** 2 + 1e-6)
    disc = smoothstep(size + 0.05, size - 0.05, distance)
    shade = (1.15 * wave - 0.1) * disc
    return shade.clamp(0, 1), 0.06 + disc * (0.45 + 0.65 * wave)


def labyrinth(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Winding stripes of one width that keep re-forming, as on a zebra or a coral."""
    wave_number = 15 + 9 * p[0]
    total = torch.zeros_like(u + v + t)
    for wave in range(_NUM_WAVES):
        direction = math.pi * (wave + 0.5) / _NUM_WAVES + 0.5 * p[1]
        x, y = torch.cos(direction), torch.sin(direction)
        phase = t * (0.6 + 0.15 * wave) * (1 if wave % 2 else -1) + p[2 + wave % 4] * TAU + wave
        total = total + torch.sin(wave_number * (u * x + v * y) + phase)
    total = total / _NUM_WAVES**0.5
    broad = 0.5 + 0.5 * torch.sin(u * 1.7 + t * 0.6 + 1.5 * torch.sin(v * 2.1 - t * 0.4))
    stripe = smoothstep(-0.22, 0.22, total)
    shade = stripe * (0.3 + 0.7 * broad) + (1 - stripe) * 0.2 * broad
    return shade.clamp(0, 1), 0.08 + stripe * (0.45 + 0.5 * total.clamp(0, 1.2)) + 0.1 * broad


def dancers(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Two dancing figures of light with echoes spreading round them."""
    rows = torch.cat([x.reshape(x.shape[0], 1) for x in p], 1)
    apart = 0.35 + 0.25 * p[5]
    first = dancer_distance((u + apart, v, t * 1.3), rows)
    second = dancer_distance((u - apart, v, t * 1.3), rows.roll(4, 1))
    distance = torch.minimum(first, second)
    inside = smoothstep(0.03, -0.03, distance)
    flow = 0.5 + 0.5 * torch.sin(u * 5 + v * 7 - t * 3 + 2 * torch.sin(v * 3 + t))
    outside = distance.clamp_min(0)
    echo = (0.5 + 0.5 * torch.sin(outside * 17 - t * 4.5)) * torch.exp(-outside * 1.5)
    shade = (1 - inside) * (0.08 + 0.55 * echo) + inside * (0.6 + 0.4 * flow)
    light = (1 - inside) * (0.07 + 0.6 * echo) + inside * (0.75 + 0.35 * flow)
    return shade.clamp(0, 1), light.clamp(0, 1.15)
