"""Batches of training clips: pictures, captions that may change on the way, and control maps.

Everything random comes from the `random.Random` that the caller passes, so the same seed draws the
same clips on every device (up to float rounding).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.visuals import controls
from engine.visuals.canvas import Canvas
from engine.visuals.looks import (
    FPS,
    Look,
    Painting,
    changed_look,
    paint,
    palette_of,
    random_look,
)
from engine.visuals.reaction import Inside, react
from engine.visuals.spread import spread_ranks, spread_share
from engine.worker.models.house.vocabulary import FAMILIES

FRAMES_PER_LATENT = 4
FRAMES_PER_CHUNK = 12
LATENT_STRIDE = 8

_CONTROL_STRIDE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSettings:
    """How a batch is drawn.

    `num_frames` must be a multiple of 12. `change_share` of the clips change caption inside,
    `control_share` carry a control map; `num_families` are mixed per batch, every second of them
    from `favoured` where there are any: families that a model is to learn better. So are
    `favoured_modifiers`, which three looks of ten wear.
    """

    num_frames: int = 60
    change_share: float = 0.4
    control_share: float = 0.5
    num_families: int = 8
    favoured: tuple[str, ...] = ()
    favoured_modifiers: tuple[str, ...] = ()
    canvas: Canvas = field(default_factory=Canvas)


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """B clips of F frames at 16 frames a second."""

    frames: Tensor  # [B, F, 3, H, W] in 0 to 1
    caption_from: Tensor  # [B, 8] word ids
    caption_to: Tensor  # [B, 8] word ids, equal to caption_from where nothing changes
    blend: Tensor  # [B, F / 12], share of caption_to in each chunk
    control: Tensor  # [B, F / 4, 4, H / 8, W / 8], the control of the 4 frames of each latent
    has_control: Tensor  # [B], 1 where the control map is meant


@dataclass(frozen=True, slots=True)
class Change:
    """A caption change inside a clip."""

    look: Look
    start_chunk: int
    length_chunks: float
    pattern: tuple[float, float, float]


def draw_batch(
    rng: random.Random, batch_size: int, device: torch.device, settings: ClipSettings
) -> ClipBatch:
    """Draw `batch_size` random clips."""
    families = mixed_families(rng, settings)
    worn = settings.favoured_modifiers
    looks = [random_look(rng, families, worn) for _ in range(batch_size)]
    num_chunks = settings.num_frames // FRAMES_PER_CHUNK
    changes = [
        _random_change(rng, look, families, num_chunks)
        if num_chunks > 1 and rng.random() < settings.change_share
        else None
        for look in looks
    ]
    kinds = [_random_kind(rng) if rng.random() < settings.control_share else None for _ in looks]
    shapes = torch.tensor(
        [[rng.random() for _ in range(controls.NUM_PARAMETERS)] for _ in looks], device=device
    )
    return draw_clips(looks, changes, kinds, shapes, settings)


def mixed_families(rng: random.Random, settings: ClipSettings) -> list[str]:
    """Draw the families of a batch, each once: half of them favoured ones, as far as they go."""
    count = min(settings.num_families, len(FAMILIES))
    preferred = rng.sample(settings.favoured, min(count // 2, len(settings.favoured)))
    others = [family for family in FAMILIES if family not in preferred]
    return preferred + rng.sample(others, count - len(preferred))


@torch.no_grad()
def draw_clips(
    looks: Sequence[Look],
    changes: Sequence[Change | None],
    kinds: Sequence[str | None],
    control_parameters: Tensor,
    settings: ClipSettings,
) -> ClipBatch:
    """Draw the clips that the arguments describe.

    Args:
        looks: B looks.
        changes: the caption change of each clip, or None.
        kinds: the control kind of each clip (`controls.CONTROL_KINDS`), or None for no control.
        control_parameters: [B, 12] in 0 to 1; its device is where the clips are drawn.
        settings: sizes.
    """
    device = control_parameters.device
    masks = _control_maps(list(kinds), control_parameters, settings)
    layers = _paint_layers(looks, kinds, settings, device)
    blend = torch.zeros(len(looks), settings.num_frames // FRAMES_PER_CHUNK, device=device)
    recolours, reforms = _by_form(looks, changes)
    for chosen, change_layers in ((recolours, _recolour), (reforms, _reform)):
        if chosen:
            progress = _progress(list(chosen.values()), settings, device)
            blend[list(chosen)] = _blend_per_chunk(list(chosen.values()), progress)
            change_layers(layers, chosen, progress, settings)
    to_looks = [look if c is None else c.look for look, c in zip(looks, changes, strict=True)]
    return ClipBatch(
        frames=_react(layers, masks, settings),
        caption_from=torch.tensor([look.ids() for look in looks], device=device),
        caption_to=torch.tensor([look.ids() for look in to_looks], device=device),
        blend=blend,
        control=control_latents(masks, _latent_size(settings.canvas)),
        has_control=torch.tensor([float(k is not None) for k in kinds], device=device),
    )


def control_latents(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Average control maps [B, F, H, W] to [B, F / 4, 4, *size]: four frames per latent."""
    small = F.adaptive_avg_pool2d(masks, size)
    return torch.unflatten(small, 1, (-1, FRAMES_PER_LATENT))


def _latent_size(canvas: Canvas) -> tuple[int, int]:
    return canvas.height // LATENT_STRIDE, canvas.width // LATENT_STRIDE


