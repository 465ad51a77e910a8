"""UMT5 text encoder: token ids in, text rows out.

Pre-norm residual blocks without any bias. Attention has no scale, and every block has a relative
position table of its own. Module names are the keys of models_t5_umt5-xxl-enc-bf16.pth.
Source: Wan 2.1 (arXiv 2503.20314), text encoder; UMT5 (arXiv 2304.09151); T5 (arXiv 1910.10683).
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class UMT5Config:
    """Sizes; the defaults are those of UMT5-XXL.

    `num_buckets` and `max_distance` are of the relative positions, in tokens.
    """

    vocab: int = 256384
    dim: int = 4096
    dim_attn: int = 4096
    dim_ffn: int = 10240
    num_heads: int = 64
    num_layers: int = 24
    num_buckets: int = 32
    max_distance: int = 128
    eps: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse sizes that make no model.

        Raises:
            ValueError: a size is below one or the heads do not divide.
        """
        sizes = (self.vocab, self.dim, self.dim_attn, self.dim_ffn, self.num_heads, self.num_layers)
        if min(sizes) < 1 or self.dim_attn % self.num_heads:
            raise ValueError(
                f"sizes {sizes} make no encoder: expected all above 0 and dim_attn, the third, "
                "divisible by the number of heads, the fifth"
            )
        if self.num_buckets < 4 or self.num_buckets % 4 or self.max_distance <= self._num_exact:
            raise ValueError(
                f"{self.num_buckets} position buckets up to distance {self.max_distance}: expected "
                "a multiple of 4, and a distance above a quarter of it"
            )

    @property
    def _num_exact(self) -> int:
        return self.num_buckets // 4


UMT5_XXL = UMT5Config()


def position_buckets(length: int, config: UMT5Config, device: torch.device) -> Tensor:
    """Return the bucket [query, key] of every pair of positions.

    Half of the buckets are for keys after the query. Of each half the first half are distances as
    they are, the others grow with the logarithm.   Source: T5, relative attention.
    """
    half, exact = config.num_buckets // 2, config.num_buckets // 4
    at = torch.arange(length, device=device)
    offset = at[None, :] - at[:, None]
    distance = offset.abs()
    # Zero has no logarithm; it lies in the exact half and is not taken from here.
    grown = torch.log(distance.clamp_min(1).float() / exact) / math.log(config.max_distance / exact)
    far = (exact + (grown * (half - exact)).long()).clamp_max(half - 1)
    return half * (offset > 0) + torch.where(distance < exact, distance, far)


class RMSNorm(nn.Module):
    """Scale every row to unit RMS, then by a weight per channel."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, L, D] to the same shape and type; the mean square is taken in float32."""
        scale = torch.rsqrt(x.float().square().mean(-1, keepdim=True) + self.eps)
        return (x * scale).to(self.weight.dtype) * self.weight


class Attention(nn.Module):
    """Self-attention over tokens, with a bias on the logits and no scale."""

    def __init__(self, config: UMT5Config) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.q, self.k, self.v = (
            nn.Linear(config.dim, config.dim_attn, bias=False) for _ in range(3)
        )
        self.o = nn.Linear(config.dim_attn, config.dim, bias=False)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map x [B, L, D] under logit bias [B or 1, heads, query, key] to [B, L, D]."""
        q, k, v = (self._heads(projection(x)) for projection in (self.q, self.k, self.v))
        logits = q @ k.transpose(-1, -2) + bias
        mixed = logits.float().softmax(-1).to(v.dtype) @ v
        # [B, heads, L, dh] -> [B, L, heads * dh]
        rows: Tensor = self.o(mixed.transpose(1, 2).flatten(2))
        return rows

    def _heads(self, x: Tensor) -> Tensor:
        """[B, L, heads * dh] -> [B, heads, L, dh]."""
        return torch.unflatten(x, -1, (self.num_heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """A linear layer gated by another one under GELU."""

    def __init__(self, config: UMT5Config) -> None:
        super().__init__()
        gate = nn.Linear(config.dim, config.dim_ffn, bias=False)
        self.gate = nn.Sequential(gate, nn.GELU(approximate="tanh"))
        self.fc1 = nn.Linear(config.dim, config.dim_ffn, bias=False)
        self.fc2 = nn.Linear(config.dim_ffn, config.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, L, D] to the same shape."""
        rows: Tensor = self.fc2(self.fc1(x) * self.gate(x))
        return rows


