"""Families of weather and sky: rain, lightning, galaxy, petals, mountains, fireworks.

Arguments and returns as in `families_flow`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visuals.families_flow import Picture
from engine.visuals.fields import TAU, hash_unit, polar, rotate, smoothstep, swirl_noise


def rain(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Slanted streaks at three depths, splashing on wet ground."""
    x = u + v * 0.8 * (p[0] - 0.5)
    mist = 0.5 + 0.25 * torch.sin(u * 2 + t * 0.7 + p[3] * 6) + 0.25 * torch.sin(v * 3 - u + t)
    shade, light = 0.06 + 0.34 * mist, 0.08 + 0.42 * mist * mist
    for depth in range(3):
        across = x * (6.2 - 1.5 * depth + 1.5 * p[1]) + depth * 7.3
        lane = across.floor()
        key = hash_unit(lane, lane * 0 + depth, 1.0)
        fall = v * (0.52 - 0.09 * depth) - t * (0.6 + 0.25 * depth) * (0.8 + 0.4 * key) + key * 17
        along = fall - fall.floor()
        start = 0.65 - 0.35 * p[2]
        streak = ((along - start) / (1 - start)).clamp_min(0) * smoothstep(1.0, 0.97, along)
        streak = streak * torch.exp(-(((across - lane - 0.3 - 0.4 * key) * (8 - depth)) ** 2))
        tone = 0.30 + 0.20 * depth + 0.45 * torch.frac(key * 7.7)
        shade = shade + (tone - shade) * smoothstep(0.0, 0.25, streak)
        light = light + streak * (0.85 + 0.30 * depth)
    splash = _splashes(u, v, t, p[4])
    shade = shade + (0.55 + 0.45 * mist - shade) * splash.clamp(0, 1)
    return shade.clamp(0, 1), (light + 0.9 * splash).clamp(0, 1.15)


def _splashes(u: Tensor, v: Tensor, t: Tensor, variety: Tensor) -> Tensor:
    """Return rings that widen and fade where drops meet the ground below the middle."""
    depth = 0.5 / ((v - 0.12).clamp_min(0) + 0.16)
    x, y = u * depth * 2.6 + 0.5, depth * 3.4
    column, row = x.floor(), y.floor()
    key = hash_unit(column, row, 2.0)
    turn = t * (0.8 + 0.5 * key) + key * 9 + variety
    age = turn - turn.floor()
    dx, dy = x - column - 0.4 - 0.2 * key, y - row - 0.5
    ring = torch.sqrt(dx * dx + dy * dy + 1e-6) - 0.06 - 0.36 * age
    return torch.exp(-((ring * 17) ** 2)) * (1 - age) ** 1.5 * smoothstep(0.12, 0.4, v)


def _jagged(v: Tensor, seed: Tensor) -> Tensor:
    """Return a broken line through random points, at two scales."""
    total = torch.zeros_like(v + seed)
    for rate, size in ((1.9, 0.34), (6.1, 0.12)):
        along = v * rate + seed * 91
        node = along.floor()
        here, there = hash_unit(node, seed * 57), hash_unit(node + 1, seed * 57)
        total = total + size * (here + (there - here) * (along - node) - 0.5)
    return total


