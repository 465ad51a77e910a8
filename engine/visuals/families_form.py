"""Families of form: tunnel, spiral, truchet, squares, polygons, grid, bars, moire.

Arguments and returns as in `families_flow`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, polar, rotate, smoothstep


def tunnel(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A flight down a ribbed tube whose far end wanders."""
    radius, angle = polar(u + 0.25 * torch.sin(t * 0.3 + p[3] * 6), v + 0.25 * torch.cos(t * 0.37))
    ribs, depth = torch.round(2 + 4 * p[0]), 0.5 / radius + t * 0.9
    pattern = torch.sin(angle * ribs + depth * 1.5 * p[1]) * torch.sin(depth * (2 + 2 * p[2]))
    return 0.5 + 0.5 * pattern, (radius * 1.6).clamp(0, 1) * (
        0.45 + 0.6 * smoothstep(-0.6, 0.6, pattern)
    )


def spiral(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Logarithmic arms turning inwards."""
    radius, angle = polar(u, v)
    arms = torch.round(1 + 4 * p[0])
    phase = arms * angle + (3 + 4 * p[1]) * torch.log(radius) - t * 2.0
    shade = 0.5 + 0.5 * torch.sin(phase)
    return shade, smoothstep(0.0, 0.25, radius) * (0.3 + 0.8 * (0.5 + 0.5 * torch.sin(phase - 1.2)))


def truchet(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Quarter-circle tiles joining into endless loops, colour running along them."""
    density = 2 + 2.5 * p[0]
    x, y = u * density + t * 0.35, v * density + p[1] * 20
    column, row = x.floor(), y.floor()
    fx, fy = x - column, y - row
    fx = torch.where(hash_unit(column, row, 3.0) > 0.5, fx, 1 - fx)
    to_first = (torch.sqrt(fx**2 + fy**2) - 0.5).abs()
    to_second = (torch.sqrt((1 - fx) ** 2 + (1 - fy) ** 2) - 0.5).abs()
    distance = torch.minimum(to_first, to_second)
    width = 0.15 + 0.06 * torch.sin(t * 1.8 + u * 3)
    shade = 0.5 + 0.5 * torch.sin(distance * 14 - t * 2.6 + p[2] * 6)
    return shade, smoothstep(width + 0.06, width - 0.04, distance) + 0.08


def squares(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A wall of tiles that breathe out of step."""
    density = torch.round(2 + 3 * p[0])
    x, y = u * density, v * density
    column, row = x.floor(), y.floor()
    key = hash_unit(column, row, 5.0)
    distance = torch.maximum((x - column - 0.5).abs(), (y - row - 0.5).abs())
    width = 0.26 + 0.2 * torch.sin(
        t * (1.2 + key) + TAU * key + (0.3 + 0.5 * p[1]) * (column + row)
    )
    shade = 0.5 * key + 0.5 * (0.5 + 0.5 * torch.sin(t * 1.2 + 6 * key))
    return shade, smoothstep(width + 0.04, width - 0.04, distance) * 0.95 + 0.05


def polygons(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Nested polygons growing towards the viewer."""
    sides = torch.round(3 + 3 * p[0])
    radius, angle = polar(*rotate(u, v, t * 0.35))
    sector = TAU / sides
    edge = torch.cos(torch.remainder(angle, sector) - sector / 2) * radius / torch.cos(sector / 2)
    ring = torch.log(edge + 1e-3) * (1.3 + p[1]) - t * 0.6 + 50.0
    shade = ring - ring.floor()
    distance = (shade - 0.5).abs()
    colour = 0.5 + 0.5 * torch.sin(ring.floor() * 2.1 + shade * 2 + p[2] * 6)
    return colour, smoothstep(0.5, 0.42, distance) * (0.35 + 0.75 * shade) + 0.04


def grid(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A perspective floor of lines running at the viewer, below a striped sun."""
    below = v - (-0.15 + 0.3 * p[0])
    depth = 0.35 / (below.abs() + 0.04)
    across = (torch.frac(u * depth * (1.5 + p[1]) + 50.0) - 0.5).abs()
    along = (torch.frac(depth * (1 + p[1]) + t * 0.9 + 50.0) - 0.5).abs()
    width = 0.02 + 0.02 * depth
    lines = torch.maximum(
        smoothstep(0.5 - width * 2, 0.5, across), smoothstep(0.5 - width * 2, 0.5, along)
    )
    lines = lines * torch.exp(-depth * 0.2)
    disc = smoothstep(0.42, 0.40, torch.sqrt(u * u + (below + 0.16) ** 2))
    sun = disc * (0.15 + 0.85 * smoothstep(-0.65, -0.35, torch.sin(below * 42 - t * 2.2)))
    shade = torch.where(below > 0, 0.3 + 0.35 * lines, 0.98 + below * 0.7).clamp(0, 1)
    sky = 0.10 + 0.18 * (1 + below).clamp(0, 1)
    return shade, torch.where(below > 0, lines * 1.1 + 0.07, sun * 0.95 + sky)


def bars(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A spectrum of columns jumping as if to music."""
    x = (u * 0.5 + 0.5) * torch.round(5 + 7 * p[0])
    column = x.floor()
    rate = 1.8 + 2.6 * hash_unit(column, column * 0 + 1.0)
    jump = 0.5 + 0.5 * torch.sin(t * rate + TAU * hash_unit(column, column * 0, 2.0) + p[1] * 6)
    level = 0.2 + 0.62 * jump * (0.65 + 0.35 * torch.sin(t * 2.3 + column * 0.5))
    height = 0.5 - 0.5 * v
    inside = smoothstep(0.02, -0.02, height - level) * smoothstep(
        0.48, 0.40, (x - column - 0.5).abs()
    )
    shade = (height / (level + 0.02)).clamp(0, 1) * 0.8 + 0.2 * hash_unit(column, column * 0, 3.0)
    return shade, inside * (0.45 + 0.65 * shade) + 0.05


def moire(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Two families of rings interfering as their centres wander."""
    k = 13 + 8 * p[0]
    x1, y1 = u - 0.45 * torch.sin(t * 0.6), v - 0.45 * torch.cos(t * 0.5)
    x2, y2 = u + 0.45 * torch.sin(t * 0.55 + p[1] * 6), v + 0.45 * torch.cos(t * 0.45)
    first = torch.sin(torch.sqrt(x1**2 + y1**2 + 1e-3) * k - t * 1.2)
    second = torch.sin(torch.sqrt(x2**2 + y2**2 + 1e-3) * k + t * 0.9)
    product = first * second
    return 0.5 + 0.5 * product, 0.18 + 0.9 * smoothstep(-0.5, 0.7, product)
