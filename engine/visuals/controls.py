"""Control maps: grey moving pictures of the kind a camera's silhouette, luminance or edges give.

A map is 1 where the generated picture shall react and 0 where it shall stay itself.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from engine.visuals import figures
from engine.visuals.controls_depth import depth_floor, depth_spheres, depth_tunnel
from engine.visuals.fields import TAU, hash_unit, ridges, smoothstep, swirl_noise
from engine.visuals.figures import Axes, columns, dancer_distance, fresh

__all__ = ["CONTROL_KINDS", "NUM_PARAMETERS", "dancer_distance", "draw_controls"]

NUM_PARAMETERS = 12

_FPS = 16.0
_LATENT_PX = 8
_MIN_REACH = 0.5
_CLOSENESS = 0.75


def stage(axes: Axes, p: Tensor) -> Axes:
    """Return axes in which the picture is 2 high, whatever its shape, wandering where it is wide.

    A figure keeps its share of the height in a wide picture, and walks from side to side there.
    """
    u, v, s = axes
    # A wide picture is cut closer: figures may lose hair and shoes, but fill the frame.
    reach = v.abs().amax().clamp(min=_MIN_REACH) ** _CLOSENESS
    room = (u.abs().amax() / reach - 1).clamp(min=0)
    q = columns(p)
    walk = room * torch.sin(s * (0.2 + 0.5 * q[9]) + TAU * q[6])
    return u / reach - 0.9 * walk, v / reach, s


def _line_width(axes: Axes) -> Tensor:
    """Return what makes a line one and a half map cells wide, as the camera's edges are."""
    u = axes[0]
    # The maps are drawn at every second pixel, so a cell of the latents is four columns.
    cell = (u[..., 1] - u[..., 0]).amax() * (_LATENT_PX // 2)
    return (0.9 * cell).clamp(0.04, 0.1)


def _silhouette(distance: Tensor) -> Tensor:
    return smoothstep(0.035, -0.035, distance)


def _outline(distance: Tensor, width: Tensor) -> Tensor:
    return torch.exp(-((distance / width) ** 2))


def _dancer(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(dancer_distance(stage(axes, p), p))


def _jumper(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(figures.jumper_distance(stage(axes, p), p))


def _two_dancers(axes: Axes, p: Tensor) -> Tensor:
    """Draw one figure left, one right, the second livelier and often nearer or farther."""
    u, v, s = stage(axes, p)
    other = fresh(p, 1)
    first = dancer_distance((u + 0.45, v, s), p)
    second = figures.figure_distance((u - 0.45, v, s), other, columns(other)[11])
    return _silhouette(torch.minimum(first, second))


def _blobs(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(figures.blobs_distance(stage(axes, p), p))


def _hand(axes: Axes, p: Tensor) -> Tensor:
    return _silhouette(figures.hand_distance(stage(axes, p), p))


def _dancer_outline(axes: Axes, p: Tensor) -> Tensor:
    place = stage(axes, p)
    distance = figures.figure_distance(place, p, columns(p)[11].round())
    return _outline(distance, _line_width(place))


def _blobs_outline(axes: Axes, p: Tensor) -> Tensor:
    place = stage(axes, p)
    return _outline(figures.blobs_distance(place, p), _line_width(place))


def _scene_lines(axes: Axes, p: Tensor) -> Tensor:
    """Draw the thin edges of a figure, boxes and a floor line, as an edge detector finds them."""
    place = stage(axes, p)
    width = _line_width(place) * 0.75
    floor = place[1] - 0.55 - 0.12 * torch.sin(place[2] * 0.6 + columns(p)[1] * TAU)
    boxes = figures.boxes_distance(place, p)
    body = dancer_distance(place, fresh(p, 1))
    behind = smoothstep(0.0, 0.05, torch.minimum(boxes, body))
    lines = torch.maximum(_outline(boxes, width), _outline(body, width))
    return torch.maximum(lines, _outline(floor, width) * behind)


def _noise(axes: Axes, p: Tensor, zoom: float) -> Tensor:
    u, v, s = axes
    q = columns(p)
    drift = 0.4 * torch.sin(s * (0.4 + q[4]) + q[5] * TAU)
    return swirl_noise((u + drift) * zoom, v * zoom + drift, s * (0.8 + 1.6 * q[0]), (q[6], q[7]))


def _lit_dancer(axes: Axes, p: Tensor) -> Tensor:
    """Draw a figure shaded from one side before a dim, moving room: what luminance looks like."""
    distance = dancer_distance(stage(axes, p), p)
    shading = 0.7 + 0.4 * torch.tanh(-distance * 8) + 0.25 * (_noise(axes, p, 1.4) - 0.5)
    room = 0.28 * smoothstep(0.45, 0.85, _noise(axes, p.roll(3, 1), 0.8))
    inside = _silhouette(distance)
    return (inside * shading + (1 - inside) * room).clamp(0, 1)


def _soft_luminance(axes: Axes, p: Tensor) -> Tensor:
    spread = 0.12 + 0.25 * columns(p)[8]
    return smoothstep(0.5 - spread, 0.5 + spread, _noise(axes, p, 0.9))


def _scene_edges(axes: Axes, p: Tensor) -> Tensor:
    sharpness = 12 + 10 * columns(p)[9]
    return ridges(_noise(axes, p, 0.8), 16.0) ** (sharpness / 16)


def _camera_person(axes: Axes, p: Tensor) -> Tensor:
    """Draw a person cut out of a camera picture: ragged, with holes, late and lost frames."""
    q = columns(p)
    frame = torch.round(axes[2] * _FPS)
    held = torch.where(q[8] > 0.5, torch.floor(frame / 2) * 2, frame)
    u, v, s = stage((axes[0], axes[1], held / _FPS), p)
    distance = figures.figure_distance((u, v, s), p, q[11])
    jitter = TAU * hash_unit(held, torch.floor(q[1] * 97))
    ragged = torch.sin(u * 15 + jitter) * torch.sin(v * 13 - jitter * 2 + u * 6)
    waves = torch.sin(u * 6 + q[2] * TAU + s + 2 * torch.sin(v * 5)), torch.sin(v * 7 - 0.7 * s)
    holes = waves[0] * waves[1]
    blur = 0.03 + 0.09 * q[10]
    shown = smoothstep(blur, -blur, distance + (0.015 + 0.04 * q[5]) * ragged)
    pierced = shown * (1 - smoothstep(0.8, 0.95, holes) * q[7])
    lost = hash_unit(held, torch.floor(q[4] * 89), 2.0) > 0.97
    return torch.where(lost, torch.zeros_like(pierced), pierced)


def _flow_figure(axes: Axes, p: Tensor) -> Tensor:
    """Draw a figure as bright as its parts move: soft pictures of it, an eighth second apart."""
    distance = figures.jumper_distance(stage(axes, p), p)
    body = smoothstep(0.25, -0.12, distance)
    before = torch.cat([body[:, :1], body[:, :1], body[:, :-2]], 1)
    moved = (body - before).abs()
    moved[:, :2] = moved[:, 2:3]
    return smoothstep(0.01, 0.14 + 0.14 * columns(p)[9], moved)


def _flow_field(axes: Axes, p: Tensor) -> Tensor:
    """Draw currents: bright where a drifting pattern changes."""
    noise = _noise(axes, p, 0.6)
    return smoothstep(0.04, 0.42, _change_per_second(noise) / (0.5 + columns(p)[0]))


def _change_per_second(field: Tensor) -> Tensor:
    """Return how fast each pixel changes; the first frame repeats the second's."""
    change = field.diff(dim=1).abs() * _FPS
    return torch.cat([change[:, :1], change], 1)


def _fade(axes: Axes, p: Tensor) -> Tensor:
    """Draw the whole frame slowly rising and falling between 0.2 and 1."""
    u, v, s = axes
    q = columns(p)
    return 0.6 - 0.4 * torch.cos(s * (1.3 + 1.7 * q[0]) + q[1] * TAU) + 0 * (u + v)


def _nobody(axes: Axes, p: Tensor) -> Tensor:
    """Draw the empty picture of a camera that sees nobody."""
    u, v, s = axes
    return torch.zeros(p.shape[0], s.shape[1], v.shape[2], u.shape[3], device=u.device)


def _filled(axes: Axes, p: Tensor) -> Tensor:
    """Draw somebody right before the lens: nearly all of the picture, gaps passing."""
    return 1 - _silhouette(figures.blobs_distance(stage(axes, p), p))


CONTROL_KINDS: Final[dict[str, tuple[float, Callable[[Axes, Tensor], Tensor]]]] = {
    "dancer": (0.12, _dancer),
    "blobs": (0.06, _blobs),
    "lit dancer": (0.09, _lit_dancer),
    "soft luminance": (0.08, _soft_luminance),
    "dancer outline": (0.06, _dancer_outline),
    "camera person": (0.12, _camera_person),
    "jumper": (0.11, _jumper),
    "depth spheres": (0.04, depth_spheres),
    "two dancers": (0.07, _two_dancers),
    "hand": (0.05, _hand),
    "depth floor": (0.04, depth_floor),
    "depth tunnel": (0.02, depth_tunnel),
    "blobs outline": (0.02, _blobs_outline),
    "scene edges": (0.02, _scene_edges),
    "scene lines": (0.03, _scene_lines),
    "flow figure": (0.02, _flow_figure),
    "flow field": (0.01, _flow_field),
    "fade": (0.01, _fade),
    "filled": (0.01, _filled),
    "nobody": (0.02, _nobody),
}
"""Kind to (share of the controlled clips, how it is drawn). "nobody" is black, the others move."""


def draw_controls(axes: Axes, kinds: list[str | None], p: Tensor) -> Tensor:
    """Draw one map per clip.

    Args:
        axes: where and when; u and v as `Canvas.axes` gives them with a stride of 2.
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
