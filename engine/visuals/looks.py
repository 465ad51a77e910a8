"""Looks: what a caption says, drawn. One look is a family, colours, speed and modifiers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.visuals.canvas import Canvas
from engine.visuals.families import FAMILY_PAINTERS
from engine.visuals.fields import smoothstep
from engine.visuals.modifiers import finish, warp
from engine.worker.models.house.vocabulary import (
    COLOURS,
    FAMILIES,
    MODIFIERS,
    SPEEDS,
    caption_ids,
)

NUM_PARAMETERS = 12
FPS = 16.0

_CLASHES = ({"hard", "soft"}, {"mirrored", "kaleidoscope"}, {"neon", "soft"}, {"dark", "hard"})
"""Modifiers that undo each other never share a caption."""
_FAVOURED_SHARE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A caption together with the random parameters that one clip draws it with."""

    family: str
    colours: tuple[str, ...]
    speed: str
    modifiers: tuple[str, ...]
    parameters: tuple[float, ...]
    start_s: float

    def ids(self) -> tuple[int, ...]:
        """Return the caption as word ids."""
        return caption_ids(self.family, self.colours, self.speed, self.modifiers)


def random_look(
    rng: random.Random, families: Sequence[str] = FAMILIES, favoured: Sequence[str] = ()
) -> Look:
    """Draw a look of one of `families`; see `random_modifiers` for `favoured`."""
    return Look(
        family=rng.choice(list(families)),
        colours=random_colours(rng),
        speed=rng.choice(list(SPEEDS)),
        modifiers=random_modifiers(rng, favoured),
        parameters=tuple(rng.random() for _ in range(NUM_PARAMETERS)),
        start_s=rng.random() * 60,
    )


def random_colours(rng: random.Random) -> tuple[str, ...]:
    """Draw one to three different colours."""
    return tuple(rng.sample(list(COLOURS), rng.choice([1, 2, 2, 3])))


def random_modifiers(rng: random.Random, favoured: Sequence[str] = ()) -> tuple[str, ...]:
    """Draw up to three modifiers that get on with each other.

    Three times of ten the first is one of `favoured`: modifiers that a model is to learn better.
    """
    words = rng.sample(MODIFIERS, rng.choice([0, 0, 0, 1, 1, 2, 3]))
    if favoured and rng.random() < _FAVOURED_SHARE:
        first = rng.choice(list(favoured))
        words = [first, *(word for word in words[1:] if word != first)]
    for clash in _CLASHES:
        if clash <= set(words):
            words.remove(min(clash))
    return tuple(sorted(words, key=MODIFIERS.index))


def changed_look(rng: random.Random, look: Look, families: Sequence[str]) -> Look:
    """Return what a performer might cut to: other colours, other modifiers, or all new."""
    other = random_look(rng, families)
    kind = rng.random()
    if kind < 0.35:
        return replace(look, colours=other.colours)
    if kind < 0.5:
        return replace(look, modifiers=other.modifiers)
    if kind < 0.6:
        return replace(look, colours=other.colours, modifiers=other.modifiers)
    return other


@dataclass(frozen=True, slots=True)
class Painting:
    """Drawn looks before the palette is applied: shade and light [B, F, H, W], palette below."""

    shade: Tensor
    light: Tensor
    palette: Tensor  # [B, 4, 3]: background and three colours

    def rgb(self) -> Tensor:
        """Return the picture [B, F, 3, H, W] in 0 to 1."""
        return colourise(self.shade, self.light, self.palette)

    def alternate_rgb(self) -> Tensor:
        """Return the picture a control map reveals: the palette reversed, never dark."""
        return colourise(1 - 0.7 * self.shade, 0.6 + 0.55 * self.light, self.palette)


def colourise(shade: Tensor, light: Tensor, palette: Tensor) -> Tensor:
    """Map shade through the palette and multiply by light, clamped to 0 to 1."""
    background, first, second, third = (c.view(-1, 1, 3, 1, 1) for c in palette.unbind(1))
    s = shade.unsqueeze(2)
    rgb = background + (first - background) * smoothstep(0.0, 0.38, s)
    rgb = rgb + (second - first) * smoothstep(0.30, 0.72, s)
    rgb = rgb + (third - second) * smoothstep(0.70, 1.0, s)
    return (rgb * light.unsqueeze(2)).clamp(0, 1)


def palette_of(look: Look) -> Tensor:
    """Return the four palette stops [4, 3] of a look."""
    return stops_of(look.colours)


def stops_of(colours: Sequence[str]) -> Tensor:
    """Return palette stops [4, 3]; missing colours are tints of the one to three that are named."""
    named = [torch.tensor(COLOURS[word]) for word in colours]
    first = named[0]
    second = named[1] if len(named) > 1 else first * 0.6 + 0.38
    third = named[2] if len(named) > 2 else second * 0.65 + 0.35
    return torch.stack([first * 0.08, first, second, third])


@torch.no_grad()
def paint(
    looks: Sequence[Look],
    num_frames: int,
    device: torch.device,
    canvas: Canvas,
    first_frame: int = 0,
) -> Painting:
    """Draw a batch of looks.

    Args:
        looks: one per clip.
        num_frames: F, at 16 frames a second.
        device: where to draw.
        canvas: which window; H and W are its size divided by its stride.
        first_frame: where in the clip to begin.

    Returns:
        A painting of B = len(looks) clips.
    """
    u, v = canvas.axes(device)
    frames = torch.arange(first_frame, first_frame + num_frames, device=device)
    seconds = frames.view(1, -1, 1, 1) / FPS
    p = torch.tensor([look.parameters for look in looks], device=device).view(
        len(looks), -1, 1, 1, 1
    )
    start = torch.tensor([look.start_s for look in looks], device=device).view(-1, 1, 1, 1)
    speed = torch.tensor([SPEEDS[look.speed] for look in looks], device=device).view(-1, 1, 1, 1)
    t = start + speed * seconds
    active = _active_modifiers(looks, device)
    bent_u, bent_v = warp(u, v, t, p.unbind(1), active)
    shape = (len(looks), num_frames, v.shape[2], u.shape[3])
    shade, light = _draw_families(looks, (bent_u.expand(shape), bent_v.expand(shape), t), p)
    shade, light = finish(shade, light, v, seconds, active)
    palette = torch.stack([palette_of(look) for look in looks]).to(device)
    return Painting(shade, light, palette)


def _draw_families(
    looks: Sequence[Look], coordinates: tuple[Tensor, Tensor, Tensor], p: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw each family of the batch once, for all clips that show it."""
    u, v, t = coordinates
    shade, light = torch.empty_like(u), torch.empty_like(u)
    for family in sorted({look.family for look in looks}):
        rows = [i for i, look in enumerate(looks) if look.family == family]
        index = torch.tensor(rows, device=u.device)
        drawn = FAMILY_PAINTERS[family](u[index], v[index], t[index], p[index].unbind(1))
        shade[index], light[index] = drawn[0].clamp(0, 1), drawn[1].clamp(0, 1.15)
    return shade, light


def _active_modifiers(looks: Sequence[Look], device: torch.device) -> dict[str, Tensor]:
    worn = {word for look in looks for word in look.modifiers}
    return {
        word: torch.tensor([word in look.modifiers for look in looks], device=device).view(
            -1, 1, 1, 1
        )
        for word in MODIFIERS
        if word in worn
    }