class PositionBias(nn.Module):
    """One learned logit per position bucket and head."""

    def __init__(self, config: UMT5Config) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.num_buckets, config.num_heads)

    def forward(self, buckets: Tensor) -> Tensor:
        """Map buckets [L, L] to logit biases [1, heads, L, L]."""
        bias: Tensor = self.embedding(buckets)
        return bias.permute(2, 0, 1).unsqueeze(0)


class Block(nn.Module):
    """Attention and feed-forward, each on a normalised copy beside a residual."""

    def __init__(self, config: UMT5Config) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.dim, config.eps)
        self.attn = Attention(config)
        self.norm2 = RMSNorm(config.dim, config.eps)
        self.ffn = FeedForward(config)
        self.pos_embedding = PositionBias(config)

    def forward(self, x: Tensor, buckets: Tensor, mask: Tensor | None) -> Tensor:
        """Map x [B, L, D] to the same shape; keys where mask [B, L] is 0 are not attended to."""
        bias = self.pos_embedding(buckets)
        if mask is not None:
            # The lowest finite value and not -inf: a row without any key must stay a number.
            bias = bias.masked_fill(mask[:, None, None] == 0, torch.finfo(x.dtype).min)
        x = x + self.attn(self.norm1(x), bias)
        rows: Tensor = x + self.ffn(self.norm2(x))
        return rows


class UMT5Encoder(nn.Module):
    """The whole encoder.

    encoder = UMT5Encoder(UMT5_XXL)
    rows = encoder.prompt_embeds(ids, mask)     # [B, L, D], zero beyond the prompt
    """

    def __init__(self, config: UMT5Config) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab, config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.dim, config.eps)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode token ids [B, L] as rows [B, L, D].

        Args:
            ids: int64, below the size of the vocabulary.
            mask: [B, L], 1 for tokens and 0 for padding; None when there is no padding.
                Rows at padding mean nothing.
        """
        x = self.token_embedding(ids)
        buckets = position_buckets(ids.shape[1], self.config, ids.device)
        for block in self.blocks:
            x = block(x, buckets, mask)
        rows: Tensor = self.norm(x)
        return rows

    def prompt_embeds(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode padded ids [B, L] as rows [B, L, D] that are zero at padding."""
        rows = self.forward(ids, mask)
        return rows * mask.unsqueeze(-1).to(rows.dtype)


def encode_streamed(encoder: UMT5Encoder, ids: Tensor, device: torch.device) -> Tensor:
    """Encode unpadded ids [B, L] with one block at a time on `device`; weights stay where they are.

    The plain twin is `UMT5Encoder.forward`. Of UMT5-XXL in bfloat16 `device` holds one block,
    386 MB, in place of 11.4 GB; each call moves 9.3 GB to it, which the embedding table is no part
    of.

    Returns:
        Rows [B, L, D] on `device`.
    """
    x = encoder.token_embedding(ids.to(encoder.token_embedding.weight.device)).to(device)
    buckets = position_buckets(ids.shape[1], encoder.config, device)
    stage = copy.deepcopy(encoder.blocks[0]).to(device)
    for block in encoder.blocks:
        for target, source in zip(stage.parameters(), block.parameters(), strict=True):
            target.data.copy_(source.data)
        x = stage(x, buckets, None)
    rows: Tensor = copy.deepcopy(encoder.norm).to(device)(x)
    return rows
