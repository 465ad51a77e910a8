"""Transformer block and output head, in parts that every kind of forward shares. HOT.

In:     tokens [B, L, D] ordered by latent frame; time rows per latent frame.
Out:    tokens [B, L, D]; from the head, patches [B, L, ph*pw*C].
Thread: generator. Holds weights only.   Source: Wan 2.1 model code.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.attention import attention
from engine.worker.kernels.fused import can_fuse, is_plain, linear, linear_gelu

_FOLDED_SHARE = 0.25
"""Text is folded into the projections around it when it has at most this many rows per channel."""


class FoldedText(NamedTuple):
    """What few text rows leave of cross-attention: two products with small matrices.

    Attributes:
        scores: [D, n*T], from queries before their norm to scores less that norm; the keys, the
            weights of the norm and 1/sqrt(dh) are in it.
        outputs: [n*T, D], from softmax weights to what is added to the tokens; the values and the
            output projection are in it.
    """

    scores: Tensor
    outputs: Tensor


class TextKV(NamedTuple):
    """Cross-attention keys (after their norm) and values of one layer, [B, text_len, n, dh].

    `folded` is there when it pays and the whole batch shares one text.
    """

    k: Tensor
    v: Tensor
    folded: FoldedText | None = None


class Modulation(NamedTuple):
    """Shift, scale and gate of both halves of a block, each [B, F, 1, D]; F may be 1."""

    shift1: Tensor
    scale1: Tensor
    gate1: Tensor
    shift2: Tensor
    scale2: Tensor
    gate2: Tensor


class RMSNorm(nn.Module):
    """Root-mean-square norm over the whole width, before the split into heads."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise in float32, cast back, then scale (the order of the reference).

        The fast twin stays in float32 to the end and leaves the result there: 0.14 ms for
        768 x 384, the reference 1.2 (one core of an EPYC, 2026-11-24). `attention` casts.
        """
        wide = x.float()
        if can_fuse(x):
            return F.rms_norm(wide, wide.shape[-1:], self.weight.float(), self.eps)
        inverse = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * inverse).to(x.dtype) * self.weight


class Attention(nn.Module):
    """Projections of one attention; the softmax itself is the caller's business."""

    def __init__(self, dim: int, num_heads: int, eps: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)
        self.o = nn.Linear(dim, dim)
        self.norm_q = RMSNorm(dim, eps)
        self.norm_k = RMSNorm(dim, eps)

    def _heads(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (self.num_heads, -1))

    def queries(self, x: Tensor) -> Tensor:
        """Project [B, L, D] to normed queries [B, L, n, dh]."""
        return self._heads(self.norm_q(linear(x, self.q)))

    def keys(self, x: Tensor) -> Tensor:
        """Project [B, L, D] to normed keys [B, L, n, dh]."""
        return self._heads(self.norm_k(linear(x, self.k)))

    def values(self, x: Tensor) -> Tensor:
        """Project [B, L, D] to values [B, L, n, dh]."""
        return self._heads(linear(x, self.v))

    def output(self, attended: Tensor) -> Tensor:
        """Join heads [B, L, n, dh] and project to [B, L, D]."""
        return linear(attended.flatten(-2), self.o)

    def folded(self, k: Tensor, v: Tensor) -> FoldedText:
        """Fold keys (after their norm) and values [1, T, n, dh] into the projections."""
        num_rows, heads, size = k.shape[1:]
        own_head = torch.eye(heads, dtype=torch.float32, device=k.device)
        weighted = k[0].float() * self.norm_q.weight.float().view(heads, size) * size**-0.5
        scores = torch.einsum("tnd,nm->ndmt", weighted, own_head).reshape(heads * size, -1)
        # Softmax weights of a head add up to one, so a share of the bias in every row adds it once.
        parts = self.o.weight.float().view(-1, heads, size)
        outputs = torch.einsum("tnd,end->nte", v[0].float(), parts) + self.o.bias.float() / heads
        outputs = outputs.reshape(heads * num_rows, -1)
        return FoldedText(scores.to(v.dtype), outputs.to(v.dtype))

    def add_attended(self, x: Tensor, y: Tensor, folded: FoldedText) -> Tensor:
        """Add to x [1, L, D] what its normed form y finds in the text."""
        q = linear(y, self.q)
        length = torch.linalg.vector_norm(q, dim=-1, keepdim=True, dtype=torch.float32)
        inverse = torch.rsqrt(length.square() / q.shape[-1] + self.norm_q.eps)
        scores = self._heads((q @ folded.scores).float() * inverse)
        weights = scores.softmax(-1).to(x.dtype).flatten(-2)
        return torch.addmm(x[0], weights[0], folded.outputs).unsqueeze(0)


def per_latent(x: Tensor, num_latents: int) -> Tensor:
    """View tokens [B, L, D] as [B, F, S, D]; with `num_latents` 1, as one row of all tokens."""
    return torch.unflatten(x, 1, (num_latents, -1))


