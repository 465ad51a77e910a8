"""The causal Wan diffusion transformer. HOT.

In:     latents [B, F, C, h, w] about unit variance; timesteps [B, F] in [0, 1000]; text rows.
Out:    velocity (noise minus clean latent) [B, F, out_dim, h, w].
Thread: generator. Holds weights only; caches belong to the caller.

One set of submodules serves the bidirectional, the cached and the training forward: they differ
only in the `attend` function handed to `run_blocks`. Parameter names are the keys of the official
Wan 2.1 checkpoints.  Source: Wan 2.1 model code; Self-Forcing for per-latent timesteps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.attention import attention
from engine.worker.models.wan.rope import Grid, rope_table, rotate

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q, k, v) -> attended, all [B, L, n, dh]; q and k come before rotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Sizes of the transformer.

    `in_dim` exceeds `out_dim` when control channels are concatenated to the latent channels.
    """

    dim: int
    ffn_dim: int
    num_heads: int
    num_layers: int
    text_dim: int
    text_len: int
    freq_dim: int = 256
    in_dim: int = 16
    out_dim: int = 16
    patch_size: tuple[int, int, int] = (1, 2, 2)
    eps: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be built."""
        if self.dim % self.num_heads or self.head_dim % 2:
            raise ValueError(
                f"transformer dim {self.dim} with {self.num_heads} heads: "
                "the head size must be a whole, even number; change dim or num_heads"
            )
        if self.patch_size[0] != 1:
            raise ValueError(f"patch_size {self.patch_size}: the time patch must be 1")

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.num_heads


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

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.num_heads = config.num_heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)
        self.o = nn.Linear(dim, dim)
        self.norm_q = RMSNorm(dim, config.eps)
        self.norm_k = RMSNorm(dim, config.eps)

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

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.randn(1, 6, config.dim) / config.dim**0.5)
        self.self_attn = Attention(config)
        self.norm3 = nn.LayerNorm(config.dim, eps=config.eps)
        self.cross_attn = Attention(config)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim),
            nn.GELU(approximate="tanh"),
            nn.Linear(config.ffn_dim, config.dim),
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

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        patch_area = config.patch_size[1] * config.patch_size[2]
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.randn(1, 2, config.dim) / config.dim**0.5)
        self.head = nn.Linear(config.dim, patch_area * config.out_dim)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """Map tokens [B, L, D] and time rows e [B, F, D] to patches [B, L, ph*pw*out_dim]."""
        shift, scale = (e.unsqueeze(2) + self.modulation).unsqueeze(3).unbind(2)
        patches: Tensor = self.head(modulated_norm(x, shift, scale, self.eps))
        return patches


def timestep_sinusoid(t: Tensor, size: int) -> Tensor:
    """Sinusoidal features of timesteps, cosines first.

    Args:
        t: any shape, in [0, 1000].
        size: number of features, even.

    Returns:
        [..., size] float32. The angles are float64: t is tiny, and float32 angles near 1000 would
        cost five digits of the cosine.
    """
    half = size // 2
    exponents = torch.arange(half, dtype=torch.float64, device=t.device) / half
    angles = t.double().unsqueeze(-1) * 10000.0**-exponents
    return torch.cat([angles.cos(), angles.sin()], -1).float()


class CausalTransformer(nn.Module):
    """Wan transformer of any size, in parts that forwards of all kinds are assembled from."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        patch = config.patch_size
        self.patch_embedding = nn.Conv3d(config.in_dim, dim, kernel_size=patch, stride=patch)
        self.text_embedding = nn.Sequential(
            nn.Linear(config.text_dim, dim), nn.GELU(approximate="tanh"), nn.Linear(dim, dim)
        )
        self.time_embedding = nn.Sequential(
            nn.Linear(config.freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.head = Head(config)

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return self.head.head.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.head.weight.device

    def block(self, layer: int) -> Block:
        """Return one block, typed."""
        block = self.blocks[layer]
        assert isinstance(block, Block)
        return block

    def grid(self, num_latents: int, height: int, width: int) -> Grid:
        """Token grid of `num_latents` latent frames of `height` x `width` latent pixels."""
        _, ph, pw = self.config.patch_size
        if height % ph or width % pw:
            raise ValueError(
                f"latent size {width}x{height} does not divide into {pw}x{ph} patches; "
                "choose a picture size divisible by 16"
            )
        return Grid(num_latents, height // ph, width // pw)

    def embed_patches(self, x: Tensor) -> Tensor:
        """Embed latents (with control channels) [B, F, in_dim, h, w] as tokens [B, L, D]."""
        _, ph, pw = self.config.patch_size
        batch, frames, _, height, width = x.shape
        # A strided convolution without overlap is one linear map per patch.
        # [B, F, C, h, w] -> [B, F, C, rows, ph, columns, pw] -> [B, L, C * ph * pw]
        patches = x.reshape(batch, frames, -1, height // ph, ph, width // pw, pw)
        patches = patches.permute(0, 1, 3, 5, 2, 4, 6).reshape(batch, -1, x.shape[2] * ph * pw)
        weight = self.patch_embedding.weight.flatten(1)
        return F.linear(patches.to(weight.dtype), weight, self.patch_embedding.bias)

    def embed_time(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Embed timesteps.

        Args:
            t: [B, F] in [0, 1000]; F may be 1 when all latent frames share one timestep.

        Returns:
            e [B, F, D] for the head and e6 [B, F, 6, D] for the blocks.
        """
        e = self.time_embedding(timestep_sinusoid(t, self.config.freq_dim).to(self.dtype))
        return e, torch.unflatten(self.time_projection(e), -1, (6, -1))

    def embed_text(self, text: Tensor) -> Tensor:
        """Embed text rows [B, <= text_len, text_dim] as [B, text_len, D].

        Missing rows are zeros before the embedding, and are attended to like the others (as the
        reference does).
        """
        missing = self.config.text_len - text.shape[1]
        if missing < 0:
            raise ValueError(f"text has {text.shape[1]} rows, at most {self.config.text_len} fit")
        embedded: Tensor = self.text_embedding(F.pad(text.to(self.dtype), (0, 0, 0, missing)))
        return embedded

    def text_kvs(self, text_tokens: Tensor) -> list[TextKV]:
        """Cross-attention keys and values of every layer for embedded text [B, T, D]."""
        return [self.block(layer).text_kv(text_tokens) for layer in range(len(self.blocks))]

    def run_blocks(self, x: Tensor, e6: Tensor, text: Sequence[TextKV], attend: Attend) -> Tensor:
        """Run tokens [B, L, D] through all blocks; `attend` decides who sees whom."""
        for layer in range(len(self.blocks)):
            block = self.block(layer)
            m = block.modulate(e6)
            attended = attend(layer, *block.self_qkv(x, m))
            x = block.finish(x, attended, m, text[layer])
        return x

    def head_out(self, x: Tensor, e: Tensor, grid: Grid) -> Tensor:
        """Turn final tokens [B, L, D] and time rows e [B, F, D] into velocity [B, F, C, h, w]."""
        return self.unpatchify(self.head(x, e), grid)

    def unpatchify(self, patches: Tensor, grid: Grid) -> Tensor:
        """Scatter patches [B, L, ph*pw*C] (channel fastest) to [B, F, C, h, w]."""
        _, ph, pw = self.config.patch_size
        # -> [B, F, rows, columns, ph, pw, C] -> [B, F, C, rows, ph, columns, pw]
        split = patches.reshape(patches.shape[0], *grid, ph, pw, -1)
        return split.permute(0, 1, 6, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)

    def forward(self, x: Tensor, t: Tensor, text: Tensor) -> Tensor:
        """Bidirectional forward: every token sees every token.

        Args:
            x: [B, F, in_dim, h, w].
            t: [B, F] or [B, 1], in [0, 1000].
            text: [B, <= text_len, text_dim].

        Returns:
            Velocity [B, F, out_dim, h, w].
        """
        grid = self.grid(x.shape[1], *x.shape[3:])
        positions = tuple(range(grid.num_latents))
        table = rope_table(self.config.head_dim, positions, grid.rows, grid.columns, x.device)

        def attend(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return attention(rotate(q, table), rotate(k, table), v)

        e, e6 = self.embed_time(t)
        tokens = self.run_blocks(
            self.embed_patches(x), e6, self.text_kvs(self.embed_text(text)), attend
        )
        return self.head_out(tokens, e, grid)

    def init_weights(self) -> None:
        """Initialise for training from scratch; the head starts at zero.

        Source: Wan 2.1 model code, init_weights.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.patch_embedding.weight.flatten(1))
        for embedding in (self.text_embedding, self.time_embedding):
            for module in embedding:
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(self.head.head.weight)
