"""Families of weather and sky: rain, lightning, galaxy, petals, mountains, fireworks.

Arguments and returns as in `families_flow`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, polar, rotate, smoothstep, swirl_noise


def rain(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Slanted streaks at four depths before drifting mist."""
    x = u + v * 0.5 * (p[0] - 0.5)
    mist = 0.5 + 0.25 * torch.sin(u * 2 + t * 0.7 + p[3] * 6) + 0.25 * torch.sin(v * 3 - u + t)
    shade, light = 0.05 + 0.45 * mist, 0.14 + 0.30 * mist**2
    for depth in range(4):
        across = x * (3.4 + 1.7 * depth + 1.5 * p[1]) + depth * 7.3
        lane = across.floor()
        key = hash_unit(lane, lane * 0 + depth, 1.0)
        fall = v * (0.42 + 0.10 * depth) - t * (0.7 + 0.4 * key) * (1.2 - 0.15 * depth) + key * 17
        along = fall - fall.floor()
        start = 0.55 - 0.3 * p[2]
        streak = ((along - start) / (1 - start)).clamp_min(0) * smoothstep(1.0, 0.95, along)
        streak = streak * torch.exp(-(((across - lane - 0.3 - 0.4 * key) * 6.5) ** 2))
        shade = shade + (0.5 + 0.5 * key - shade) * streak
        light = light + streak * (1.15 - 0.12 * depth)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def _zigzag(x: Tensor) -> Tensor:
    """Return a triangle wave of period 1 between -1 and 1."""
    return 4 * (x - x.floor() - 0.5).abs() - 1


def _jagged(v: Tensor, seed: Tensor) -> Tensor:
    bolt = 0.16 * _zigzag(v * 0.9 + seed * 7) + 0.08 * _zigzag(v * 2.3 + seed * 13)
    return bolt + 0.035 * _zigzag(v * 5.1 + seed * 29)


