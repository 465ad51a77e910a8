"""Distances to the figures that control maps show: people, hands, discs, boxes.

All return signed distances [B, F, H, W], negative inside, in the units of the axes they are given.
`p` are random parameters [B, 12] in 0 to 1.
"""

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor

from engine.visuals.fields import TAU, rotate

Axes = tuple[Tensor, Tensor, Tensor]
"""u [1 or B, 1 or F, 1, W], v [1, 1, H, 1], seconds [1 or B, F, 1, 1]."""

Point = tuple[Tensor, Tensor]
Bone = tuple[Point, Point, float, float]
"""From where to where, and how thick at both ends."""


def columns(p: Tensor) -> tuple[Tensor, ...]:
    """Return the parameters [B, 12] as 12 tensors [B, 1, 1, 1]."""
    return p.view(p.shape[0], -1, 1, 1, 1).unbind(1)


def fresh(p: Tensor, salt: int) -> Tensor:
    """Return other parameters [B, 12] in 0 to 1, as good as random next to `p`."""
    return torch.frac(p.roll(salt, 1) * (7.13 + 1.7 * salt) + p * 3.37 + 0.61 * salt)


def union(distances: Iterable[Tensor]) -> Tensor:
    """Return the distance to the nearest of several shapes."""
    return reduce(torch.minimum, distances)


def dancer_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to a swaying figure that stays about upright."""
    return figure_distance(axes, p, torch.zeros_like(p[:, :1]).view(-1, 1, 1, 1))


def jumper_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to a figure that jumps, turns and throws its arms overhead."""
    return figure_distance(axes, p, 0.6 + 0.4 * p[:, 11].view(-1, 1, 1, 1))


def figure_distance(axes: Axes, p: Tensor, energy: Tensor) -> Tensor:
    """Return the distance to a dancing figure with elbows and knees.

    Args:
        axes: where and when; a figure of middle size is 1.7 high.
        p: pace, phase, place (2), size and proportions.
        energy: 0 sways, 1 jumps; [B, 1, 1, 1].
    """
    u, v, s = axes
    q = columns(p)
    beat = s * (1.3 + 2.4 * q[0]) + q[1] * TAU
    scale = 0.72 + 0.6 * q[4] + energy * (0.7 * q[7] - 0.2)
    walk = (q[2] - 0.5) * 0.7 + 0.4 * torch.sin(beat * 0.33 + q[5] * TAU)
    drift = (q[3] - 0.5) * 0.3 + 0.08 * torch.sin(beat * 0.47)
    return union(
        bones_distances((u - walk) / scale, (v - drift) / scale, _body(beat, q, energy))
    ) * (scale)


def bones_distances(x: Tensor, y: Tensor, bones: Iterable[Bone]) -> Iterable[Tensor]:
    """Return the distance to each bone, a capsule that may taper."""
    for start, end, thick, thin in bones:
        px, py = x - start[0], y - start[1]
        dx, dy = end[0] - start[0], end[1] - start[1]
        along = ((px * dx + py * dy) / (dx * dx + dy * dy + 1e-4)).clamp(0, 1)
        reach = torch.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2 + 1e-6)
        yield reach + ((thick - thin) * along - thick)


def _body(beat: Tensor, q: tuple[Tensor, ...], energy: Tensor) -> list[Bone]:
    """Return the ten bones of a pose; the ground is at y = 0.85, the head at about -0.75."""
    turn = 1 - energy * (0.35 - 0.35 * torch.cos(beat * 0.5 + q[6] * TAU))
    spring = torch.sin(beat)
    crouch = 0.25 + energy * 0.55 * (0.5 - 0.5 * spring)
    hop = energy * 0.34 * spring.clamp(min=0)
    length = 0.9 + 0.25 * q[8]
    thigh, shin = 0.36 * length, 0.36 * length
    swing, sway = 0.22 * torch.sin(beat), 0.10 * torch.sin(beat + q[9] * TAU)
    hip = (sway * 0.5, 0.82 - (thigh + shin) * torch.cos(crouch * 0.8) - hop)
    neck = (hip[0] + sway + energy * 0.1 * torch.sin(beat * 0.5), hip[1] - 0.46)
    head = (neck[0] + 0.4 * sway, neck[1] - 0.22)
    bones: list[Bone] = [(head, (head[0], head[1] + 0.03), 0.125, 0.11), (neck, hip, 0.15, 0.12)]
    for side in (-1.0, 1.0):
        shoulder = (neck[0] + side * 0.15 * turn, neck[1] + 0.03)
        lift = (
            1.35
            + energy * (0.7 * q[10])
            + (1.05 - 0.2 * energy)
            * torch.sin(beat * (0.5 if side > 0 else 0.5 + 0.5 * q[10].round()) + side * q[9] * 3)
        )
        bones += _limb(
            shoulder, (0.27, 0.25), lift, lift + 0.7 * torch.sin(beat + side), side * turn
        )
        joint = (hip[0] + side * 0.085 * turn, hip[1])
        spread = crouch * (0.75 + 0.25 * side * torch.sin(beat * 0.5)) + side * swing * 0.6
        leg = _limb(joint, (thigh, shin), spread, spread - 1.3 * crouch, side * turn)
        bones += [(start, end, 1.3 * thick, 1.25 * thin) for start, end, thick, thin in leg]
    return bones


