"""Pools of encoded clips on the device: drawn and encoded once, sampled many times.

One pool holds one picture size; a `PoolSet` mixes sizes over the steps of a run.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.visuals.canvas import Canvas
from engine.visuals.clips import FRAMES_PER_CHUNK, LATENT_STRIDE, ClipSettings, draw_batch
from engine.worker.models.house.house import LATENT_CHANNELS, CaptionEmbedding
from engine.worker.models.house.vocabulary import FAMILIES, MODIFIERS, NUM_SLOTS
from engine.worker.models.wan.tae import TAE
from training.forced import LATENTS_PER_CHUNK

_CONTROL_MAPS = 4
_ENCODE_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ClipSample:
    """A batch drawn from the pool."""

    latents: Tensor  # [B, N, 3, 16, h, w] float32, about unit variance
    control: Tensor  # [B, N, 3, 5, h, w]: four maps and the flag
    caption_from: Tensor  # [B, 8]
    caption_to: Tensor  # [B, 8]
    blend: Tensor  # [B, N]

    def text(self, captions: CaptionEmbedding, dropped: Tensor | None = None) -> Tensor:
        """Return text rows [B, N, 8, 64]; clips in `dropped` [B] bool get the null caption."""
        start, end = self.caption_from, self.caption_to
        if dropped is not None:
            start, end = (ids.masked_fill(dropped[:, None], 0) for ids in (start, end))
        blend = self.blend[:, :, None, None]
        return torch.lerp(captions(start)[:, None], captions(end)[:, None], blend)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Sizes of one pool; `num_chunks` is N of the samples.

    `share` of a run's steps are taken from this pool, with `batch_scale` times the batch, from the
    moment that `starts_at` (0 to 1) of the run has passed. `favoured` are families and
    `favoured_modifiers` modifiers that it holds more of.
    """

    width_px: int = 256
    height_px: int = 256
    share: float = 1.0
    batch_scale: float = 1.0
    starts_at: float = 0.0
    capacity: int = 6144
    first_fill: int = 1536
    draw_size: int = 32
    num_chunks: int = 5
    favoured: tuple[str, ...] = ()
    favoured_modifiers: tuple[str, ...] = ()


SQUARE = PoolSettings(share=0.64)
WIDE = PoolSettings(
    width_px=320, height_px=176, share=0.24, capacity=3072, first_fill=512, draw_size=32
)
FINE = PoolSettings(
    width_px=512, height_px=512, share=0.12, batch_scale=0.2, starts_at=0.45,
    capacity=512, first_fill=128, draw_size=8,
)  # fmt: skip
"""The picture sizes that the shipped weights have seen."""


