"""Families of solids and patterns: hexagons, cubes, crystals, dots, labyrinth, dancers.

Arguments and returns as in `families_flow`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, rotate, smoothstep
from engine.visuals.figures import figure_distance

_ROOT3 = math.sqrt(3)
_NUM_WAVES = 7

_ROW = 0.5 / _ROOT3
"""Rows of cubes of width 1 lie this far apart, and every second one is shifted by half a cube."""
_LIFT = 0.75
"""How far a cube rises. At most five rows can then cover a place."""
_SOFT_EDGE = 0.014


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
    key = hash_unit(torch.round(column * 2), torch.round(row / (_ROOT3 / 2)), 7.0)
    across = column - 0.2 * t
    wave = torch.sin(across * (0.9 + p[1]) + t * 2.0 + key * 1.5 + p[2] * TAU)
    level = 0.5 + 0.25 * (wave + torch.sin(row * 1.1 - t * 1.4))
    radius = _hexagon_radius(x, y)
    size = 0.32 + 0.15 * level
    cell = smoothstep(size + 0.03, size - 0.03, radius)
    ring = torch.exp(-(((radius - 0.475) * 30) ** 2))
    shade = (0.75 * level + 0.35 * key - 0.05) * cell + (1 - cell) * 0.9 * ring
    light = 0.05 + cell * (0.2 + 0.85 * level) * (1.15 - 0.7 * radius) + 0.4 * ring
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def cubes(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Isometric stacks of cubes with three shaded faces, rising and falling in waves."""
    density = 1.3 + 1.2 * p[0]
    x, y = u * density + 0.12 * t, v * density + 0.2 * t
    hindmost = torch.floor(y / _ROW)
    shade, light = torch.zeros_like(x + y), torch.zeros_like(x + y)
    for row in range(5):
        number = hindmost + row
        shift = 0.5 * torch.remainder(number, 2)
        column = torch.round(x - shift) + shift
        key = hash_unit(column * 2, number, 9.0)
        wave = torch.sin(t * 1.7 + (0.5 + p[1]) * column - 0.3 * number + 2.5 * key + p[2] * TAU)
        level = 0.5 + 0.5 * wave
        below = y - number * _ROW + _LIFT * level
        rim = (0.5 - (x - column).abs()) / _ROOT3
        cover = smoothstep(-_SOFT_EDGE, _SOFT_EDGE, below + rim)
        top = smoothstep(_SOFT_EDGE, -_SOFT_EDGE, below - rim)
        depth = (below - rim).clamp_min(0)
        seam = torch.frac(depth * _ROOT3)
        seam = 1 - 0.55 * smoothstep(0.06, 0.0, torch.minimum(seam, 1 - seam))
        is_left = (x < column).float()
        side = (0.20 + 0.32 * is_left) * seam * (0.6 + 0.5 * level) * torch.exp(-depth)
        tone = 0.45 * level + 0.22 * key + 0.10 * is_left * (1 - top) + 0.30 * top
        shade = shade + cover * (tone - shade)
        light = light + cover * (top * (0.42 + 0.7 * level) + (1 - top) * side - light)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def _two_nearest(x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return squared distance and hash of the nearest moving point, then where the next is.

    The last three are the squared distance of the second nearest point and the way to it from the
    nearest, across and down.
    """
    column, row = x.floor(), y.floor()
    nearest = torch.full_like(x + t, 9.0)
    second, identity = nearest, torch.zeros_like(nearest)
    near_x = near_y = far_x = far_y = identity
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = column + dx, row + dy
            key = hash_unit(cx, cy, 11.0)
            px = cx - x + 0.5 + 0.36 * torch.sin(0.6 * t + TAU * key)
            py = cy - y + 0.5 + 0.36 * torch.cos(0.5 * t + 57 * key)
            distance = px * px + py * py
            first, next_one = distance < nearest, distance < second
            second = torch.where(first, nearest, torch.where(next_one, distance, second))
            far_x = torch.where(first, near_x, torch.where(next_one, px, far_x))
            far_y = torch.where(first, near_y, torch.where(next_one, py, far_y))
            near_x, near_y = torch.where(first, px, near_x), torch.where(first, py, near_y)
            identity = torch.where(first, key, identity)
            nearest = torch.where(first, distance, nearest)
    return nearest, identity, second, far_x - near_x, far_y - near_y


def crystals(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Cut stones side by side, whose facets turn and catch a circling light."""
    density = 1.1 + 0.9 * p[0]
    x, y = rotate(u, v, 0.1 * t + p[1] * TAU)
    nearest, key, second, across, down = _two_nearest(x * density + p[2] * 20, y * density, t)
    length = torch.sqrt(across * across + down * down + 1e-6)
    turn = 1.1 * t + 2.5 * key + p[3] * TAU
    facing = (across * torch.cos(turn) + down * torch.sin(turn)) / length
    wall = (second - nearest) / (2 * length)
    table = smoothstep(0.16, 0.175, wall - 0.1 * key)
    facing = facing + table * (torch.sin(1.4 * t + TAU * key) - facing)
    level = 0.5 + 0.5 * facing
    edge = smoothstep(0.045, 0.0, wall)
    glint = smoothstep(0.86, 1.0, facing)
    shade = 0.02 + 0.62 * level + 0.36 * torch.frac(key * 9.7) + 0.25 * edge
    light = 0.12 + 0.72 * level * (1.15 - 0.6 * wall) + 0.35 * glint + 0.35 * edge
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def dots(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A lattice of discs whose sizes follow a passing wave."""
    x, y = rotate(u, v, 0.2 + 1.2 * p[1])
    density = 3.2 + 2.8 * p[0]
    column, row = torch.round(x * density), torch.round(y * density)
    cx, cy = column / density, row / density
    wave = torch.sin(3.2 * cx + t * 2.8 + 2 * torch.sin(1.8 * cy - t * 1.2 + p[2] * 6))
    wave = 0.5 + 0.3 * wave + 0.2 * torch.sin(4 * cy + 2 * cx - t * 2.1)
    size = 0.13 + 0.37 * wave
    distance = torch.sqrt((x * density - column) ** 2 + (y * density - row) ** 2 + 1e-6)
    disc = smoothstep(size + 0.05, size - 0.05, distance)
    shade = (1.15 * wave - 0.1) * disc
    return shade.clamp(0, 1), 0.06 + disc * (0.45 + 0.65 * wave)


def labyrinth(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Winding stripes of one width that fork, drift and re-form, as on a zebra or a coral."""
    wave_number = 15 + 8 * p[0]
    x = u + 0.2 * torch.sin(v * 2.3 + t * 0.5 + p[2] * TAU)
    y = v + 0.2 * torch.sin(u * 2.1 - t * 0.4 + p[3] * TAU)
    real, imaginary = torch.zeros_like(x + y), torch.zeros_like(x + y)
    for wave in range(_NUM_WAVES):
        direction = math.pi * p[1] + 0.33 * (wave - _NUM_WAVES // 2)
        pace = 0.8 + 0.25 * wave * (1 if wave % 2 else -1)
        phase = t * pace + p[2 + wave % 4] * TAU + 2.4 * wave
        angle = wave_number * (x * torch.cos(direction) + y * torch.sin(direction)) + phase
        real, imaginary = real + torch.cos(angle), imaginary + torch.sin(angle)
    # The phase alone gives stripes of even width; where the sum vanishes they end or fork.
    ridge = real / torch.sqrt(real * real + imaginary * imaginary + 0.15)
    stripe = smoothstep(-0.25, 0.25, ridge)
    broad = 0.5 + 0.5 * torch.sin(u * 1.7 + t * 0.6 + 1.5 * torch.sin(v * 2.1 - t * 0.4))
    shade = stripe * (0.22 + 0.78 * broad) + (1 - stripe) * 0.15 * broad
    return shade.clamp(0, 1), 0.07 + stripe * (0.5 + 0.5 * ridge) + 0.1 * broad


def dancers(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """One to three dancing figures of light, with echoes spreading round them."""
    rows = torch.cat([x.reshape(x.shape[0], 1) for x in p], 1)
    number = torch.floor(p[6] * 2.999)
    size, apart = 0.68 - 0.06 * number, 0.48 + 0.15 * p[7]
    energy = 0.6 * p[10]
    pace = t * 0.8
    solo = figure_distance((u / size, v / size, pace), rows, energy) * size
    # The pair is one figure mirrored: they dance together, at the price of one.
    pair = (u.abs() - apart) / size, v / size - 0.05, pace
    both = figure_distance(pair, rows.roll(4, 1), energy) * size
    solo, both = solo + 9 * (number == 1), both + 9 * (number == 0)
    distance = torch.minimum(solo, both)
    inside = smoothstep(0.02, -0.02, distance)
    flow = 0.5 + 0.5 * torch.sin(u * 5 + v * 7 - t * 3 + 2 * torch.sin(v * 3 + t))
    outside = distance.clamp_min(0)
    halo = torch.exp(-outside * 7)
    echo = (0.5 + 0.5 * torch.sin(outside * 17 - t * 4.5)) * torch.exp(-outside * 1.2)
    shade = (1 - inside) * (0.05 + 0.55 * echo + 0.2 * halo) + inside * (0.55 + 0.45 * flow)
    light = (1 - inside) * (0.05 + 0.5 * echo + 0.35 * halo) + inside * (0.8 + 0.3 * flow)
    return shade.clamp(0, 1), light.clamp(0, 1.15)