def _limb(
    root: Point,
    lengths: tuple[Tensor | float, Tensor | float],
    first: Tensor,
    second: Tensor,
    side: Tensor,
) -> list[Bone]:
    """Return both parts of a limb whose angles count from hanging down, outwards on `side`."""
    middle = (
        root[0] + side * lengths[0] * torch.sin(first),
        root[1] + lengths[0] * torch.cos(first),
    )
    tip = (
        middle[0] + side * lengths[1] * torch.sin(second),
        middle[1] + lengths[1] * torch.cos(second),
    )
    return [(root, middle, 0.085, 0.07), (middle, tip, 0.07, 0.055)]


def blobs_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to three wandering discs."""
    u, v, s = axes
    q = columns(p)
    pace, phase = 0.6 + 1.3 * q[0], q[1] * TAU
    distances = []
    for blob in range(3):
        x = u - 0.6 * torch.sin(s * pace * (0.6 + 0.2 * blob) + phase + blob * 2)
        y = v - 0.55 * torch.cos(s * pace * (0.7 + 0.15 * blob) + q[5 + blob] * TAU)
        distances.append(torch.sqrt(x * x + y * y + 1e-6) - (0.12 + 0.26 * q[8 + blob]))
    return union(distances)


def hand_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to a big hand that reaches in from an edge, fingers opening."""
    u, v, s = axes
    q = columns(p)
    pace = s * (0.8 + 1.6 * q[0]) + q[1] * TAU
    angle = TAU * q[2] + 0.35 * torch.sin(pace * 0.7)
    scale = 0.7 + 0.6 * q[3]
    x, y = rotate(u - 0.4 * (q[4] - 0.5), v - 0.4 * (q[5] - 0.5), angle)
    x, y = x / scale, (y - 0.4 + 0.35 * torch.sin(pace)) / scale
    still = torch.zeros_like(pace)
    palm = (still, still - 0.1)
    bones: list[Bone] = [
        ((still, still + 2.5), (still, still + 0.35), 0.22, 0.17),
        ((still, still + 0.2), palm, 0.22, 0.24),
    ]
    opening = 0.75 + 0.25 * torch.sin(pace * 1.3 + q[6] * TAU)
    for finger in range(5):
        fan = (finger - 2) * 0.36 * opening - 0.1
        length = (0.36, 0.5, 0.56, 0.52, 0.42)[finger] * (0.65 + 0.35 * opening)
        root = (palm[0] + 0.2 * torch.sin(fan * 1.6), palm[1] - 0.12 * torch.cos(fan))
        tip = (root[0] + length * torch.sin(fan), root[1] - length * torch.cos(fan))
        bones.append((root, tip, 0.085, 0.06))
    return union(bones_distances(x, y, bones)) * scale


def boxes_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to two turning boxes that cross the picture."""
    u, v, s = axes
    q = columns(p)
    distances = []
    for box in range(2):
        pace = s * (0.5 + q[box]) + q[2 + box] * TAU
        x, y = rotate(
            u - 0.8 * torch.sin(pace * 0.7 + box), v - 0.45 * torch.cos(pace * 0.9), pace * 0.6
        )
        wide, high = x.abs() - (0.2 + 0.3 * q[4 + box]), y.abs() - (0.15 + 0.3 * q[6 + box])
        outside = torch.sqrt(wide.clamp(min=0) ** 2 + high.clamp(min=0) ** 2 + 1e-6)
        distances.append(outside + torch.maximum(wide, high).clamp(max=0))
    return union(distances)