def _control_maps(kinds: list[str | None], p: Tensor, settings: ClipSettings) -> Tensor:
    u, v = replace(settings.canvas, stride=_CONTROL_STRIDE).axes(p.device)
    seconds = torch.arange(settings.num_frames, device=p.device).view(1, -1, 1, 1) / FPS
    return controls.draw_controls((u, v, seconds), kinds, p)


@dataclass(frozen=True, slots=True)
class _Layers:
    """A batch before its control maps are applied; changes of caption alter it in place."""

    painting: Painting
    frames: Tensor  # [B, F, 3, H, W]
    controlled: list[int]  # the clips that carry a map
    inside: Inside  # of those clips

    def lead_to(self, rows: Sequence[int], painting: Painting, share: Tensor) -> None:
        """Mix `painting` into the clips `rows` by `share` [B, F, 1, H, W] or [B, F, 1, 1, 1]."""
        self.frames[list(rows)] = self.frames[list(rows)].lerp(painting.rgb(), share)
        with_map = [i for i, row in enumerate(rows) if row in self.controlled]
        if with_map:
            places = [self.controlled.index(rows[i]) for i in with_map]
            self.inside.lead_to(places, Inside.of(_rows_of(painting, with_map)), share[with_map])


def _paint_layers(
    looks: Sequence[Look], kinds: Sequence[str | None], settings: ClipSettings, device: torch.device
) -> _Layers:
    painting = paint(looks, settings.num_frames, device, settings.canvas)
    controlled = [i for i, kind in enumerate(kinds) if kind is not None]
    inside = Inside.of(_rows_of(painting, controlled))
    return _Layers(painting, painting.rgb(), controlled, inside)


def _rows_of(painting: Painting, rows: list[int]) -> Painting:
    return Painting(painting.shade[rows], painting.light[rows], painting.palette[rows])


def _by_form(
    looks: Sequence[Look], changes: Sequence[Change | None]
) -> tuple[dict[int, Change], dict[int, Change]]:
    """Return the changes of colours alone and the changes of form, each by clip."""
    changing = {i: change for i, change in enumerate(changes) if change is not None}
    same_form = {
        i for i, c in changing.items() if replace(looks[i], colours=c.look.colours) == c.look
    }
    return (
        {i: c for i, c in changing.items() if i in same_form},
        {i: c for i, c in changing.items() if i not in same_form},
    )


def _recolour(
    layers: _Layers, chosen: Mapping[int, Change], progress: Tensor, _settings: ClipSettings
) -> None:
    """Shift the colours of the whole picture together; the form is already drawn."""
    before = _rows_of(layers.painting, list(chosen))
    palette = torch.stack([palette_of(change.look) for change in chosen.values()])
    after = replace(before, palette=palette.to(progress.device))
    layers.lead_to(list(chosen), after, progress.view(*progress.shape, 1, 1, 1))


def _reform(
    layers: _Layers, chosen: Mapping[int, Change], progress: Tensor, settings: ClipSettings
) -> None:
    """Let the new look spread over the old one."""
    looks = [change.look for change in chosen.values()]
    after = paint(looks, settings.num_frames, progress.device, settings.canvas)
    pattern = torch.tensor([c.pattern for c in chosen.values()], device=progress.device)
    seconds = torch.arange(settings.num_frames, device=progress.device) / FPS
    ranks = spread_ranks(pattern, seconds, settings.canvas)
    layers.lead_to(list(chosen), after, spread_share(ranks, progress).unsqueeze(2))


def _react(layers: _Layers, masks: Tensor, settings: ClipSettings) -> Tensor:
    """Return the frames under their control maps."""
    rows, frames = layers.controlled, layers.frames
    if rows:
        size = (settings.canvas.height, settings.canvas.width)
        maps = F.interpolate(masks[rows], size=size, mode="bilinear")
        frames[rows] = react(frames[rows], layers.inside, maps)
    return frames


def _random_kind(rng: random.Random) -> str:
    names = list(controls.CONTROL_KINDS)
    return rng.choices(names, [controls.CONTROL_KINDS[name][0] for name in names])[0]


def _random_change(
    rng: random.Random, look: Look, families: Sequence[str], num_chunks: int
) -> Change:
    return Change(
        look=changed_look(rng, look, families),
        start_chunk=rng.randrange(1, num_chunks),
        length_chunks=rng.choice([0.25, 0.25, 1, 2, 3, 4]),
        pattern=(rng.random(), rng.random(), rng.random()),
    )


def _progress(changes: Sequence[Change], settings: ClipSettings, device: torch.device) -> Tensor:
    """Return how far each change is in each frame, [B, F] in 0 to 1."""
    start = torch.tensor([float(c.start_chunk) for c in changes], device=device).view(-1, 1)
    length = torch.tensor([float(c.length_chunks) for c in changes], device=device).view(-1, 1)
    chunk_time = (torch.arange(settings.num_frames, device=device) + 0.5) / FRAMES_PER_CHUNK
    return ((chunk_time.view(1, -1) - start) / length).clamp(0, 1)


def _blend_per_chunk(changes: Sequence[Change], progress: Tensor) -> Tensor:
    """Return the blend [B, F / 12]; a change shorter than a chunk is all of the chunk's caption."""
    per_chunk = torch.unflatten(progress, 1, (-1, FRAMES_PER_CHUNK))
    is_quick = torch.tensor([c.length_chunks < 1 for c in changes], device=progress.device)
    quick = (per_chunk[..., -1] > 0).float()
    return torch.where(is_quick.view(-1, 1), quick, per_chunk.mean(-1))
