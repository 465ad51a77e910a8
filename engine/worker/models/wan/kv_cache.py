"""Keys and values of past latents, in buffers made once. HOT.

In:     per layer and pass: q, k (normed, not rotated), v [B, L, n, dh].
Out:    attended values [B, L, n, dh].
Thread: generator. The decisions are `cache_plan`'s; this module moves tensors.
Full:   the oldest latents after the sink make room; there is no limit to the length of a show.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from engine.worker.kernels.attention import attention
from engine.worker.kernels.has_triton import has_triton
from engine.worker.kernels.narrow import NarrowKV, narrow_keys, narrow_like, narrow_values
from engine.worker.kernels.rows import KVSlots, Turn
from engine.worker.models.wan.blocks import TextKV
from engine.worker.models.wan.cache_plan import (
    CacheRule,
    CacheState,
    CacheWindow,
    PassPlan,
    Positions,
    plan_chunk,
    plan_recache,
    plan_repeat,
)
from engine.worker.models.wan.rope import RopeTable, rope_table, rotate
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vace import VaceStack


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheShape:
    """Sizes of the buffers."""

    num_layers: int
    batch: int
    rows: int
    columns: int
    num_heads: int
    head_dim: int
    spacing: float = 1.0  # of neighbouring patches, in positions

    @property
    def tokens_per_latent(self) -> int:
        """Tokens of one slot."""
        return self.rows * self.columns


class Keys(NamedTuple):
    """Where a layer's own keys and values go, and what it attends to: [1, T, n, dh].

    `narrow` are FP8 copies to attend to instead, if they are kept.
    """

    slots: KVSlots
    k: Tensor
    v: Tensor
    narrow: NarrowKV | None = None


@dataclass(frozen=True, slots=True)
class CachePass:
    """What a pass does to the buffers, for whoever writes and reads them himself.

    Attributes:
        key: equal for passes that do the same to the same buffers.
        turn: rotation of the pass's rows.
        mask: bool [L, T]; None where every query sees all that is valid.
        buffers: rotated keys, keys before rotation (None where nobody needs them) and values,
            [layers, n, places, dh].
        narrow: FP8 copies of all layers, if they are kept.
        start: place of the first row that is written.
        stop: one past the last place that is valid.
        skip: rows at the start that are not written.
    """

    key: Hashable
    turn: Turn
    mask: Tensor | None
    buffers: tuple[Tensor, Tensor | None, Tensor]
    narrow: NarrowKV | None
    start: int
    stop: int
    skip: int

    def keys(self, layer: int) -> Keys:
        """Return what one layer writes and reads."""
        k, plain, v = self.buffers
        own = None if plain is None else plain[layer]
        valid_k, valid_v = (part[layer, :, : self.stop].transpose(0, 1)[None] for part in (k, v))
        slots = KVSlots(k[layer], v[layer], own, self.start, self.skip)
        if self.narrow is None:
            return Keys(slots, valid_k, valid_v)
        narrow = NarrowKV(self.narrow.k[layer], self.narrow.v[layer])
        return Keys(slots._replace(narrow_k=narrow.k), valid_k, valid_v, narrow)

    def narrow_values(self, keys: Keys) -> None:
        """Copy the values that a layer has just written."""
        if keys.narrow is not None:
            narrow_values(keys.slots.v, keys.narrow.v, self.start, self.stop)


def turn_of(table: RopeTable) -> Turn:
    """Return a rotation without the axis of heads."""
    return Turn(table.cos.squeeze(1), table.sin.squeeze(1))


class KVCache:
    """Cache of all layers. Start a pass with `begin_*`, then hand `attend` to the transformer."""

    def __init__(
        self,
        shape: CacheShape,
        rule: CacheRule,
        window: CacheWindow,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.shape = shape
        self.rule = rule
        self.window = window
        size = (
            shape.num_layers,
            shape.batch,
            shape.num_heads,
            window.window_latents * shape.tokens_per_latent,
            shape.head_dim,
        )
        # Rotated keys, as attention reads them; with WINDOW positions the unrotated ones as well,
        # so that a key is turned once per chunk and not once per pass.
        # Heads lie apart in memory: attention reads one head at a time, and products with strided
        # rows cost a tenth more (14.3 ms, not 15.6, for 768 on 1536 on one core).
        self._k = torch.zeros(size, dtype=dtype, device=device).transpose(2, 3)
        self._v = torch.zeros(size, dtype=dtype, device=device).transpose(2, 3)
        self._is_relative = rule.positions is Positions.WINDOW
        self._moved_turns: dict[int, Turn] = {}  # by slots; recordings read them, so they stay
        self._unrotated = torch.zeros_like(self._k) if self._is_relative else self._k
        self._narrow: NarrowKV | None = None
        self.reset()

    def keep_narrow(self) -> None:
        """Keep FP8 copies of keys and values from now on; batches of one alone.

        Raises:
            ValueError: the batch is larger.
        """
        if self.shape.batch != 1:
            raise ValueError(f"narrow copies of {self.shape.batch} shows: they are kept for one")
        self._narrow = narrow_like(self._k[:, 0].transpose(1, 2))

    def drop_narrow(self) -> None:
        """Keep them no longer."""
        self._narrow = None

    def reset(self) -> None:
        """Empty the cache and start again at position 0; the buffers stay."""
        self.state = CacheState()
        self._plan: PassPlan | None = None
        self._mask: Tensor | None = None

    def begin_chunk(self, num_latents: int) -> None:
        """Start the first pass over new latents: make room, then write behind the newest."""
        plan = plan_chunk(self.rule, self.window, self.state, num_latents)
        self.make_room(plan)
        self.enter(plan)

    def make_room(self, plan: PassPlan) -> None:
        """Move what stays down to where the evicted latents were; nothing else changes."""
        if not plan.evict:
            return
        self._evict(plan)
        tokens = self.shape.tokens_per_latent
        moved = (self.window.sink_latents * tokens, plan.write_start * tokens)
        self._copy_narrow(slice(None), *moved)

    def begin_repeat(self, num_latents: int) -> None:
        """Start another pass over the newest latents; it overwrites what they left."""
        self.enter(plan_repeat(self.rule, self.window, self.state, num_latents))

    def begin_recache(self, num_latents: int) -> None:
        """Start the one pass that rewrites the newest latents under a new prompt."""
        self.enter(plan_recache(self.rule, self.window, self.state, num_latents))

    def begin_context(self, num_latents: int, latents_per_block: int) -> None:
        """Start a pass that refills the emptied cache; blocks of latents see only the past."""
        self.reset()
        self.begin_chunk(num_latents)
        if num_latents > latents_per_block:
            self._mask = self._block_causal_mask(num_latents, latents_per_block)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write this pass's keys and values of one layer, then attend to all that is valid."""
        self.write(layer, k, v)
        stop = self._stop_token
        keys, values = self._k[layer, :, :stop], self._v[layer, :, :stop]
        return attention(rotate(q, self._query_table), keys, values, self._mask)

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Write this pass's keys and values of one layer and attend to nothing."""
        skip, start, stop = self._skip_tokens, self._start_token, self._stop_token
        self._k[layer, :, start:stop] = rotate(k, self._query_table)[:, skip:]
        self._v[layer, :, start:stop] = v[:, skip:]
        if self._is_relative:
            self._unrotated[layer, :, start:stop] = k[:, skip:]
        if self._narrow is not None:
            self._copy_narrow(slice(layer, layer + 1), start, stop)

    def _copy_narrow(self, layers: slice, start: int, stop: int) -> None:
        """Bring the copies of some layers up to date, places `start` up to `stop`."""
        if self._narrow is None:
            return
        k, v = (part[layers, 0].transpose(1, 2).flatten(0, 1) for part in (self._k, self._v))
        narrow_keys(k, self._narrow.k[layers].flatten(0, 1), start, stop)
        narrow_values(v, self._narrow.v[layers].flatten(0, 1), start, stop)

    @property
    def current(self) -> CachePass:
        """The pass that was begun last, for a batch of one."""
        assert self._plan is not None, "a pass is begun before anybody looks at it"
        return self.view(self._plan, self._mask)

    def view(self, plan: PassPlan, mask: Tensor | None = None) -> CachePass:
        """Return what a pass will do to the buffers, for a batch of one; nothing changes."""
        k, v, unrotated = (
            part[:, 0].transpose(1, 2) for part in (self._k, self._v, self._unrotated)
        )
        places = self._places(plan)
        key = (places, plan.query_positions, self._narrow is not None)
        return CachePass(
            key, turn_of(self._table(plan.query_positions)), mask,
            (k, unrotated if self._is_relative else None, v), self._narrow, *places,
        )  # fmt: skip

    def layer(self, index: int) -> tuple[Tensor, Tensor]:
        """Valid keys as stored (unrotated with WINDOW positions) and values [B, T, n, dh]."""
        stop = self.state.cached * self.shape.tokens_per_latent
        return self._unrotated[index, :, :stop], self._v[index, :, :stop]

    def enter(self, plan: PassPlan) -> None:
        """Begin a pass as far as the host is concerned: `make_room` is the device's part."""
        self._plan = plan
        self._start_token, self._stop_token, self._skip_tokens = self._places(plan)
        self._query_table = self._table(plan.query_positions)
        self._mask = None
        self.state = plan.after

    def _places(self, plan: PassPlan) -> tuple[int, int, int]:
        """Return first place written, one past the last, and rows at the start left out."""
        tokens = self.shape.tokens_per_latent
        return plan.write_start * tokens, plan.write_stop * tokens, plan.write_skip * tokens

    def _evict(self, plan: PassPlan) -> None:
        """Move what follows the evicted latents down, in all layers at once."""
        tokens = self.shape.tokens_per_latent
        step = plan.evict * tokens
        start = self.window.sink_latents * tokens
        stop = plan.write_start * tokens
        if self._k.is_cuda and has_triton():
            self._move_on_gpu((start, step, stop), plan)
            return
        buffers = (self._unrotated, self._v)
        # Steps of the distance moved never overlap, so no temporary copy is needed.
        for at in range(start, stop, step):
            end = min(at + step, stop)
            for buffer in buffers:
                buffer[:, :, at:end] = buffer[:, :, at + step : end + step]
        if self._is_relative and stop > start:
            positions = tuple(range(self.window.sink_latents, plan.write_start))
            moved = self._unrotated[:, :, start:stop].flatten(0, 1)
            turned = rotate(moved, self._table(positions))
            self._k[:, :, start:stop] = turned.view_as(self._k[:, :, start:stop])

    def _move_on_gpu(self, places: tuple[int, int, int], plan: PassPlan) -> None:
        """Do what `_evict` does, in one kernel a step: each key is read once and turned there."""
        from engine.worker.kernels.triton_moves import move_inplace

        start, _, stop = places
        if stop <= start:
            return
        table = None
        if self._is_relative:
            slots = plan.write_start
            if slots not in self._moved_turns:
                self._moved_turns[slots] = turn_of(self._table(tuple(range(slots))))
            table = self._moved_turns[slots]
        flat = [part.transpose(2, 3).flatten(0, 2) for part in (self._unrotated, self._k, self._v)]
        move_inplace((flat[0], flat[1], flat[2]), table, places)

    def _table(self, positions: tuple[int, ...]) -> RopeTable:
        shape = self.shape
        size = (shape.rows, shape.columns, self._k.device, shape.spacing)
        return rope_table(shape.head_dim, positions, *size)

    def _block_causal_mask(self, num_latents: int, latents_per_block: int) -> Tensor:
        """Mask [L, L]: a query sees keys up to the end of its own block."""
        latent = torch.arange(num_latents, device=self._k.device)
        block = (latent // latents_per_block).repeat_interleave(self.shape.tokens_per_latent)
        return block[:, None] >= block[None, :]


class TextCache:
    """Cross-attention keys and values of the present prompt, made on first use."""

    def __init__(self, model: CausalTransformer, vace: VaceStack | None = None) -> None:
        self.model = model
        self.vace = vace
        self._text: Tensor | None = None
        self.invalidate()

    def set_text(self, text: Tensor) -> None:
        """Take new text rows [B, <= text_len, text_dim] and forget what the old ones made."""
        self._text = text
        self.invalidate()

    def forget(self) -> None:
        """Forget the text as well: it has to be set before the next pass."""
        self._text = None
        self.invalidate()

    def invalidate(self) -> None:
        """Forget keys, values and embedded text; they are made again at the next use."""
        self._tokens: Tensor | None = None
        self._kvs: Sequence[TextKV] | None = None
        self._vace_kvs: Sequence[TextKV] | None = None

    @property
    def is_valid(self) -> bool:
        """Whether keys and values are at hand."""
        return self._kvs is not None or self._vace_kvs is not None

    @property
    def num_rows(self) -> int:
        """Rows of the text itself; what is missing to the model's length is padding."""
        return 0 if self._text is None else self._text.shape[1]

    def kvs(self) -> Sequence[TextKV]:
        """Keys and values of every layer.

        Raises:
            ValueError: no text was ever set.
        """
        if self._kvs is None:
            self._kvs = self.model.text_kvs(self._text_tokens())
        return self._kvs

    def vace_kvs(self) -> Sequence[TextKV]:
        """Keys and values of every block of the VACE stack.

        Raises:
            ValueError: no text was ever set, or there is no stack.
        """
        if self._vace_kvs is None:
            if self.vace is None:
                raise ValueError("keys of a VACE stack asked for, but the model has none")
            self._vace_kvs = self.vace.text_kvs(self._text_tokens())
        return self._vace_kvs

    def _text_tokens(self) -> Tensor:
        if self._text is None:
            raise ValueError("no text set: call set_text before the first chunk")
        if self._tokens is None:
            self._tokens = self.model.embed_text(self._text)
        return self._tokens
