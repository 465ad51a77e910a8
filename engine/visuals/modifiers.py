"""The fourteen modifiers: nine bend space before a family draws, five treat what it drew.

`active` maps a modifier word to a bool mask [B, 1, 1, 1] of the clips that wear it; words that no
clip of the batch wears are absent, so that they cost nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from engine.visuals.fields import TAU, hash_unit, polar, rotate, smoothstep

Active = Mapping[str, Tensor]
Point = tuple[Tensor, Tensor]
Warp = Callable[[Tensor, Tensor, Tensor, Sequence[Tensor]], Point]
Finish = Callable[[Tensor, Tensor, Tensor, Tensor], Point]


def _pixelated(u: Tensor, v: Tensor, _t: Tensor, p: Sequence[Tensor]) -> Point:
    density = 12 + 8 * torch.round(p[8] * 2)
    return ((u * density).floor() + 0.5) / density, ((v * density).floor() + 0.5) / density


def _glitch(u: Tensor, v: Tensor, t: Tensor, _p: Sequence[Tensor]) -> Point:
    row, beat = (v * 7).floor(), (t * 3).floor()
    jump = (hash_unit(row, beat, 1.0) - 0.5) * 0.6 * (hash_unit(row, beat, 2.0) > 0.5)
    return u + jump, v + 0 * t


def _mirrored(u: Tensor, v: Tensor, _t: Tensor, p: Sequence[Tensor]) -> Point:
    return u.abs() - 0.35 * p[9], v


def _kaleidoscope(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Point:
    radius, angle = polar(u, v)
    sector = TAU / (4 + 2 * torch.floor(p[8] * 2.99))
    folded = (torch.remainder(angle + 0.2 * t, sector) - sector / 2).abs()
    return 1.2 * (radius * torch.cos(folded) - 0.25), 1.2 * radius * torch.sin(folded)


def _rotating(u: Tensor, v: Tensor, t: Tensor, _p: Sequence[Tensor]) -> Point:
    return rotate(u, v, 0.7 * t)


def _pulsing(u: Tensor, v: Tensor, t: Tensor, _p: Sequence[Tensor]) -> Point:
    zoom = 1 + 0.3 * torch.sin(t * 3.0)
    return u * zoom, v * zoom


def _zooming(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Point:
    zoom = torch.exp(0.55 * torch.sin(t * 0.6 + p[10] * 6))
    return u * zoom, v * zoom


def _drifting(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor]) -> Point:
    return u + 0.45 * torch.sin(t * 0.5 + p[11] * 6), v + 0.45 * torch.cos(t * 0.4 + p[10] * 6)


def _liquid(u: Tensor, v: Tensor, t: Tensor, _p: Sequence[Tensor]) -> Point:
    u = u + 0.14 * torch.sin(v * 4.5 + t * 1.5)
    return u, v + 0.14 * torch.sin(u * 4.1 - t * 1.3)


_WARPS: Final[dict[str, Warp]] = {
    "pixelated": _pixelated,
    "glitch": _glitch,
    "mirrored": _mirrored,
    "kaleidoscope": _kaleidoscope,
    "rotating": _rotating,
    "pulsing": _pulsing,
    "zooming": _zooming,
    "drifting": _drifting,
    "liquid": _liquid,
}
"""In the order they are applied: screen-space cuts first, camera moves last."""


def warp(u: Tensor, v: Tensor, t: Tensor, p: Sequence[Tensor], active: Active) -> Point:
    """Bend coordinates by every active space modifier."""
    for word, bend in _WARPS.items():
        if word in active:
            bent_u, bent_v = bend(u, v, t, p)
            u = torch.where(active[word], bent_u, u)
            v = torch.where(active[word], bent_v, v)
    return u, v


def _soft(shade: Tensor, light: Tensor, _v: Tensor, _s: Tensor) -> Point:
    return 0.2 + 0.6 * shade, 0.28 + 0.65 * light


def _hard(shade: Tensor, light: Tensor, _v: Tensor, _s: Tensor) -> Point:
    level = shade * 3
    step = level.floor() + smoothstep(0.46, 0.54, level - level.floor())
    return step / 3, smoothstep(0.36, 0.44, light)


def _neon(shade: Tensor, light: Tensor, _v: Tensor, _s: Tensor) -> Point:
    edge = torch.exp(-(torch.frac(shade * 2.5 + 0.25) - 0.5).abs() * 8)
    return shade, (0.2 + light) * edge * 1.5 + 0.05


def _dark(shade: Tensor, light: Tensor, _v: Tensor, _s: Tensor) -> Point:
    return shade, light * 0.8 * shade.clamp(0.08, 1)


def _scanlines(shade: Tensor, light: Tensor, v: Tensor, seconds: Tensor) -> Point:
    lines = 0.5 + 0.5 * torch.sin((v * 0.5 + 0.5) * 256 * TAU / 10 + seconds * 4)
    return shade, light * (1 - 0.65 * lines)


_FINISHES: Final[dict[str, Finish]] = {
    "soft": _soft,
    "hard": _hard,
    "neon": _neon,
    "dark": _dark,
    "scanlines": _scanlines,
}


def finish(shade: Tensor, light: Tensor, v: Tensor, seconds: Tensor, active: Active) -> Point:
    """Treat shade and light by every active finishing modifier.

    Args:
        shade: [B, F, H, W], light: likewise.
        light: brightness, 0 to 1.15.
        v: screen row coordinate before any warp.
        seconds: clip time, [1, F, 1, 1]; scanlines roll at their own pace.
        active: modifier masks.
    """
    for word, treat in _FINISHES.items():
        if word in active:
            new_shade, new_light = treat(shade, light, v, seconds)
            shade = torch.where(active[word], new_shade, shade)
            light = torch.where(active[word], new_light, light)
    return shade, light
