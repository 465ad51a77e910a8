"""Forwards of the house transformer for training: many chunks of a clip at once, or one by one.

Both see exactly what the engine's streaming forward sees: every chunk attends to its own three
latents and to those of the chunk before it, whose keys and values come from a pass over (almost)
clean latents. Positions count within the window, so a clip's first chunk sits at 0..2 and every
other at 3..5 with its context at 0..2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from engine.worker.kernels.attention import attention
from engine.worker.models.house.house import HOUSE_SAMPLING
from engine.worker.models.wan.blocks import Block
from engine.worker.models.wan.rope import RopeTable, rope_table, rotate
from engine.worker.models.wan.transformer import CausalTransformer

LATENTS_PER_CHUNK = HOUSE_SAMPLING.num_latents_per_chunk


class Tables(NamedTuple):
    """Rotation of the first three and the last three latents of the window."""

    first: RopeTable
    later: RopeTable


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks of B clips: what the model sees, its noise share, and its text rows."""

    inputs: Tensor  # [B, N, 3, 21, h, w], latents with control channels
    sigma: Tensor  # [B, N]
    text: Tensor  # [B, N, 8, text_dim]

    def at(self, sigma: Tensor) -> "Chunks":
        """Return the same inputs, told to be at noise shares `sigma` [B, N]."""
        return Chunks(self.inputs, sigma, self.text)


def chunk_tables(model: CausalTransformer, inputs: Tensor) -> Tables:
    """Return the rotations for latents of the size of `inputs` [..., h, w]."""
    height, width = inputs.shape[-2:]
    grid = model.grid(1, height, width)
    span = tuple(range(2 * LATENTS_PER_CHUNK))
    size = (grid.rows, grid.columns, inputs.device, model.config.spacing(grid.rows, grid.columns))
    first, later = (
        rope_table(model.config.head_dim, part, *size)
        for part in (span[:LATENTS_PER_CHUNK], span[LATENTS_PER_CHUNK:])
    )
    return Tables(first, later)


@dataclass(frozen=True, slots=True)
class Forced:
    """What a forced pass over R noisy versions found.

    `velocities` has R of [B, N, 3, 16, h, w] float32; `features` has R of [B, N, L, D], the tokens
    after the tapped layer.
    """

    velocities: list[Tensor]
    features: list[Tensor]


def forced_velocity(
    model: CausalTransformer, context: Chunks, noisy: Sequence[Chunks]
) -> list[Tensor]:
    """Predict the velocity of noisy chunks that each follow a given context (teacher forcing).

    Args:
        model: the transformer.
        context: chunks 0 .. N-2 of each clip, (almost) clean.
        noisy: R noisy versions of chunks 0 .. N-1; they share the context's keys and values.

    Returns:
        R velocities [B, N, 3, 16, h, w] float32.
    """
    return forced_pass(model, context, noisy).velocities


def forced_pass(
    model: CausalTransformer,
    context: Chunks,
    noisy: Sequence[Chunks],
    *,
    tap: int | None = None,
    features_only: bool = False,
) -> Forced:
    """Do what `forced_velocity` does, and keep the tokens after `tap` layers.

    Args:
        model: the transformer.
        context: as for `forced_velocity`.
        noisy: as for `forced_velocity`.
        tap: number of layers after which tokens are kept; None keeps none.
        features_only: stop there; there are no velocities then.
    """
    rows = _Rows(context.sigma.shape[1], len(noisy))
    inputs = rows.arrange(context.inputs, [n.inputs for n in noisy])
    sigma = rows.arrange(context.sigma, [n.sigma for n in noisy])
    text = rows.arrange(context.text, [n.text for n in noisy])
    tables = chunk_tables(model, inputs)
    e, e6 = model.embed_time(1000 * sigma.flatten().unsqueeze(1))
    # Float32 as the blocks leave it: two input types would mean two compilations.
    tokens = model.embed_patches(inputs.flatten(0, 1)).float()
    text_tokens = model.embed_text(text.flatten(0, 1))
    features: list[Tensor] = []
    for layer in range(model.config.num_layers):
        tokens = forced_layer(model.block(layer), tokens, e6, text_tokens, tables, rows)
        if layer + 1 == tap:
            features = rows.noisy_parts(torch.unflatten(tokens, 0, inputs.shape[:2]))
            if features_only:
                return Forced([], features)
    grid = model.grid(LATENTS_PER_CHUNK, *inputs.shape[-2:])
    velocity = torch.unflatten(model.head_out(tokens, e, grid).float(), 0, inputs.shape[:2])
    return Forced(rows.noisy_parts(velocity), features)


