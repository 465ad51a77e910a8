"""Attention on the rows of a text, whose padding is one key. HOT.

In:     queries [L, n, dh]; keys and values [T, n, dh] of all places of a text, of which `TextRows`
        says how many differ.
Out:    [L, n, dh] in the queries' type.
Thread: generator.

A text is padded to the length that the model was trained with, 512 rows for Wan, and a prompt has
20 to 100. Padding rows are equal, so their keys and values are: T of them weigh in a softmax as one
whose score is larger by log T. That is the same number, not an approximation.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class TextRows(NamedTuple):
    """How many rows of a text differ, in memory that recordings read.

    Attributes:
        num_read: [] int32, of rows that are read: the text's own and one for the padding.
        repeats: [] float32, log2 of how often the last of them stands.
    """

    num_read: Tensor
    repeats: Tensor

    def take(self, num_given: int, num_places: int) -> None:
        """Become those of a text with `num_given` rows, padded to `num_places`."""
        num_padding = num_places - num_given
        self.num_read.fill_(min(num_given + 1, num_places))
        self.repeats.fill_(max(num_padding, 1)).log2_()


def text_rows(device: torch.device) -> TextRows:
    """Return memory for a text that has no rows yet."""
    return TextRows(
        torch.zeros((), dtype=torch.int32, device=device), torch.zeros((), device=device)
    )


def text_attention(q: Tensor, k: Tensor, v: Tensor, rows: TextRows) -> Tensor:
    """Attend queries [L, n, dh] to the rows of a text."""
    if q.is_cuda:
        from engine.worker.kernels import triton_text

        return triton_text.text_attention(q, k, v, rows)
    return text_attention_reference(q, k, v, rows)


def text_attention_reference(q: Tensor, k: Tensor, v: Tensor, rows: TextRows) -> Tensor:
    """Plain twin of `text_attention`: scores, softmax and sum written out in float32."""
    place = torch.arange(len(k), device=k.device)
    scores = torch.einsum("qnd,knd->nqk", q.float(), k.float()) / q.shape[-1] ** 0.5
    more = torch.where(place == rows.num_read - 1, rows.repeats * math.log(2), 0.0)
    scores = (scores + more).masked_fill(place >= rows.num_read, float("-inf"))
    return torch.einsum("nqk,knd->qnd", scores.softmax(-1), v.float()).to(q.dtype)