def modulated_norm(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """LayerNorm without weights, then scale and shift per latent frame.

    Args:
        x: [B, L, D].
        shift: [B, F, 1, D].
        scale: [B, F, 1, D].
        eps: of the norm.

    Returns:
        [B, L, D].
    """
    if can_fuse(x) and shift.shape[:2] == (1, 1):
        return F.layer_norm(x, x.shape[-1:], (1 + scale).flatten(), shift.flatten(), eps)
    normed = F.layer_norm(x, x.shape[-1:], eps=eps)
    return torch.addcmul(shift, per_latent(normed, shift.shape[1]), 1 + scale).flatten(1, 2)


def add_gated(x: Tensor, update: Tensor, gate: Tensor) -> Tensor:
    """Return x + gate * update with one gate row per latent frame; x, update [B, L, D]."""
    num_latents = gate.shape[1]
    return torch.addcmul(per_latent(x, num_latents), per_latent(update, num_latents), gate).flatten(
        1, 2
    )


class Block(nn.Module):
    """One transformer block in three composable parts: `modulate`, `self_qkv`, `finish`."""

    def __init__(self, dim: int, ffn_dim: int, num_heads: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.modulation = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)
        self.self_attn = Attention(dim, num_heads, eps)
        self.norm3 = nn.LayerNorm(dim, eps=eps)
        self.cross_attn = Attention(dim, num_heads, eps)
        self.ffn = nn.Sequential(
            nn.Linear(dim, ffn_dim), nn.GELU(approximate="tanh"), nn.Linear(ffn_dim, dim)
        )

    def modulate(self, e6: Tensor) -> Modulation:
        """Add the learned rows to the timestep rows [B, F, 6, D] and split them."""
        rows = e6 + self.modulation
        return Modulation(*(row.unsqueeze(2) for row in rows.unbind(2)))

    def self_qkv(self, x: Tensor, m: Modulation) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys (normed, not yet rotated) and values of tokens x [B, L, D]."""
        y = modulated_norm(x, m.shift1, m.scale1, self.eps)
        attn = self.self_attn
        return attn.queries(y), attn.keys(y), attn.values(y)

    def self_kv(self, x: Tensor, m: Modulation) -> tuple[Tensor, Tensor]:
        """Keys and values alone: all that a context pass needs of the last block."""
        y = modulated_norm(x, m.shift1, m.scale1, self.eps)
        return self.self_attn.keys(y), self.self_attn.values(y)

    def text_kv(self, text_tokens: Tensor) -> TextKV:
        """Cross-attention keys and values of embedded text [B, T, D]."""
        attn = self.cross_attn
        k, v = attn.keys(text_tokens), attn.values(text_tokens)
        batch, num_rows, dim = text_tokens.shape
        pays = is_plain(attn.o) and num_rows * attn.num_heads <= _FOLDED_SHARE * dim
        if batch > 1 or not pays or not can_fuse(text_tokens):
            return TextKV(k, v)
        return TextKV(k, v, attn.folded(k, v))

    def finish(self, x: Tensor, attended: Tensor, m: Modulation, text: TextKV) -> Tensor:
        """Everything after self-attention: its output projection, cross-attention, FFN.

        Args:
            x: tokens that entered the block, [B, L, D].
            attended: self-attention result, [B, L, n, dh].
            m: what `modulate` returned.
            text: what `text_kv` returned.

        Returns:
            Tokens that leave the block, [B, L, D].
        """
        x = add_gated(x, self.self_attn.output(attended), m.gate1)
        x = self._add_text(x, text)
        y = modulated_norm(x, m.shift2, m.scale2, self.eps)
        return add_gated(x, self._feed_forward(y), m.gate2)

    def _add_text(self, x: Tensor, text: TextKV) -> Tensor:
        y = self.norm3(x)
        if text.folded is not None and len(x) == 1 and can_fuse(x):
            return self.cross_attn.add_attended(x, y, text.folded)
        queries = self.cross_attn.queries(y)
        return x + self.cross_attn.output(attention(queries, text.k, text.v))

    def _feed_forward(self, y: Tensor) -> Tensor:
        first, _, last = self.ffn
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        return linear(linear_gelu(y, first), last)


class Head(nn.Module):
    """Last norm and projection to patches."""

    def __init__(self, dim: int, patch_channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.modulation = nn.Parameter(torch.randn(1, 2, dim) / dim**0.5)
        self.head = nn.Linear(dim, patch_channels)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """Map tokens [B, L, D] and time rows e [B, F, D] to patches [B, L, ph*pw*out_dim]."""
        shift, scale = (e.unsqueeze(2) + self.modulation).unsqueeze(3).unbind(2)
        patches: Tensor = self.head(modulated_norm(x, shift, scale, self.eps))
        return patches