class _Rows(NamedTuple):
    """Order of the chunks of a clip in one batch: those without context first.

    context 0, noisy 0 (R times), context 1 .. C-1, noisy 1 .. C (R times); C = `num_context`.
    """

    num_context: int
    num_copies: int

    @property
    def num_first(self) -> int:
        """Rows that have no context."""
        return 1 + self.num_copies

    def arrange(self, context: Tensor, noisy: Sequence[Tensor]) -> Tensor:
        """Join [B, C, ...] and R times [B, C + 1, ...] in this order along axis 1."""
        first = [context[:, :1], *(n[:, :1] for n in noisy)]
        return torch.cat([*first, context[:, 1:], *(n[:, 1:] for n in noisy)], 1)

    def noisy_parts(self, rows: Tensor) -> list[Tensor]:
        """Take the R noisy [B, C + 1, ...] out again."""
        start = self.num_first + self.num_context - 1
        later = torch.split(rows[:, start:], self.num_context, 1)
        return [torch.cat([rows[:, 1 + i : 2 + i], part], 1) for i, part in enumerate(later)]

    def previous(self, rows: Tensor) -> Tensor:
        """Return for each row that has context the row of that context, [B, later, ...]."""
        context = torch.cat(
            [rows[:, :1], rows[:, self.num_first : self.num_first + self.num_context - 1]], 1
        )
        return torch.cat([context[:, :-1], *[context] * self.num_copies], 1)


def forced_layer(
    block: Block, x: Tensor, e6: Tensor, text_tokens: Tensor, tables: Tables, rows: _Rows
) -> Tensor:
    """Run one block over all rows of all clips; x [B * M, L, D]."""
    num_rows = rows.num_first + rows.num_context - 1 + rows.num_copies * rows.num_context
    m = block.modulate(e6)
    q, k, v = (torch.unflatten(y, 0, (-1, num_rows)) for y in block.self_qkv(x, m))
    k, q = k.to(v.dtype), q.to(v.dtype)
    n = rows.num_first
    alone = attention(
        _turn(q[:, :n], tables.first), _turn(k[:, :n], tables.first), v[:, :n].flatten(0, 1)
    )
    context_keys = _turn(rows.previous(k), tables.first)
    keys = torch.cat([context_keys, _turn(k[:, n:], tables.later)], 1)
    values = torch.cat([rows.previous(v), v[:, n:]], 2).flatten(0, 1)
    follow = attention(_turn(q[:, n:], tables.later), keys, values)
    batch = q.shape[0]
    attended = torch.cat([torch.unflatten(y, 0, (batch, -1)) for y in (alone, follow)], 1)
    return block.finish(x, attended.flatten(0, 1), m, block.text_kv(text_tokens))


def _turn(x: Tensor, table: RopeTable) -> Tensor:
    """Rotate [B, M, L, n, dh] by the table of L tokens; returns [B * M, L, n, dh]."""
    return rotate(x.flatten(0, 1), table)


@dataclass(frozen=True, slots=True)
class LayerMemory:
    """Unrotated keys and values of one layer's previous chunk, [B, L, n, dh]."""

    k: Tensor
    v: Tensor


def step_velocity(
    model: CausalTransformer, chunk: Chunks, memory: Sequence[LayerMemory] | None
) -> tuple[Tensor, list[LayerMemory]]:
    """Predict the velocity of one chunk after its context (streaming).

    Args:
        model: the transformer.
        chunk: N = 1.
        memory: what the pass over the clean chunk before returned; None for a first chunk.

    Returns:
        Velocity [B, 3, 16, h, w] float32 and this chunk's own memory.
    """
    inputs = chunk.inputs[:, 0]
    tables = chunk_tables(model, inputs)
    e, e6 = model.embed_time(1000 * chunk.sigma)
    tokens = model.embed_patches(inputs).float()
    text_tokens = model.embed_text(chunk.text[:, 0])
    left: list[LayerMemory] = []
    for layer in range(model.config.num_layers):
        before = None if memory is None else (memory[layer].k, memory[layer].v)
        tokens, k, v = step_layer(model.block(layer), tokens, e6, text_tokens, tables, before)
        left.append(LayerMemory(k, v))
    grid = model.grid(LATENTS_PER_CHUNK, *inputs.shape[-2:])
    return model.head_out(tokens, e, grid).float(), left


def step_layer(
    block: Block,
    x: Tensor,
    e6: Tensor,
    text_tokens: Tensor,
    tables: Tables,
    before: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one block over one chunk x [B, L, D]; also return its keys (unrotated) and values."""
    m = block.modulate(e6)
    q, k, v = block.self_qkv(x, m)
    q, k = q.to(v.dtype), k.to(v.dtype)
    if before is None:
        attended = attention(rotate(q, tables.first), rotate(k, tables.first), v)
    else:
        keys = torch.cat([rotate(before[0], tables.first), rotate(k, tables.later)], 1)
        attended = attention(rotate(q, tables.later), keys, torch.cat([before[1], v], 1))
    return block.finish(x, attended, m, block.text_kv(text_tokens)), k, v


def compile_layers(*, dynamic: bool | None = None) -> None:
    """Compile one block of each forward; all blocks share the result.

    Whole-model compilation gave no more speed and took over a minute per variant (H200, 2026-11).
    By default the first picture size is compiled as it is; the second makes sizes symbolic, so that
    every further one costs no compilation. `dynamic` True starts with symbolic sizes.
    """
    global forced_layer, step_layer
    torch._dynamo.config.cache_size_limit = 64
    forced_layer = torch.compile(forced_layer, dynamic=dynamic)
    step_layer = torch.compile(step_layer, dynamic=dynamic)
