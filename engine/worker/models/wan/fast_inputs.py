"""Memory that recorded passes read: written before a pass is played, and never moved. HOT.

Thread: generator.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from engine.worker.kernels.text_attention import text_rows
from engine.worker.models.wan.blocks import TextKV
from engine.worker.models.wan.fast_weights import TimeRows
from engine.worker.models.wan.passes import Steer
from engine.worker.models.wan.vace import ChunkHints

Key = TypeVar("Key", bound=Hashable)


class PassSteer(NamedTuple):
    """What steers one pass through the stack.

    Attributes:
        rows: time rows of the stack.
        context: embedded control context [1, Lv, D], its references first.
        references: embedded noisy reference images [1, R * S, D]; None without any.
        gate: the amount, once per channel.
        num_references: R.
    """

    rows: TimeRows
    context: Tensor
    references: Tensor | None
    gate: Tensor
    num_references: int


class PassInputs(NamedTuple):
    """What one pass reads, text aside.

    Attributes:
        latents: with their control channels, [1, F, in_dim, h, w] in the model's type.
        rows: time rows.
        steer: what steers through the stack; None without control.
    """

    latents: Tensor
    rows: TimeRows
    steer: PassSteer | None = None


class HeldText:
    """Text keys and values of every layer, and how many rows of them differ."""

    def __init__(self, device: torch.device) -> None:
        self.kvs: list[TextKV] = []
        self.rows = text_rows(device)
        self._seen: Sequence[TextKV] | None = None

    def take(self, kvs: Sequence[TextKV], num_rows: int) -> None:
        """Copy keys and values of a text with so many rows, unless they are the last time's."""
        if kvs is self._seen:
            return
        if not self.kvs:
            self.kvs = [TextKV(torch.empty_like(kv.k), torch.empty_like(kv.v)) for kv in kvs]
        for held, kv in zip(self.kvs, kvs, strict=True):
            held.k.copy_(kv.k)
            held.v.copy_(kv.v)
        self.rows.take(num_rows, kvs[0].k.shape[1])
        self._seen = kvs


class HeldRows:
    """Time rows of one stack of blocks."""

    def __init__(self) -> None:
        self._rows: TimeRows | None = None
        self._seen: TimeRows | None = None

    @property
    def rows(self) -> TimeRows:
        """What was taken last."""
        assert self._rows is not None, "time rows are taken before a pass runs"
        return self._rows

    def take(self, rows: TimeRows) -> None:
        """Copy rows, unless they are those of the last time."""
        if self._rows is None:
            self._rows = rows.like()
        if rows is not self._seen:
            self._rows.take_inplace(rows)
            self._seen = rows


class HeldControl:
    """What steers: by the number of reference images, for their rows are part of its shape."""

    def __init__(self, width: int, device: torch.device) -> None:
        self.gate = torch.zeros(width, device=device)  # the amount, once per channel
        self._contexts: dict[int, Tensor] = {}
        self._references: dict[int, Tensor] = {}

    def context(self, num_references: int) -> Tensor:
        """Embedded control context [1, Lv, D]."""
        return self._contexts[num_references]

    def references(self, num_references: int) -> Tensor | None:
        """Embedded noisy reference images [1, R * S, D]; None without any."""
        return self._references.get(num_references)

    def take(self, steer: Steer) -> None:
        """Copy context, references and amount."""
        self.take_chunk(steer.hints)
        references = steer.hints.reference_tokens(steer.step, steer.sigma)
        if references is not None:
            copy_into(self._references, steer.hints.num_references, references)

    def take_chunk(self, hints: ChunkHints) -> None:
        """Copy what all steps of a chunk have in common: context and amount."""
        copy_into(self._contexts, hints.num_references, hints.tokens)
        self.gate.fill_(hints.scale)


class HeldInputs:
    """Latents with their control channels, by shape."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._place = (dtype, device)
        self._held: dict[torch.Size, Tensor] = {}

    def of(self, shape: torch.Size) -> Tensor:
        """Return the memory for inputs of this shape."""
        if shape not in self._held:
            dtype, device = self._place
            self._held[shape] = torch.empty(shape, dtype=dtype, device=device)
        return self._held[shape]


def copy_into(held: dict[Key, Tensor], key: Key, value: Tensor) -> None:
    """Copy a tensor into the memory of its key, which is made when it is first needed."""
    if key not in held:
        held[key] = torch.empty_like(value)
    held[key].copy_(value)
