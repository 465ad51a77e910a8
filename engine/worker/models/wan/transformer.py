"""The causal Wan diffusion transformer. HOT.

In:     latents [B, F, C, h, w] about unit variance; timesteps [B, F] in [0, 1000]; text rows.
Out:    velocity (noise minus clean latent) [B, F, out_dim, h, w].
Thread: generator. Holds weights only; caches belong to the caller.

One set of submodules serves the bidirectional, the cached and the training forward: they differ
only in the `attend` function handed to `run_blocks`. Parameter names are the keys of the official
Wan 2.1 checkpoints.  Source: Wan 2.1 model code; Self-Forcing for per-latent timesteps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.attention import attention
from engine.worker.models.wan.blocks import Block, Head, TextKV
from engine.worker.models.wan.rope import Grid, rope_table, rotate

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q, k, v) -> attended, all [B, L, n, dh]; q and k come before rotation."""

StoreKV = Callable[[int, Tensor, Tensor], None]
"""(layer, k, v): keep the keys (before rotation) and values, [B, L, n, dh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Sizes of the transformer.

    `in_dim` exceeds `out_dim` when control channels are concatenated to the latent channels. With
    `patch_span` the longer side of a picture counts as that many positions whatever its size, so
    that a finer picture shows the same scene and not more of it.
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
    patch_span: int | None = None

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

    def spacing(self, rows: int, columns: int) -> float:
        """Distance of neighbouring patches, in positions."""
        return 1.0 if self.patch_span is None else self.patch_span / max(rows, columns)


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


def patch_tokens(x: Tensor, embedding: nn.Conv3d) -> Tensor:
    """Embed [B, F, C, h, w] as tokens [B, L, D], ordered by latent frame, row and column."""
    _, ph, pw = embedding.kernel_size
    batch, frames, _, height, width = x.shape
    # A strided convolution without overlap is one linear map per patch.
    # [B, F, C, h, w] -> [B, F, C, rows, ph, columns, pw] -> [B, L, C * ph * pw]
    patches = x.reshape(batch, frames, -1, height // ph, ph, width // pw, pw)
    patches = patches.permute(0, 1, 3, 5, 2, 4, 6).reshape(batch, -1, x.shape[2] * ph * pw)
    weight = embedding.weight.flatten(1)
    return F.linear(patches.to(weight.dtype), weight, embedding.bias)


def attend_all(config: TransformerConfig, grid: Grid, device: torch.device) -> Attend:
    """Return the attention without cache or mask; latent frames are at positions from 0 on."""
    positions = tuple(range(grid.num_latents))
    spacing = config.spacing(grid.rows, grid.columns)
    table = rope_table(config.head_dim, positions, grid.rows, grid.columns, device, spacing)

    def attend(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attention(rotate(q, table), rotate(k, table), v)

    return attend


def through_block(
    block: Block, layer: int, x: Tensor, e6: Tensor, text: TextKV, attend: Attend
) -> Tensor:
    """Run tokens [B, L, D] through one block; `layer` is what `attend` knows it by."""
    m = block.modulate(e6)
    attended = attend(layer, *block.self_qkv(x, m))
    return block.finish(x, attended, m, text)


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
        self.blocks = nn.ModuleList(
            Block(dim, config.ffn_dim, config.num_heads, config.eps)
            for _ in range(config.num_layers)
        )
        self.head = Head(dim, patch[1] * patch[2] * config.out_dim, config.eps)

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
        return patch_tokens(x, self.patch_embedding)

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

    def run_block(self, layer: int, x: Tensor, e6: Tensor, text: TextKV, attend: Attend) -> Tensor:
        """Run tokens [B, L, D] through one block."""
        return through_block(self.block(layer), layer, x, e6, text, attend)

    def run_blocks(
        self,
        x: Tensor,
        e6: Tensor,
        text: Sequence[TextKV],
        attend: Attend,
        hints: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """Run tokens [B, L, D] through all blocks; `attend` decides who sees whom.

        `hints` [B, L, D] are added to what leaves the blocks of these layers.
        """
        for layer in range(len(self.blocks)):
            x = self.run_block(layer, x, e6, text[layer], attend)
            if hints and layer in hints:
                x = x + hints[layer]
        return x

    def run_context(
        self, x: Tensor, e6: Tensor, text: Sequence[TextKV], attend: Attend, store: StoreKV
    ) -> None:
        """Run tokens for the keys and values they leave behind; nothing comes out.

        The last block stops after its keys and values: nobody needs what follows.
        """
        last = len(self.blocks) - 1
        for layer in range(last):
            x = self.run_block(layer, x, e6, text[layer], attend)
        block = self.block(last)
        store(last, *block.self_kv(x, block.modulate(e6)))

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
        e, e6 = self.embed_time(t)
        text_kvs = self.text_kvs(self.embed_text(text))
        attend = attend_all(self.config, grid, x.device)
        tokens = self.run_blocks(self.embed_patches(x), e6, text_kvs, attend)
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
