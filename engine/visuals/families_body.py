"""Families of bodies and light: ripples, stars, metaballs, bubbles, cells, lace, ribbons, beams.

Arguments and returns as in `families_flow`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, polar, smoothstep, voronoi


def ripples(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Rings spreading from two drops."""
    total = torch.zeros_like(u + v + t)
    for drop in range(2):
        x = u - 0.6 * torch.sin(p[drop] * TAU + t * 0.15)
        y = v - 0.6 * torch.cos(p[drop + 2] * TAU + t * 0.18)
        radius = torch.sqrt(x * x + y * y + 1e-3)
        total = total + torch.sin(radius * (9 + 7 * p[4]) - t * 3.0) * torch.exp(-radius * 0.6)
    return (0.5 + 0.36 * total).clamp(0, 1), 0.2 + 0.95 * smoothstep(-0.9, 1.1, total)


def stars(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A flight through four layers of glowing stars."""
    light, weighted = torch.zeros_like(u + v + t), torch.zeros_like(u + v + t)
    for layer in range(4):
        nearness = torch.frac(t * 0.26 + layer * 0.25 + p[1])
        density = (1.5 + 1.5 * p[0]) * (1 - nearness) + 0.3
        x, y = u * density + layer * 17.3 + p[2] * 30, v * density + layer * 9.1
        column, row = x.floor(), y.floor()
        key = hash_unit(column, row, float(layer))
        dx = x - column - 0.3 - 0.4 * key
        dy = y - row - 0.3 - 0.4 * hash_unit(row, column, layer + 5.0)
        distance = torch.sqrt(dx * dx + dy * dy + 1e-6)
        glow = torch.exp(-((distance * 6) ** 2)) + 0.3 * torch.exp(-distance * 6)
        glow = glow * torch.sin(nearness * math.pi) * (key > 0.25)
        light, weighted = light + glow, weighted + glow * key
    shade = weighted / (light + 0.05) * 0.8 + 0.2 * light.clamp(0, 1)
    return shade.clamp(0, 1), (0.03 + 1.1 * light).clamp(0, 1.15)


def metaballs(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Six drops of thick liquid melting together, ringed with light."""
    field = torch.zeros_like(u + v + t)
    for ball in range(6):
        size = 0.03 + 0.03 * p[ball % 5]
        x = u - 0.75 * torch.sin(t * (0.6 + 0.15 * ball) + p[ball % 7] * TAU + ball)
        y = v - 0.75 * torch.cos(t * (0.5 + 0.17 * ball) + p[(ball + 3) % 7] * TAU)
        field = field + size / (x * x + y * y + 0.004)
    shade = (0.15 + field * 0.32).clamp(0, 1)
    inside = smoothstep(0.55, 0.85, field)
    return shade, inside * (0.55 + 0.5 * smoothstep(0.7, 2.2, field)) + 0.14 * field.clamp(0, 1)


def bubbles(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Three layers of rising, rim-lit bubbles."""
    light, shade = torch.zeros_like(u + v + t), torch.zeros_like(u + v + t)
    for layer in range(3):
        density = 0.9 + 0.45 * layer + 0.7 * p[0]
        x = u * density + layer * 5.3 + 0.15 * torch.sin(v * 2 + t * 0.9)
        y = v * density + t * (0.5 + 0.18 * layer) + p[1] * 20
        column, row = x.floor(), y.floor()
        key = hash_unit(column, row, float(layer))
        radius = 0.2 + 0.2 * key
        distance = torch.sqrt((x - column - 0.5) ** 2 + (y - row - 0.5) ** 2 + 1e-6)
        rim = 0.25 + 0.8 * (distance / radius) ** 2
        glow = smoothstep(radius, radius - 0.04, distance) * rim * (key > 0.25)
        shade = torch.where(glow > light, 0.15 + 0.85 * torch.frac(key * 7.3), shade)
        light = torch.maximum(light, glow)
    return shade, light + 0.07 * (1 - light)


def cells(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Living mosaic: coloured cells with dark walls."""
    nearest, second, identity = voronoi(u, v, t * 1.4, (p[0], p[1], p[2]))
    walls = smoothstep(0.02, 0.22, second - nearest)
    return 0.12 + 0.88 * identity, (0.05 + 0.95 * walls) * (1.1 - 0.6 * nearest)


def lace(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Bright threads along the walls between moving cells."""
    nearest, second, _ = voronoi(u, v, t * 1.4, (p[0], p[1], p[2]))
    threads = torch.exp(-(second - nearest) * 9)
    return (threads * 0.8 + 0.25 * nearest).clamp(0, 1), 0.07 + 1.0 * threads


def ribbons(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Five glowing bands weaving across the picture."""
    light, weighted = torch.zeros_like(u + v + t), torch.zeros_like(u + v + t)
    for band in range(5):
        swing = torch.sin(
            u * (1.2 + 0.5 * band * p[0]) + t * (0.8 + 0.2 * band) + band * 1.3 + p[1] * 6
        )
        centre = 0.55 * swing * torch.cos(t * 0.35 + band) + 0.12 * torch.sin(u * 3 + t * 1.4)
        offset = v - centre
        glow = torch.exp(-((offset / (0.06 + 0.04 * p[2])) ** 2)) + 0.2 / (1 + (offset * 8) ** 2)
        light, weighted = light + glow, weighted + glow * (band / 4)
    return (weighted / (light + 0.03)).clamp(0, 1), (0.02 + light).clamp(0, 1.12)


def beams(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Searchlights sweeping round a bright source."""
    radius, angle = polar(u - 0.3 * torch.sin(t * 0.3), v - 0.7 * (p[0] - 0.5))
    count = torch.round(3 + 5 * p[1])
    wide = 0.5 + 0.5 * torch.sin(angle * count + t * 1.3)
    narrow = 0.5 + 0.5 * torch.sin(angle * (count + 2) - t * 1.0 + p[2] * 6)
    rays = (wide**3 + 0.6 * narrow**4) * smoothstep(1.9, 0.1, radius)
    return narrow * 0.75 + 0.25 * torch.exp(-radius * 3), (
        0.03 + rays + 0.7 * torch.exp(-radius * 6)
    ).clamp(0, 1.15)
