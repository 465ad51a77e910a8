"""Batches of training clips: pictures, captions that may change on the way, and control maps.

Everything random comes from the `random.Random` that the caller passes, so the same seed draws the
same clips on every device (up to float rounding).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.visuals import controls
from engine.visuals.canvas import Canvas
from engine.visuals.fields import smoothstep
from engine.visuals.looks import FPS, Look, changed_look, paint, random_look
from engine.worker.models.house.vocabulary import FAMILIES

FRAMES_PER_LATENT = 4
FRAMES_PER_CHUNK = 12
LATENT_STRIDE = 8
OUTSIDE_LIGHT = 0.45
"""How much of the picture's light remains outside a control map: alive, but behind the figure."""

_CONTROL_STRIDE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSettings:
    """How a batch is drawn.

    `num_frames` must be a multiple of 12. `change_share` of the clips change caption inside,
    `control_share` carry a control map; `num_families` are mixed per batch.
    """

    num_frames: int = 60
    change_share: float = 0.4
    control_share: float = 0.5
    num_families: int = 8
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
    families = rng.sample(FAMILIES, min(settings.num_families, len(FAMILIES)))
    looks = [random_look(rng, families) for _ in range(batch_size)]
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
    frames = _react(looks, masks, list(kinds), device, settings)
    blend = torch.zeros(len(looks), settings.num_frames // FRAMES_PER_CHUNK, device=device)
    changing = [(i, change) for i, change in enumerate(changes) if change is not None]
    if changing:
        index = torch.tensor([i for i, _ in changing], device=device)
        targets = [change.look for _, change in changing]
        after = _react(targets, masks[index], [kinds[i] for i, _ in changing], device, settings)
        share, blend[index] = _change_shares([c for _, c in changing], settings, device)
        frames[index] = frames[index].lerp(after, share)
    to_looks = [look if c is None else c.look for look, c in zip(looks, changes, strict=True)]
    return ClipBatch(
        frames=frames,
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


def _react(
    looks: Sequence[Look],
    masks: Tensor,
    kinds: Sequence[str | None],
    device: torch.device,
    settings: ClipSettings,
) -> Tensor:
    """Paint looks and let them react to their control maps."""
    painting = paint(looks, settings.num_frames, device, settings.canvas)
    frames = painting.rgb()
    controlled = torch.tensor([k is not None for k in kinds], device=device).nonzero().flatten()
    if controlled.numel():
        size = (settings.canvas.height, settings.canvas.width)
        mask = F.interpolate(masks[controlled], size=size, mode="bilinear").unsqueeze(2)
        inside = painting.alternate_rgb()[controlled]
        frames[controlled] = (frames[controlled] * OUTSIDE_LIGHT).lerp(inside, mask)
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


def _change_shares(
    changes: Sequence[Change], settings: ClipSettings, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the share of the new look per pixel [B, F, 1, H, W] and per chunk [B, F / 12].

    The new look spreads in patches (a drifting threshold pattern), as liquids mix, rather than
    as a plain cross-fade: a cross-fade would teach grey in-between pictures.
    """
    u, v = settings.canvas.axes(device)
    column = torch.tensor([c.pattern for c in changes], device=device).view(-1, 3, 1, 1, 1) * 6
    a, b, c = column.unbind(1)
    spread = torch.sin(u * 3 + a + 1.3 * torch.sin(v * 4 + b)) * torch.cos(v * 2.5 - u + c)
    start = torch.tensor([float(x.start_chunk) for x in changes], device=device).view(-1, 1)
    length = torch.tensor([float(x.length_chunks) for x in changes], device=device).view(-1, 1)
    chunk_time = (torch.arange(settings.num_frames, device=device) + 0.5) / FRAMES_PER_CHUNK
    progress = ((chunk_time.view(1, -1) - start) / length).clamp(0, 1)
    threshold = 0.5 + 0.5 * spread
    share = smoothstep(0.0, 0.35, progress.view(*progress.shape, 1, 1) * 1.35 - threshold)
    per_chunk = torch.unflatten(progress, 1, (-1, FRAMES_PER_CHUNK))
    quick = (per_chunk[..., -1] > 0).float()
    return share.unsqueeze(2), torch.where(length < 1, quick, per_chunk.mean(-1))