def lightning(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Branching bolts under a rolling cloud, each with a slow afterglow."""
    cloud = swirl_noise(u * 1.2 + t * 0.3, v * 1.6 + t * 0.1, t * 3.0, (p[0], p[1]))
    light, shade = 0.10 + 0.42 * cloud * smoothstep(0.9, -0.8, v), 0.1 + 0.45 * cloud
    for bolt in range(3):
        turn = t * 0.55 + bolt / 3 + p[2]
        age, seed = turn - turn.floor(), hash_unit(turn.floor(), turn * 0 + bolt, 2.0)
        # It strikes within a tenth of its life and fades over the rest: bright, but no strobe.
        glow = smoothstep(0.0, 0.07, age) * torch.exp(-age * 3.0)
        centre = (seed - 0.5) * 1.5 + 0.25 * torch.sin(v * 1.1 + seed * 9)
        fork = 0.5 * (torch.frac(seed * 7.7) - 0.5) + 0.35
        start = -0.5 + 0.6 * torch.frac(seed * 3.3)
        trunk = (u - centre - _jagged(v, seed)).abs()
        branch = (u - centre - _jagged(v + 3, seed) - fork * (v - start)).abs()
        branch = branch + 4 * (start - v).clamp_min(0) + 0.12 * (v - start).clamp_min(0)
        distance = torch.minimum(trunk, branch)
        arc = torch.exp(-distance * 30) * 1.2 + 0.6 * torch.exp(-distance * 3.5)
        light = light + arc * glow
        shade = shade + (0.55 + 0.45 * torch.exp(-distance * 12) - shade) * (arc * glow).clamp(0, 1)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def galaxy(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Tilted arms of stars and dust turning round a bright core."""
    x, y = rotate(u, v, p[0] * 3 + 0.1 * t)
    radius, angle = polar(x * 0.95, y / (0.5 + 0.4 * p[1]))
    arms = 2 + torch.round(p[2])
    swirl = arms * angle + 6.5 * torch.log(radius + 0.08) - t * 1.5
    arm = (0.5 + 0.5 * torch.sin(swirl)) ** 1.5
    fine = 0.5 + 0.5 * torch.sin(swirl * 2 + 9 * radius + 2 * torch.sin(angle * 3 + t))
    core = torch.exp(-((radius * 2.8) ** 2))
    column, row = (x * 11).floor(), (y * 11).floor()
    key = hash_unit(column, row, 4.0)
    dx, dy = x * 11 - column - 0.2 - 0.6 * key, y * 11 - row - 0.2 - 0.6 * torch.frac(key * 7)
    star = torch.exp(-(dx * dx + dy * dy) * 30) * (key > 0.6)
    star = star * (0.6 + 0.4 * torch.sin(t * 4 + key * 40))
    disc = torch.exp(-radius * 1.15)
    light = 0.07 + core + arm * disc * (0.55 + 0.9 * fine) + 0.2 * disc + 0.9 * star
    shade = (0.08 + 0.5 * arm * fine + 0.25 * disc + 0.75 * core).clamp(0, 1)
    return torch.maximum(shade, star * (0.4 + 0.6 * key)), light.clamp(0, 1.15)


def petals(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A flower of four turning rings of petals that open and close."""
    radius, angle = polar(u, v)
    count = torch.round(2 + 3 * p[0])
    shade = torch.zeros_like(radius + t)
    light = 0.10 + 0.12 * (0.5 + 0.5 * torch.sin(radius * 9 - t * 2))
    for ring in range(4):
        turn = angle * count + (t * 1.5 + ring * 1.1) * (1 if ring % 2 else -1)
        petal = torch.cos(turn).abs()
        breath = 0.85 + 0.25 * torch.sin(t * 1.9 + ring * 1.3 + p[1] * 6)
        edge = (1.35 - 0.32 * ring) * breath * (0.45 + 0.55 * petal**0.7)
        inside = smoothstep(edge, edge - 0.035, radius)
        depth = (radius / edge).clamp(0, 1)
        vein = 0.85 + 0.15 * torch.cos(turn * 5)
        shade = shade + inside * ((ring / 3) * 0.6 + 0.4 * depth - shade)
        light = light + inside * ((0.18 + 0.85 * depth**1.5) * vein - light)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def mountains(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Ridge behind ridge, each a glowing line, rolling towards the viewer."""
    travel = t * 0.8
    step, moved = travel - travel.floor(), travel.floor()
    shade = 0.05 + 0.25 * (0.5 - 0.5 * v).expand_as(u + t)
    light = 0.10 + 0.55 * smoothstep(-0.2, -1.0, v).expand_as(u + t)
    for ridge in range(9):
        near = (ridge + step) / 9
        key = hash_unit(moved - ridge, moved * 0, 6.0)
        slow = torch.sin(u * (2.2 + 1.5 * p[0]) + key * 40)
        sharp = torch.sin(u * (5 + 2 * p[1]) + key * 70) * torch.sin(u * 9.7 + key * 90)
        height = (0.10 + 0.26 * near) * (0.55 + 0.45 * slow) * (0.9 + 0.6 * sharp)
        height = height * torch.exp(-((u * (0.55 + 0.3 * p[2])) ** 2))
        below = v - (-0.62 + 1.75 * near**1.5 - height.clamp_min(0))
        cover = smoothstep(0.0, 0.012, below)
        line = torch.exp(-((below / (0.014 + 0.02 * near)) ** 2))
        slope = torch.exp(-below.clamp_min(0) * 4.5)
        shade = shade + cover * (0.10 + 0.55 * near + 0.25 * slope - shade)
        shade = shade + line * (0.55 + 0.45 * near - shade)
        light = light + cover * (0.04 + 0.62 * slope - light) + line * (0.5 + 0.5 * near)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def fireworks(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Bursts of sparks that spread, sink and fade, several at a time."""
    light = 0.08 + 0.10 * (0.5 + 0.5 * v) + 0 * u + 0 * t
    shade = 0.05 + 0.2 * (0.5 + 0.5 * v) + 0 * u + 0 * t
    for burst in range(5):
        turn = t * 0.36 + burst / 5 + p[0]
        age, number = turn - turn.floor(), turn.floor()
        key, other = (
            hash_unit(number, turn * 0 + burst, 3.0),
            hash_unit(number, turn * 0 + burst, 8.0),
        )
        x, y = u - 1.3 * (key - 0.5), v + 0.75 - 0.9 * other - 0.45 * age * age
        radius, angle = polar(x, y)
        sparks = torch.round(9 + 7 * p[1])
        spoke = (angle / TAU + key) * sparks
        lane = torch.remainder(spoke.floor(), sparks)
        reach = (1 - torch.exp(-3.2 * age)) * (0.75 + 0.35 * hash_unit(lane, number, 5.0))
        reach = reach * (0.65 + 0.3 * other)
        aside = (spoke - spoke.floor() - 0.5) * TAU / sparks * radius
        behind = (reach - radius).clamp_min(0)
        head = torch.exp(-((aside * 26) ** 2) - ((radius - reach) * 22) ** 2)
        tail = torch.exp(-((aside * 34) ** 2) - behind * 5.5) * smoothstep(
            0.02, -0.02, radius - reach
        )
        halo = 0.35 * torch.exp(-(((radius - 0.8 * reach) * 4) ** 2))
        glow = (1.3 * head + 0.75 * tail + halo) * smoothstep(0.0, 0.05, age) * (1 - age) ** 1.3
        light = light + glow
        shade = shade + ((0.3 + 0.7 * torch.frac(key * 5.1 + 0.5 * head)) - shade) * glow.clamp(
            0, 1
        )
    return shade.clamp(0, 1), light.clamp(0, 1.15)