def _bolt(u: Tensor, v: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance to a bolt's trunk, and to the nearer of its two branches."""
    jag = _jagged(v, seed)
    lean = 0.5 * (torch.frac(seed * 5.7) - 0.5)
    path = u - 1.3 * (seed - 0.5) - lean * v - jag
    fork = 0.4 + 0.3 * torch.frac(seed * 7.7)
    first = v + 0.55 - 0.5 * torch.frac(seed * 3.3)
    second = first - 0.3
    right = (path - first * (fork + 1.6 * jag)).abs() + 7 * (-first).clamp_min(0)
    left = (path + second * (fork - 1.6 * jag)).abs() + 7 * (-second).clamp_min(0)
    return path.abs(), torch.minimum(right + 0.03 * first.clamp_min(0), left)


def lightning(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Branching bolts out of a rolling cloud, each with a slow afterglow."""
    cloud = swirl_noise(u * 1.2 + t * 0.3, v * 1.6 + t * 0.1, t * 3.0, (p[0], p[1]))
    ceiling = smoothstep(0.35, -0.6, v)
    light = 0.03 + (0.08 + 0.42 * ceiling) * cloud * cloud
    shade = 0.05 + 0.42 * cloud
    for bolt in range(3):
        # Three bolts at 0.4 a scene second: under three flashes a second even at speed "fast".
        turn = t * 0.4 + bolt / 3 + p[2]
        age = turn - turn.floor()
        seed = hash_unit(turn.floor(), p[3] + bolt, 2.0)
        glow = smoothstep(0.0, 0.05, age) * torch.exp(-age * 2.2) * (1 - age)
        trunk, branch = _bolt(u, v, seed)
        core = torch.exp(-((trunk * 32) ** 2)) + 0.8 * torch.exp(-((branch * 50) ** 2))
        aura = torch.exp(-trunk * 4.5) + 0.4 * torch.exp(-branch * 7)
        light = light + (1.8 * core + 0.7 * aura * (0.4 + 0.9 * cloud)) * glow
        heat = (1.8 * core + 0.9 * aura) * glow
        shade = shade + (0.45 + 0.55 * heat.clamp(0, 1) - shade) * (1.6 * heat).clamp(0, 1)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def galaxy(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Tilted arms of stars and dust turning round a bright core."""
    x, y = rotate(u, v, p[0] * 3 + 0.1 * t)
    radius, angle = polar(x * 0.95, y / (0.5 + 0.4 * p[1]))
    arms = 2 + torch.round(p[2])
    swirl = arms * angle + 6.5 * torch.log(radius + 0.08) - t * 2.2
    arm = (0.5 + 0.5 * torch.sin(swirl)) ** 1.5
    fine = 0.5 + 0.5 * torch.sin(swirl * 2 + 9 * radius + 2 * torch.sin(angle * 3 + t))
    core = torch.exp(-((radius * 2.8) ** 2))
    column, row = (x * 11).floor(), (y * 11).floor()
    key = hash_unit(column, row, 4.0)
    dx, dy = x * 11 - column - 0.2 - 0.6 * key, y * 11 - row - 0.2 - 0.6 * torch.frac(key * 7)
    star = torch.exp(-(dx * dx + dy * dy) * 30) * (key > 0.6)
    star = star * (0.6 + 0.4 * torch.sin(t * 4 + key * 40 + p[3] * 6))
    disc = torch.exp(-radius * 1.15)
    light = 0.05 + core + arm * disc * (0.55 + 0.9 * fine) + 0.2 * disc + 0.9 * star
    shade = (0.06 + 0.62 * arm * (0.4 + 0.6 * fine) + 0.15 * disc + 0.75 * core).clamp(0, 1)
    return torch.maximum(shade, star * (0.4 + 0.6 * key)), light.clamp(0, 1.15)


def petals(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """A flower of five turning rings of petals that open and close."""
    radius, angle = polar(u, v)
    count = torch.round(2 + 3 * p[0])
    glow = 0.5 + 0.5 * torch.sin(radius * 9 - t * 2) * torch.cos(angle * count * 2 + t)
    shade, light = 0.1 + 0.35 * glow, 0.08 + 0.22 * glow
    for ring in range(5):
        turn = angle * count + (t * 1.3 + ring * 1.1) * (1 if ring % 2 else -1)
        petal = torch.cos(turn).abs()
        opening = 0.5 + 0.5 * torch.sin(t * 1.7 - ring * 0.9 + p[1] * 6)
        reach = (1.55 - 0.31 * ring) * (0.72 + 0.33 * opening)
        edge = reach * (0.50 + 0.50 * petal ** (0.45 + 0.6 * p[2]))
        inside = smoothstep(edge, edge - 0.03, radius)
        depth = (radius / edge).clamp(0, 1)
        vein = 0.84 + 0.16 * torch.cos(turn * 6)
        # Two neighbouring rings lie half the palette apart, so that they never melt together.
        tone = 0.04 + 0.48 * (ring % 2) + 0.34 * depth + 0.14 * opening
        shade = shade + inside * (tone - shade)
        light = light + inside * ((0.10 + 0.95 * depth * depth) * vein - light)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def mountains(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Ridge behind ridge, each a glowing line, rolling towards the viewer."""
    travel = t * 0.8
    moved = travel.floor()
    step = travel - moved
    shade = 0.05 + 0.25 * (0.5 - 0.5 * v) + 0 * (u + t)
    light = 0.06 + 0.50 * smoothstep(-0.1, -0.9, v) + 0 * (u + t)
    envelope = torch.exp(-((u * (0.5 + 0.7 * p[2])) ** 2))
    for ridge in range(9):
        near = (ridge + step) / 9
        key = hash_unit(moved - ridge, p[3], 6.0)
        slow = torch.sin(u * (2.2 + 1.5 * p[0]) + key * 40)
        sharp = torch.sin(u * (5 + 3 * p[1]) + key * 70) * torch.sin(u * 9.7 + key * 90)
        rough = 0.16 * torch.sin(u * (19 + 4 * p[1]) + key * 150)
        height = (0.12 + 0.30 * near) * (0.6 + 0.4 * slow) * (0.8 + 0.75 * sharp + rough)
        below = v - (-0.48 + 1.95 * near**1.6 - height.clamp_min(0) * envelope)
        # A new ridge rises out of the haze; it must not pop up.
        seen = smoothstep(0.0, 0.12, near)
        cover = smoothstep(0.0, 0.012, below) * seen
        line = torch.exp(-((below / (0.012 + 0.024 * near)) ** 2)) * seen
        slope = torch.exp(-below.clamp_min(0) * 5)
        shade = shade + cover * (0.08 + 0.50 * near + 0.30 * slope - shade)
        shade = shade + line * (0.50 + 0.55 * near - shade)
        light = light + cover * (0.04 + 0.50 * slope - light) + line * (0.55 + 0.5 * near)
    return shade.clamp(0, 1), light.clamp(0, 1.15)


def _burst(u: Tensor, v: Tensor, turn: Tensor, p: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the sparks of one shell, how bright they are and what share of that is head."""
    number = turn.floor()
    age = turn - number
    key, other = hash_unit(number, p[2], 3.0), hash_unit(number, p[2] + 5, 8.0)
    x, y = u - 1.5 * (key - 0.5), v + 0.45 - 0.5 * other - 0.45 * age * age
    radius, angle = polar(x, y)
    sparks = torch.round(9 + 7 * p[1])
    spoke = (angle / TAU + key) * sparks
    lane = torch.remainder(spoke.floor(), sparks)
    random = hash_unit(lane, number, 5.0)
    reach = (1 - torch.exp(-4 * age)) * (0.5 + 0.35 * other) * (0.8 + 0.4 * random)
    aside = (spoke - spoke.floor() - 0.5) * TAU / sparks * radius
    front = radius - reach
    across = torch.exp(-((aside * 30) ** 2))
    head = torch.exp(-((front * 19) ** 2)) * across * (0.8 + 0.2 * torch.sin(age * 60 + 9 * random))
    trail = torch.exp(front.clamp_max(0) * (3 + 6 * age)) * smoothstep(0.02, -0.02, front)
    # The middle empties as the shell opens, or the spokes would melt into a disc there.
    trail = trail * across * smoothstep(0.15, 0.6, radius / (reach + 0.02))
    inner = torch.exp(-(((radius - 0.5 * reach) * 24) ** 2))
    inner = inner * (0.5 + 0.5 * torch.cos(spoke * TAU)) ** 3 * (1 - across)
    flash = 1.2 * torch.exp(-((radius * 8) ** 2) - age * 16)
    haze = 0.22 * torch.exp(-(((radius - 0.6 * reach) * 2.4) ** 2))
    opened = smoothstep(0.02, 0.3, age)
    fade = smoothstep(0.0, 0.04, age) * (1 - age) ** 1.1
    return (1.6 * head + opened * (0.85 * trail + 0.9 * inner) + flash + haze) * fade, head + inner


def fireworks(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Picture:
    """Bursts of sparks that spread, sink and fade, several at a time."""
    light = 0.05 + 0.10 * (0.5 + 0.5 * v) + 0 * (u + t)
    shade = 0.05 + 0.20 * (0.5 + 0.5 * v) + 0 * (u + t)
    for burst in range(5):
        turn = t * 0.36 + burst / 5 + p[0] + 50 * burst
        glow, head = _burst(u, v, turn, p)
        tone = 0.25 + 0.60 * hash_unit(turn.floor(), p[3], 4.0) + 0.45 * head
        light = light + glow
        shade = shade + (tone - shade) * (1.8 * glow).clamp(0, 1)
    return shade.clamp(0, 1), light.clamp(0, 1.15)
