"""A pool of encoded clips on the device: drawn and encoded once, sampled many times."""

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.visuals.canvas import Canvas
from engine.visuals.clips import FRAMES_PER_CHUNK, LATENT_STRIDE, ClipSettings, draw_batch
from engine.worker.models.house.house import LATENT_CHANNELS, CaptionEmbedding
from engine.worker.models.house.vocabulary import NUM_SLOTS
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
    """Sizes of the pool; `num_chunks` is N of the samples."""

    capacity: int = 6144
    first_fill: int = 1536
    draw_size: int = 32
    num_chunks: int = 5
    full_px: int = 256


class LatentPool:
    """Ring of encoded clips."""

    def __init__(
        self, codec: TAE, settings: PoolSettings, device: torch.device, rng: random.Random
    ) -> None:
        self._codec, self._settings, self._device, self._rng = codec, settings, device, rng
        n, side = settings.num_chunks, settings.full_px // LATENT_STRIDE
        chunk = (settings.capacity, n, LATENTS_PER_CHUNK)
        kept = torch.bfloat16
        self._latents = torch.zeros(*chunk, LATENT_CHANNELS, side, side, dtype=kept, device=device)
        self._maps = torch.zeros(*chunk, _CONTROL_MAPS, side, side, dtype=kept, device=device)
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
        clip_settings = ClipSettings(
            num_frames=FRAMES_PER_CHUNK * (s.num_chunks + 1), canvas=Canvas.of(s.full_px, s.full_px)
        )
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


def frozen_codec(codec: TAE, device: torch.device) -> TAE:
    """Return `codec` ready for encoding only: bf16 on a GPU, float32 on a CPU."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    codec.requires_grad_(False).eval().to(device=device, dtype=dtype)
    return codec
