"""Control maps like depth: the nearer, the brighter. Arguments as in `figures`; maps in 0 to 1."""

import torch
from torch import Tensor

from engine.visuals.fields import TAU, polar, smoothstep
from engine.visuals.figures import Axes, columns, dancer_distance, fresh


def depth_floor(axes: Axes, p: Tensor) -> Tensor:
    """Draw a floor that recedes to a horizon, and two figures that walk towards us and away."""
    u, v, s = axes
    q = columns(p)
    horizon = -0.25 + 0.35 * q[10] + 0.05 * torch.sin(s * 0.5 + q[11] * TAU)
    depth = 0.8 * ((v - horizon) / (1 - horizon)).clamp(0, 1) + torch.zeros_like(u)
    for figure in range(2):
        walk = s * (0.5 + 0.9 * q[figure]) + TAU * q[2 + figure]
        nearness = 0.62 + 0.36 * torch.sin(walk)
        size = 0.25 + 0.75 * nearness**2
        feet = horizon + (1 - horizon) * (0.15 + 0.85 * nearness)
        x = (u - (q[4 + figure] - 0.5) * 1.6 - 0.3 * torch.sin(walk * 0.6)) / size
        distance = dancer_distance((x, (v - feet) / size + 0.95, s), fresh(p, 1 + figure))
        seen = smoothstep(0.04, -0.04, distance * size)
        depth = depth + seen * (nearness - depth).clamp(min=0)
    return depth


def depth_spheres(axes: Axes, p: Tensor) -> Tensor:
    """Draw four spheres that come nearer and draw back."""
    u, v, s = axes
    depth = torch.zeros((p.shape[0], s.shape[1], v.shape[2], u.shape[3]), device=u.device)
    for sphere in range(4):
        q = columns(fresh(p, 1 + sphere))
        pace = s * (0.5 + 1.1 * q[0]) + q[1] * TAU
        nearness = 0.5 + 0.5 * torch.sin(pace)
        radius = (0.16 + 0.4 * nearness) * (0.7 + 0.5 * q[2])
        x = u - (q[3] * 1.6 - 0.8) - 0.3 * torch.sin(pace * 0.6 + q[4] * TAU)
        y = v - (q[5] * 1.4 - 0.7) - 0.3 * torch.cos(pace * 0.5 + q[6] * TAU)
        inner = (x * x + y * y) / (radius * radius)
        round_off = 0.75 + 0.25 * (1 - inner).clamp(min=0).sqrt()
        level = (0.25 + 0.75 * nearness) * round_off * smoothstep(1.08, 0.92, inner)
        depth = torch.maximum(depth, level)
    return depth


def depth_tunnel(axes: Axes, p: Tensor) -> Tensor:
    """Draw a tunnel with ribs that pass by: the walls are near, the end is far."""
    u, v, s = axes
    q = columns(p)
    pace = s * (0.6 + 1.2 * q[0]) + q[1] * TAU
    x = u - 0.35 * torch.sin(pace * 0.6)
    y = v - 0.3 * torch.cos(pace * 0.5 + q[2] * TAU)
    radius, angle = polar(x, y)
    corners = 3 + torch.floor(q[3] * 4)
    radius = radius * (1 + 0.12 * torch.cos(angle * corners + pace * 0.4))
    nearness = smoothstep(0.12, 1.1, radius)
    ribs = torch.sin(2.2 * torch.log(radius + 0.05) * (1.5 + q[4]) - pace * 2.5)
    return (nearness * (0.82 + 0.18 * ribs)).clamp(0, 1)
