"""One pass over the tokens of a chunk: for its velocity, or for what the cache remembers. HOT.

In:     latents with their control channels [B, F, in_dim, h, w] and one timestep for all of them.
Out:    velocity [B, F, out_dim, h, w] float32; or nothing, but keys and values in the cache.
Thread: generator.

`PlainPasses` runs the transformer's own modules, on any device and for any batch. `FastPasses`
(module `fast_passes`) does the same arithmetic in fewer kernels and is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.worker.models.wan.kv_cache import KVCache, TextCache
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vace import ChunkHints

MAX_KNOWN_TIMES = 64


@dataclass(frozen=True, slots=True)
class Steer:
    """What steers one denoising step: the chunk's hints, which step it is, and its noise share."""

    hints: ChunkHints
    step: int
    sigma: float


class Passes(Protocol):
    """Runs passes of one show. The cache has begun the pass before it is called."""

    def velocity(self, inputs: Tensor, timestep: float, steer: Steer | None) -> Tensor:
        """Return the predicted velocity [B, F, C, h, w] float32 of noisy latents."""
        ...

    def context(self, inputs: Tensor, timestep: float) -> None:
        """Leave keys and values of finished latents in the cache."""
        ...

    def forget_rows(self) -> None:
        """Weights have changed: make again what was made from them."""
        ...


class PlainPasses:
    """The transformer as it is written down."""

    def __init__(self, model: CausalTransformer, cache: KVCache, text: TextCache) -> None:
        self._model = model
        self._cache = cache
        self._text = text
        self._known_times: dict[float, tuple[Tensor, Tensor]] = {}

    def velocity(self, inputs: Tensor, timestep: float, steer: Steer | None) -> Tensor:
        """Return the predicted velocity [B, F, C, h, w] float32 of noisy latents."""
        tokens, e, e6 = self._embed(inputs, timestep)
        hints = steer.hints.at(steer.step, steer.sigma, tokens, e6) if steer else None
        tokens = self._model.run_blocks(tokens, e6, self._text.kvs(), self._cache.attend, hints)
        grid = self._model.grid(inputs.shape[1], *inputs.shape[3:])
        return self._model.head_out(tokens, e, grid).float()

    def context(self, inputs: Tensor, timestep: float) -> None:
        """Leave keys and values of finished latents in the cache."""
        tokens, _, e6 = self._embed(inputs, timestep)
        cache = self._cache
        self._model.run_context(tokens, e6, self._text.kvs(), cache.attend, cache.write)

    def layers(self, inputs: Tensor, timestep: float) -> Iterator[Tensor]:
        """Return what leaves each layer [B, L, D], and last the velocity, for comparisons."""
        tokens, e, e6 = self._embed(inputs, timestep)
        for layer, text in enumerate(self._text.kvs()):
            tokens = self._model.run_block(layer, tokens, e6, text, self._cache.attend)
            yield tokens
        yield self._model.head_out(tokens, e, self._model.grid(inputs.shape[1], *inputs.shape[3:]))

    def forget_rows(self) -> None:
        """Weights have changed: make time rows again."""
        self._known_times.clear()

    def _embed(self, inputs: Tensor, timestep: float) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens [B, L, D] and time rows e, e6 (one row for all latent frames)."""
        return self._model.embed_patches(inputs), *self.time_rows(timestep)

    def time_rows(self, timestep: float) -> tuple[Tensor, Tensor]:
        """Time rows e and e6; a show uses few timesteps, so each is embedded once."""
        if timestep not in self._known_times:
            if len(self._known_times) >= MAX_KNOWN_TIMES:
                self._known_times.clear()
            told = torch.tensor([[timestep]], device=self._model.device)
            self._known_times[timestep] = self._model.embed_time(told)
        return self._known_times[timestep]
