"""Families that flow: flames, smoke, clouds, aurora, plasma, fractal, caustics, waves.

Every family takes coordinates u, v (about -1 to 1, v downwards), scene time t in seconds and twelve
random parameters p (0 to 1), all broadcasting to [B, F, H, W]. It returns `shade`, the place on the
palette (0 to 1), and `light`, the brightness (0 to 1.15).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.fields import ridges, smoothstep, swirl_noise

Picture = tuple[Tensor, Tensor]


def flames(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Tongues of fire rising from the lower edge."""
    height = 0.5 - 0.5 * v
    coarse = swirl_noise(u * 1.8, v * 1.1 + t * 1.6, t * 1.5, (p[0], p[1]))
    fine = swirl_noise(u * 3.1, v * 1.8 + t * 2.4, t, (p[2], p[3]))
    heat = 1.25 - height * (1.1 + 0.5 * p[4]) + (coarse - 0.5) * 1.4 + (fine - 0.5) * 0.8
    shade = (heat - 0.3 * u.abs()).clamp(0, 1)
    return shade, smoothstep(0.10, 0.55, shade)


def smoke(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Plumes that curl as they rise, lit from one side."""
    bend = swirl_noise(u * 0.9, v * 0.7 + t * 0.35, t * 0.6, (p[0], p[1])) - 0.5
    sway = 0.35 * torch.sin(v * 2.2 + t * 0.8 + p[2] * 6) + 0.9 * bend
    density = swirl_noise((u + sway) * 1.7, v * 1.2 + t * 0.9, t * 0.7, (p[3], p[4]))
    plume = torch.exp(-(((u + sway) * (0.9 + 0.5 * p[5])) ** 2) * 1.6)
    body = smoothstep(0.18, 0.85, density * (0.35 + 0.9 * plume))
    lit = 0.5 + 0.5 * torch.sin(density * 7 + sway * 3)
    return (0.2 + 0.8 * density * lit).clamp(0, 1), 0.05 + body * (0.45 + 0.65 * lit)


def clouds(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Soft masses folding into each other."""
    x = u + t * 0.22
    warp = swirl_noise(x, v, t * 1.8, (p[0], p[1]))
    shade = swirl_noise(x + warp * 1.5, v + warp * 1.2, t * 1.5, (p[2], p[3])).clamp(0, 1)
    return shade, 0.2 + 0.95 * smoothstep(0.1, 0.9, warp)


def aurora(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Curtains of light hanging from folding bands."""
    light = torch.zeros_like(u + v + t)
    weighted = torch.zeros_like(light)
    for band in range(3):
        fold = 0.25 * torch.sin(u * (1.6 + band * 0.7) + t * (0.5 + 0.2 * band) + p[band] * 6)
        fold = fold + 0.09 * torch.sin(u * 5.3 - t * 0.9 + band)
        depth = v - (fold - 0.35 + 0.42 * band + 0.2 * (p[3] - 0.5))
        rays = 0.55 + 0.45 * torch.sin(u * 19 + 4 * torch.sin(u * 2.3 + t * 0.6 + band) + t * 1.3)
        rise = torch.exp(-(-depth).clamp_min(0) * (1.7 + p[4])) * smoothstep(0.10, 0.0, depth)
        curtain = rise * (0.35 + 0.65 * rays)
        light, weighted = light + curtain, weighted + curtain * (0.25 + 0.75 * (1 - rise))
    shade = (0.25 + 0.75 * weighted / (light + 0.03)).clamp(0, 1)
    return shade, 0.03 + 0.95 * light.clamp(0, 1.15)


def plasma(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """The classic sum of sines, with dark valleys."""
    k = 2 + 3 * p[0]
    orbit = torch.sqrt(
        (u + 0.5 * torch.sin(t * 0.3)) ** 2 + (v + 0.5 * torch.cos(t * 0.4)) ** 2 + 0.01
    )
    total = torch.sin(u * k + t) + torch.sin(v * k * 1.2 - t * 0.7)
    total = total + torch.sin((u + v) * k * 0.8 + t * 0.5) + torch.sin(orbit * k * 1.7 - t)
    shade = (0.5 + 0.27 * total * (0.8 + 0.3 * p[1])).clamp(0, 1)
    return shade, 0.3 + 0.8 * (0.5 + 0.5 * torch.cos(total * 2.2 + p[2] * 6))


def fractal(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A Kali-set orbit trap: jewels and filaments."""
    x, y = u * 0.55 + 0.3 * torch.sin(t * 0.4), v * 0.55 + 0.15 * torch.cos(t * 0.5)
    cx = 0.62 + 0.1 * torch.sin(t * 0.6 + p[0] * 6)
    cy = 0.48 + 0.12 * torch.cos(t * 0.5 + p[1] * 6)
    trap, glow = torch.full_like(x + y, 9.0), torch.zeros_like(x + y)
    for _ in range(5):
        squared = (x * x + y * y).clamp_min(0.06)
        x, y = (x.abs() / squared - cx).clamp(-6, 6), (y.abs() / squared - cy).clamp(-6, 6)
        trap = torch.minimum(trap, (x * x + y * y).sqrt())
        glow = glow + torch.exp(-(x * x + y * y))
    return (trap * 1.1).clamp(0, 1), (0.12 + 0.38 * glow).clamp(0, 1.15)


def caustics(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Light on the floor of a pool: bright veins where two noises cross."""
    zoom = 0.8 + 0.6 * p[0]
    drift = 0.25 * torch.sin(v * 3 + t * 0.9)
    first = swirl_noise(u * zoom + drift, v * zoom - t * 0.25, t * 1.8, (p[1], p[2]))
    second = swirl_noise(u * zoom * 1.3 - t * 0.2, v * zoom * 1.3 + drift, t * 1.5, (p[3], p[4]))
    veins = (ridges(first, 13) + ridges(second, 15)).clamp(0, 1.5) / 1.5
    return (0.22 + 0.8 * veins).clamp(0, 1), 0.25 + 0.85 * veins


def waves(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Seven rows of swell, each lit along its crest."""
    shade = torch.zeros_like(u + v + t)
    light = torch.full_like(shade, 0.08)
    for row in range(7):
        swell = 0.13 * torch.sin(u * (2 + 2 * p[0]) + t * (0.9 + 0.12 * row) + row * 1.7 + p[1] * 6)
        crest = -0.7 + 0.24 * row + swell + 0.06 * torch.sin(u * 6 - t * 1.5 + row)
        below = smoothstep(0.0, 0.02, v - crest)
        shade = shade + below * (row / 6 - shade)
        light = light * (1 - below) + below * (0.25 + 0.85 * torch.exp(-(v - crest) * 5.5))
    return shade.clamp(0, 1), light.clamp(0, 1.15)
