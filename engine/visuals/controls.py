"""Control maps: grey moving pictures of the kind a camera's silhouette, luminance or edges give.

A map is 1 where the generated picture shall react and 0 where it shall stay itself.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from engine.visuals.fields import TAU, capsule, ridges, smoothstep, swirl_noise

NUM_PARAMETERS = 12

Axes = tuple[Tensor, Tensor, Tensor]
"""u [1, 1, 1, W], v [1, 1, H, 1], seconds [1, F, 1, 1]."""


def dancer_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the signed distance to a dancing figure, [B, F, H, W]; negative inside.

    Args:
        axes: where and when.
        p: random parameters [B, 12].
    """
    u, v, s = axes
    q = p.view(p.shape[0], -1, 1, 1, 1).unbind(1)
    pace, phase, scale = 0.6 + 1.3 * q[0], q[1] * TAU, 0.75 + 0.6 * q[4]
    x = (u - (q[2] - 0.5) * 0.7 - 0.45 * torch.sin(s * pace * 0.7 + phase)) / scale
    y = (v - (q[3] - 0.5) * 0.3 - 0.12 * torch.sin(s * pace + phase * 2)) / scale
    still = torch.zeros_like(s * pace)
    sway = 0.12 * torch.sin(s * pace * 2 + phase * 3)
    arm1 = torch.sin(s * pace * 1.9 + phase) * 1.2 - 0.2
    arm2 = torch.sin(s * pace * 1.7 + phase * 1.7) * 1.2 - 0.2
    leg = 0.25 * torch.sin(s * pace * 2 + phase)
    bend = 0.5 * torch.sin(s * pace * 2.3 + phase * 2)
    limbs = (
        ((sway, still - 0.52), (sway, still - 0.50), 0.14),
        ((sway, still - 0.25), (0.04 * torch.sin(s * pace) + still, still + 0.2), 0.17),
        *_arm(sway + 0.12, arm1, bend, 1.0),
        *_arm(sway - 0.12, arm2, bend, -1.0),
        ((still + 0.08, still + 0.2), (0.14 + leg, still + 0.75), 0.09),
        ((still - 0.08, still + 0.2), (-0.14 + leg, still + 0.75), 0.09),
    )
    distances = [capsule(x, y, start, end) - radius for start, end, radius in limbs]
    return torch.stack(distances).amin(0) * scale


def _arm(
    shoulder: Tensor, angle: Tensor, bend: Tensor, side: float
) -> list[tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], float]]:
    """Return upper arm and forearm as capsules."""
    height = torch.zeros_like(shoulder) - 0.25
    elbow = (shoulder + side * 0.25 * torch.cos(angle), height + 0.25 * torch.sin(angle))
    turned = angle - bend.abs()
    hand = (elbow[0] + side * 0.24 * torch.cos(turned), elbow[1] + 0.24 * torch.sin(turned))
    return [((shoulder, height), elbow, 0.08), (elbow, hand, 0.065)]


def blobs_distance(axes: Axes, p: Tensor) -> Tensor:
    """Return the distance to three wandering discs, [B, F, H, W]; negative inside."""
    u, v, s = axes
    q = p.view(p.shape[0], -1, 1, 1, 1).unbind(1)
    pace, phase = 0.6 + 1.3 * q[0], q[1] * TAU
    distances = []
    for blob in range(3):
        x = u - 0.6 * torch.sin(s * pace * (0.6 + 0.2 * blob) + phase + blob * 2)
        y = v - 0.55 * torch.cos(s * pace * (0.7 + 0.15 * blob) + q[5 + blob] * TAU)
        distances.append(torch.sqrt(x * x + y * y + 1e-6) - (0.12 + 0.26 * q[8 + blob]))
    return torch.stack(distances).amin(0)


def _silhouette(distance: Tensor) -> Tensor:
    return smoothstep(0.035, -0.035, distance)


def _outline(distance: Tensor) -> Tensor:
    return torch.exp(-((distance / 0.045) ** 2))


def _dancer(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(dancer_distance(axes, p))


def _blobs(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(blobs_distance(axes, p))


def _dancer_outline(axes: Axes, p: Tensor) -> Tensor:
    return _outline(dancer_distance(axes, p))


def _blobs_outline(axes: Axes, p: Tensor) -> Tensor:
    return _outline(blobs_distance(axes, p))


def _noise(axes: Axes, p: Tensor, zoom: float) -> Tensor:
    u, v, s = axes
    q = p.view(p.shape[0], -1, 1, 1, 1).unbind(1)
    drift = 0.4 * torch.sin(s * (0.4 + q[4]) + q[5] * TAU)
    return swirl_noise((u + drift) * zoom, v * zoom + drift, s * (0.8 + 1.6 * q[0]), (q[6], q[7]))


def _lit_dancer(axes: Axes, p: Tensor) -> Tensor:
    """Draw a figure shaded from one side before a dim, moving room: what luminance looks like."""
    distance = dancer_distance(axes, p)
    shading = 0.6 + 0.4 * torch.tanh(-distance * 6) + 0.25 * (_noise(axes, p, 1.4) - 0.5)
    room = 0.35 * smoothstep(0.45, 0.85, _noise(axes, p.roll(3, 1), 0.8))
    inside = _silhouette(distance)
    return (inside * shading + (1 - inside) * room).clamp(0, 1)


def _soft_luminance(axes: Axes, p: Tensor) -> Tensor:
    spread = 0.12 + 0.25 * p[:, 8].view(-1, 1, 1, 1)
    return smoothstep(0.5 - spread, 0.5 + spread, _noise(axes, p, 0.9))


def _scene_edges(axes: Axes, p: Tensor) -> Tensor:
    sharpness = 12 + 10 * p[:, 9].view(-1, 1, 1, 1)
    return ridges(_noise(axes, p, 0.8), 16.0) ** (sharpness / 16)


CONTROL_KINDS: Final[dict[str, tuple[float, Callable[[Axes, Tensor], Tensor]]]] = {
    "dancer": (0.30, _dancer),
    "blobs": (0.15, _blobs),
    "lit dancer": (0.20, _lit_dancer),
    "soft luminance": (0.15, _soft_luminance),
    "dancer outline": (0.10, _dancer_outline),
    "blobs outline": (0.04, _blobs_outline),
    "scene edges": (0.06, _scene_edges),
}
"""Kind to (share of the controlled clips, how it is drawn)."""


def draw_controls(axes: Axes, kinds: list[str | None], p: Tensor) -> Tensor:
    """Draw one map per clip.

    Args:
        axes: where and when.
        kinds: B names of `CONTROL_KINDS`; None draws an empty map.
        p: random parameters [B, 12].

    Returns:
        Maps [B, F, H, W] in 0 to 1.
    """
    u, v, s = axes
    maps = torch.zeros(len(kinds), s.shape[1], v.shape[2], u.shape[3], device=u.device)
    for kind, (_, draw) in CONTROL_KINDS.items():
        rows = [i for i, wanted in enumerate(kinds) if wanted == kind]
        if rows:
            index = torch.tensor(rows, device=u.device)
            maps[index] = draw(axes, p[index])
    return maps
