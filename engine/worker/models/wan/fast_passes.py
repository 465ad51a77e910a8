"""Passes for a GPU: fewer kernels, narrow products, recorded once and played back. HOT.

In, Out, Thread: as in `passes`; batches of one, all latent frames at one timestep.

A block is six products, two attentions, and between them one kernel each (`kernels.rows`): what one
product still needs (scales, bias) and what the next one wants (norm, FP8) happen in one pass over
memory. A whole pass is one recording; latents, time rows, text, control and its amount are inputs
that are written before it is played, so no cut and no knob ever records anew. A recording belongs
to a fill level of the cache; a show of constant length uses two, one for each kind of pass. Where
all passes of a chunk are played as one (`whole_steps`) they are `velocity_of` and `context_of`.

Each function also runs without a GPU, on plain twins; so it is held against `PlainPasses` there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.worker.kernels.attention_backends import SoftmaxAttention
from engine.worker.kernels.graphs import Graphs
from engine.worker.kernels.products import Product
from engine.worker.kernels.rows import Turn, add_inplace, add_inplace_normed
from engine.worker.models.wan.fast_block import (
    Run,
    entered,
    through_attention,
    through_rest,
    write_keys,
)
from engine.worker.models.wan.fast_inputs import (
    HeldControl,
    HeldInputs,
    HeldRows,
    HeldText,
    PassInputs,
    PassSteer,
)
from engine.worker.models.wan.fast_vace import FastVace
from engine.worker.models.wan.fast_weights import FastBlock, TimeRows, time_rows
from engine.worker.models.wan.kv_cache import CachePass, Keys, KVCache, TextCache, turn_of
from engine.worker.models.wan.passes import MAX_KNOWN_TIMES, PlainPasses, Steer
from engine.worker.models.wan.rope import rope_table


class FastPasses:
    """The passes of one show. What it cannot do runs plain, and is counted."""

    def __init__(
        self,
        plain: PlainPasses,
        cache: KVCache,
        text: TextCache,
        attend: SoftmaxAttention,
        *,
        narrow: bool,
    ) -> None:
        """Make weights ready.

        Args:
            plain: the same passes, for what is not recorded here.
            cache: of the show.
            text: of the show.
            attend: softmax attention of a show on its own keys, without a mask.
            narrow: whether products run in FP8.
        """
        self._plain = plain
        self._cache = cache
        self._text = text
        self._attend = attend
        self._narrow = narrow
        self._model = model = text.model
        self._blocks = [
            FastBlock(model.block(layer), narrow=narrow) for layer in range(len(model.blocks))
        ]
        self._vace = FastVace(text.vace, narrow=narrow) if text.vace is not None else None
        self.graphs = Graphs(model.device)
        self._inputs = HeldInputs(model.dtype, model.device)
        self._rows, self._stack_rows = HeldRows(), HeldRows()
        self._texts, self._stack_texts = HeldText(model.device), HeldText(model.device)
        self.control = HeldControl(model.config.dim, model.device)
        self._known_times: dict[float, tuple[TimeRows, TimeRows | None]] = {}
        self._turns: dict[int, Turn] = {}  # recordings read them, so they stay
        self.num_plain = 0

    def velocity(self, inputs: Tensor, timestep: float, steer: Steer | None) -> Tensor:
        """Return the predicted velocity [1, F, C, h, w] float32 of noisy latents."""
        view = self._cache.current
        if view.mask is not None or len(inputs) != 1:
            self.num_plain += 1
            return self._plain.velocity(inputs, timestep, steer)
        self._take(inputs, timestep, steer)
        num_references = steer.hints.num_references if steer else None
        key = ("velocity", view.key, inputs.shape, num_references)
        given = self._given(inputs.shape, num_references)
        return self.graphs.run(key, partial(self.velocity_of, view, given))

    def context(self, inputs: Tensor, timestep: float) -> None:
        """Leave keys and values of finished latents in the cache."""
        view = self._cache.current
        if view.mask is not None or len(inputs) != 1:
            self.num_plain += 1
            self._plain.context(inputs, timestep)
            return
        self._take(inputs, timestep, None)
        key = ("context", view.key, inputs.shape)
        self.graphs.run(key, partial(self.context_of, view, self._given(inputs.shape, None)))

    def layers(self, inputs: Tensor, timestep: float) -> list[Tensor]:
        """Return what leaves each layer [L, D], and last the velocity, to compare passes with."""
        self._take(inputs, timestep, None)
        seen: list[Tensor] = []
        given = self._given(inputs.shape, None)
        seen.append(self.velocity_of(self._cache.current, given, seen))
        return seen

    def forget_rows(self) -> None:
        """Weights have changed: take up what LoRAs make of them, and make time rows again."""
        self._plain.forget_rows()
        self._known_times.clear()
        for block in self._blocks:
            block.refresh()

    @property
    def num_recorded(self) -> int:
        """Recordings made so far; it stands still once a show is steady."""
        return self.graphs.num_recorded

    def latents_of(self, inputs: Tensor) -> Tensor:
        """Copy latents with their control channels into memory that stays; returns it."""
        return self._inputs.of(inputs.shape).copy_(inputs)

    def take_text(self, *, is_steered: bool) -> None:
        """Copy the present text's keys and values, those of the stack where it steers."""
        num_rows = self._text.num_rows
        self._texts.take(self._text.kvs(), num_rows)
        if is_steered:
            self._stack_texts.take(self._text.vace_kvs(), num_rows)

    def _take(self, inputs: Tensor, timestep: float, steer: Steer | None) -> None:
        """Write what a recording reads."""
        self.latents_of(inputs)
        own, stack = self.rows_at(timestep)
        self._rows.take(own)
        self.take_text(is_steered=steer is not None)
        if steer is not None and stack is not None:
            self._stack_rows.take(stack)
            self.control.take(steer)

    def _given(self, shape: torch.Size, num_references: int | None) -> PassInputs:
        """Return the memory that `_take` writes."""
        latents, rows = self._inputs.of(shape), self._rows.rows
        if num_references is None:
            return PassInputs(latents, rows)
        held, count = self.control, num_references
        steer = PassSteer(
            self._stack_rows.rows, held.context(count), held.references(count), held.gate, count
        )
        return PassInputs(latents, rows, steer)

    def rows_at(self, timestep: float) -> tuple[TimeRows, TimeRows | None]:
        """Rows of the transformer and of the stack; a show uses few timesteps."""
        if timestep not in self._known_times:
            if len(self._known_times) >= MAX_KNOWN_TIMES:
                self._known_times.clear()
            e, e6 = self._plain.time_rows(timestep)
            head = self._model.head
            own = time_rows(e, e6, self._blocks, head)
            stack = time_rows(e, e6, self._vace.blocks, head) if self._vace else None
            self._known_times[timestep] = (own, stack)
        return self._known_times[timestep]

    def _run(
        self, rows: TimeRows, turn: Turn, finish_keys: Callable[[Keys], None] | None = None
    ) -> Run:
        eps = self._model.config.eps
        return Run(rows, turn, self._attend, self._texts.rows, eps, self._narrow, finish_keys)

    def velocity_of(
        self, view: CachePass, given: PassInputs, seen: list[Tensor] | None = None
    ) -> Tensor:
        """Do what `velocity` does, reading and writing only memory that stays."""
        shape = given.latents.shape
        tokens = self._model.embed_patches(given.latents)
        hints = self._hints(tokens, shape, given.steer)
        x = tokens[0].clone()
        run = self._run(given.rows, view.turn, view.narrow_values)
        y = entered(run, 0, x)
        for layer, block in enumerate(self._blocks):
            y = through_attention(run, block, layer, (x, y), view.keys(layer))
            last = through_rest(run, block, layer, (x, y), self._texts.kvs[layer])
            update, gate = last, run.rows.gate(layer, 1)
            if given.steer is not None and layer in hints:
                add_inplace(x, last, gate)
                update, gate = hints[layer], given.steer.gate
            is_narrow = self._narrow and layer + 1 < len(self._blocks)
            following = run.rows.before(layer + 1)
            y = add_inplace_normed(x, update, gate, following, run.eps, narrow=is_narrow)
            if seen is not None:
                seen.append(x.clone())
        head = self._model.head.head
        patches = F.linear(y.values, head.weight, head.bias)[None]
        grid = self._model.grid(shape[1], *shape[3:])
        return self._model.unpatchify(patches, grid).float()

    def context_of(self, view: CachePass, given: PassInputs) -> None:
        """Do what `context` does, reading and writing only memory that stays.

        It stops after keys and values of the last block: nobody needs what follows.
        """
        x = self._model.embed_patches(given.latents)[0].clone()
        run = self._run(given.rows, view.turn, view.narrow_values)
        y = entered(run, 0, x)
        last = len(self._blocks) - 1
        for layer, block in enumerate(self._blocks[:last]):
            y = through_attention(run, block, layer, (x, y), view.keys(layer))
            update = through_rest(run, block, layer, (x, y), self._texts.kvs[layer])
            following, gate = run.rows.before(layer + 1), run.rows.gate(layer, 1)
            y = add_inplace_normed(x, update, gate, following, run.eps, narrow=self._narrow)
        write_keys(run, self._blocks[last], y, view.keys(last), x.dtype)

    def _hints(
        self, tokens: Tensor, shape: torch.Size, steer: PassSteer | None
    ) -> dict[int, Product]:
        """What the stack adds behind the layers; nothing without control."""
        if self._vace is None or steer is None:
            return {}
        ahead = steer.references
        seen = tokens[0] if ahead is None else torch.cat([ahead[0], tokens[0]])
        run = self._run(steer.rows, self._stack_turn(steer.num_references + shape[1], shape))
        num_ahead = len(seen) - tokens.shape[1]
        return self._vace.hints(seen, steer.context[0], self._stack_texts.kvs, run, num_ahead)

    def _stack_turn(self, num_latents: int, shape: torch.Size) -> Turn:
        """Return the rotation of the stack's rows: latent frames count from 0."""
        if num_latents not in self._turns:
            config = self._model.config
            grid = self._model.grid(num_latents, *shape[3:])
            spacing = config.spacing(grid.rows, grid.columns)
            positions, device = tuple(range(num_latents)), self._model.device
            table = rope_table(config.head_dim, positions, grid.rows, grid.columns, device, spacing)
            self._turns[num_latents] = turn_of(table)
        return self._turns[num_latents]