class LatentPool:
    """Ring of encoded clips."""

    def __init__(
        self, codec: TAE, settings: PoolSettings, device: torch.device, rng: random.Random
    ) -> None:
        self._codec, self._settings, self._device, self._rng = codec, settings, device, rng
        n = settings.num_chunks
        chunk = (settings.capacity, n, LATENTS_PER_CHUNK)
        size = (settings.height_px // LATENT_STRIDE, settings.width_px // LATENT_STRIDE)
        kept = torch.bfloat16
        self._latents = torch.zeros(*chunk, LATENT_CHANNELS, *size, dtype=kept, device=device)
        self._maps = torch.zeros(*chunk, _CONTROL_MAPS, *size, dtype=kept, device=device)
        self._flags = torch.zeros(settings.capacity, device=device)
        self._captions = torch.zeros(
            settings.capacity, 2, NUM_SLOTS, dtype=torch.long, device=device
        )
        self._blend = torch.zeros(settings.capacity, n, device=device)
        self.num_clips = 0
        self._next = 0
        while self.num_clips < settings.first_fill:
            self.add()

    @torch.no_grad()
    def add(self) -> None:
        """Draw and encode `draw_size` clips, over the oldest when the pool is full.

        One chunk of frames before the kept ones gives the encoder a past.
        """
        s = self._settings
        num_frames = FRAMES_PER_CHUNK * (s.num_chunks + 1)
        canvas = Canvas.of(s.width_px, s.height_px)
        clip_settings = ClipSettings(
            num_frames=num_frames, canvas=canvas, favoured=s.favoured,
            favoured_modifiers=s.favoured_modifiers,
        )  # fmt: skip
        batch = draw_batch(self._rng, s.draw_size, self._device, clip_settings)
        dtype = self._codec.dtype
        latents = torch.cat(
            [self._codec.encode(f.to(dtype))[0] for f in torch.split(batch.frames, _ENCODE_AT_ONCE)]
        )
        count = min(s.draw_size, s.capacity - self._next)
        rows = slice(self._next, self._next + count)
        by_chunk = (s.num_chunks, LATENTS_PER_CHUNK)
        kept = (latents[:count, LATENTS_PER_CHUNK:], batch.control[:count, LATENTS_PER_CHUNK:])
        self._latents[rows], self._maps[rows] = (torch.unflatten(x, 1, by_chunk) for x in kept)
        self._flags[rows] = batch.has_control[:count]
        self._captions[rows, 0] = batch.caption_from[:count]
        self._captions[rows, 1] = batch.caption_to[:count]
        self._blend[rows] = batch.blend[:count, 1:]
        self._next = (self._next + count) % s.capacity
        self.num_clips = max(self.num_clips, rows.stop)

    def sample(self, batch_size: int) -> ClipSample:
        """Return random clips."""
        i = torch.randint(self.num_clips, (batch_size,), device=self._device)
        maps = self._maps[i].float()
        flag = self._flags[i].view(-1, 1, 1, 1, 1, 1).expand(*maps.shape[:3], 1, *maps.shape[4:])
        start, end = self._captions[i].unbind(1)
        return ClipSample(
            latents=self._latents[i].float(),
            control=torch.cat([maps, flag], 3),
            caption_from=start,
            caption_to=end,
            blend=self._blend[i],
        )


class PoolSet:
    """Pools of several sizes, of which each step takes one."""

    def __init__(
        self,
        codec: TAE,
        settings: Sequence[PoolSettings],
        device: torch.device,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._pools = [LatentPool(codec, one, device, rng) for one in settings]
        self._choices = random.Random(0)  # the same in every process: a step has one size

    @property
    def num_clips(self) -> int:
        """Clips in all pools."""
        return sum(pool.num_clips for pool in self._pools)

    def sample(self, batch_size: int, progress: float) -> ClipSample:
        """Return random clips of one size; `progress` is that of the run, 0 to 1."""
        index = self._choose(progress)
        scaled = max(1, round(batch_size * self._settings[index].batch_scale))
        return self._pools[index].sample(scaled)

    def add(self, progress: float) -> None:
        """Draw new clips of one size, chosen as `sample` does."""
        self._pools[self._choose(progress)].add()

    def _choose(self, progress: float) -> int:
        weights = [s.share * (progress >= s.starts_at) for s in self._settings]
        return self._choices.choices(range(len(weights)), weights)[0]


def favouring(pools: Sequence[PoolSettings], words: str) -> tuple[PoolSettings, ...]:
    """Return pools that hold more of some families and modifiers.

    Args:
        pools: to begin with.
        words: families and modifiers with commas between; "" favours none.

    Raises:
        ValueError: a word is neither a family nor a modifier.
    """
    named = [word for word in words.split(",") if word]
    if unknown := sorted({*named} - {*FAMILIES, *MODIFIERS}):
        raise ValueError(
            f"neither family nor modifier: {', '.join(unknown)}; there are "
            f"{', '.join((*FAMILIES, *MODIFIERS))}"
        )
    families, modifiers = (
        tuple(word for word in named if word in known) for known in (FAMILIES, MODIFIERS)
    )
    return tuple(replace(pool, favoured=families, favoured_modifiers=modifiers) for pool in pools)


def frozen_codec(codec: TAE, device: torch.device) -> TAE:
    """Return `codec` ready for encoding only: bf16 on a GPU, float32 on a CPU."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    codec.requires_grad_(False).eval().to(device=device, dtype=dtype)
    return codec
