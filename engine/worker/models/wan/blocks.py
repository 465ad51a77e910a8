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


class TextKV(NamedTuple):
    """Cross-attention keys (after their norm) and values of one layer, [B, text_len, n, dh]."""

    k: Tensor
    v: Tensor


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
        """Normalise in float32, cast back, then scale (the order of the reference)."""
        wide = x.float()
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
        return self._heads(self.norm_q(self.q(x)))

    def keys(self, x: Tensor) -> Tensor:
        """Project [B, L, D] to normed keys [B, L, n, dh]."""
        return self._heads(self.norm_k(self.k(x)))

    def values(self, x: Tensor) -> Tensor:
        """Project [B, L, D] to values [B, L, n, dh]."""
        return self._heads(self.v(x))

    def output(self, attended: Tensor) -> Tensor:
        """Join heads [B, L, n, dh] and project to [B, L, D]."""
        projected: Tensor = self.o(attended.flatten(-2))
        return projected


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
        return TextKV(self.cross_attn.keys(text_tokens), self.cross_attn.values(text_tokens))

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
        queries = self.cross_attn.queries(self.norm3(x))
        x = x + self.cross_attn.output(attention(queries, text.k, text.v))
        y = modulated_norm(x, m.shift2, m.scale2, self.eps)
        return add_gated(x, self.ffn(y), m.gate2)


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
