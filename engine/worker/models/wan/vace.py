"""VACE: a second stack of blocks that turns a control video into hints for the first. HOT.

In:     patch-embedded noisy latents [B, L, D]; the control context [B, R + F, 96, h, w], with R
        reference images before the F latents of a chunk.
Out:    per layer in `VaceConfig.layers` a hint [B, L, D], to be added to what leaves that layer.
Thread: generator. Holds weights only.
Source: VACE (arXiv 2503.07598) and its model code; chunk by chunk as in Scope.

The stack sees the chunk alone: it has no cache, and its latent frames are at positions 0, 1, 2 …
A hint depends on the noisy latents and the timestep, so it is made anew at every denoising step.
Context passes (clean pass, recache, recomputation) run without hints.

Parameter names are the keys of the published checkpoints. A stack is a module of its own, so one
that was published alone goes onto any transformer of its size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.worker.models.wan.blocks import Block, TextKV
from engine.worker.models.wan.rope import Grid
from engine.worker.models.wan.transformer import (
    CausalTransformer,
    TransformerConfig,
    attend_all,
    patch_tokens,
    through_block,
)
from engine.worker.schedule import add_noise

Hints = Mapping[int, Tensor]
"""layer → [B, L, D]."""

VACE_PREFIX = "vace_"
"""What the keys of a stack begin with, and no key of a transformer does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaceConfig:
    """Sizes of a stack: the layers that get a hint, rising, and the channels of its context."""

    layers: tuple[int, ...]
    in_dim: int = 96

    def __post_init__(self) -> None:
        """Refuse what makes no stack."""
        if not self.layers or self.layers[0] < 0 or list(self.layers) != sorted(set(self.layers)):
            raise ValueError(f"VACE layers {self.layers}: at least one, rising, none twice")
        if self.in_dim < 1:
            raise ValueError(f"VACE context of {self.in_dim} channels: at least 1")


VACE_1_3B = VaceConfig(layers=tuple(range(0, 30, 2)))
VACE_14B = VaceConfig(layers=tuple(range(0, 40, 5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VaceControl:
    """What steers one chunk.

    Attributes:
        context: [B, R + F, in_dim, h, w]; its first channels are latents, those of the reference
            images among them.
        scale: factor on the hints; 0 skips the stack.
        num_references: R.
        reference_noise: denoising step → unit normal [B, R, C, h, w]; needed with references.
    """

    context: Tensor
    scale: float = 1.0
    num_references: int = 0
    reference_noise: Callable[[int], Tensor] | None = None

    def __post_init__(self) -> None:
        """Refuse references without their noise."""
        if self.num_references and self.reference_noise is None:
            raise ValueError(f"{self.num_references} VACE references need reference_noise")


class VaceBlock(Block):
    """A block with a way out for its hint, the first one with a way in for the latents."""

    def __init__(self, config: TransformerConfig, *, is_first: bool) -> None:
        super().__init__(config.dim, config.ffn_dim, config.num_heads, config.eps)
        self.before_proj = nn.Linear(config.dim, config.dim) if is_first else None
        self.after_proj = nn.Linear(config.dim, config.dim)


class VaceStack(nn.Module):
    """The blocks that make hints, and the embedding of their context."""

    def __init__(self, config: TransformerConfig, vace: VaceConfig) -> None:
        """Make a stack for a transformer.

        Raises:
            ValueError: the transformer has too few layers, or takes control beside its latents.
        """
        super().__init__()
        if vace.layers[-1] >= config.num_layers or config.in_dim != config.out_dim:
            raise ValueError(
                f"VACE on layers {vace.layers} needs a transformer with more layers than that and "
                f"with in_dim equal to out_dim; got {config.num_layers} layers, in_dim "
                f"{config.in_dim} and out_dim {config.out_dim}"
            )
        self.config = config
        self.vace = vace
        patch = config.patch_size
        self.vace_patch_embedding = nn.Conv3d(
            vace.in_dim, config.dim, kernel_size=patch, stride=patch
        )
        self.vace_blocks = nn.ModuleList(
            VaceBlock(config, is_first=index == 0) for index in range(len(vace.layers))
        )

    def _blocks(self) -> list[VaceBlock]:
        return [block for block in self.vace_blocks if isinstance(block, VaceBlock)]

    def text_kvs(self, text_tokens: Tensor) -> list[TextKV]:
        """Cross-attention keys and values of every block for embedded text [B, T, D]."""
        return [block.text_kv(text_tokens) for block in self._blocks()]

    def embed_context(self, context: Tensor) -> Tensor:
        """Embed a context [B, F, in_dim, h, w] as tokens [B, L, D]."""
        return patch_tokens(context, self.vace_patch_embedding)

    def hints(
        self, x: Tensor, context: Tensor, e6: Tensor, text: Sequence[TextKV], grid: Grid
    ) -> dict[int, Tensor]:
        """Return a hint [B, L, D] for each layer that gets one, not yet scaled.

        Args:
            x: patch-embedded noisy latents [B, L, D], before any block.
            context: what `embed_context` returned, [B, L, D].
            e6: time rows for the blocks, [B, F, 6, D]; F may be 1.
            text: what `text_kvs` returned.
            grid: of the L tokens.
        """
        attend = attend_all(self.config, grid, x.device)
        hints = {}
        for index, block in enumerate(self._blocks()):
            if block.before_proj is not None:
                context = block.before_proj(context) + x
            context = through_block(block, index, context, e6, text[index], attend)
            hints[self.vace.layers[index]] = block.after_proj(context)
        return hints


class ChunkHints:
    """Hints for one chunk, step by step; its context is embedded once."""

    def __init__(
        self,
        model: CausalTransformer,
        stack: VaceStack,
        control: VaceControl,
        text: Sequence[TextKV],
    ) -> None:
        self._model = model
        self._stack = stack
        self._control = control
        self._text = text
        context = control.context.to(model.dtype)
        self.tokens = stack.embed_context(context)  # [B, Lv, D]
        self.num_references = control.num_references
        self.scale = control.scale
        self._grid = model.grid(context.shape[1], *context.shape[3:])
        # What the model makes of the references in the end is known from the start.
        self._references = context[:, : control.num_references, : model.config.out_dim]

    def at(self, step: int, sigma: float, x: Tensor, e6: Tensor) -> Hints:
        """Return scaled hints [B, L, D] for the latents of the chunk alone.

        Args:
            step: which denoising step.
            sigma: noise share of the latents.
            x: patch-embedded noisy latents of the chunk, [B, L, D].
            e6: one time row for all latent frames, [B, 1, 6, D].
        """
        ahead = self.reference_tokens(step, sigma)
        seen = x if ahead is None else torch.cat([ahead, x], 1)
        made = self._stack.hints(seen, self.tokens, e6, self._text, self._grid)
        num_ahead = seen.shape[1] - x.shape[1]
        return {layer: hint[:, num_ahead:] * self.scale for layer, hint in made.items()}

    def reference_tokens(self, step: int, sigma: float) -> Tensor | None:
        """Embed the references with the noise that latents of this step have; None without any."""
        noise = self._control.reference_noise
        if noise is None or not self._control.num_references:
            return None
        return self._model.embed_patches(add_noise(self._references.float(), noise(step), sigma))


def forward_with_vace(
    model: CausalTransformer,
    stack: VaceStack,
    latents: tuple[Tensor, Tensor],
    text: Tensor,
    control: VaceControl,
) -> Tensor:
    """Bidirectional forward under control, references among the latents.

    Args:
        model: the transformer.
        stack: of the same sizes.
        latents: noisy latents [B, R + F, C, h, w] and their timesteps [B, 1].
        text: [B, <= text_len, text_dim].
        control: its context has as many latent frames.

    Returns:
        Velocity [B, R + F, C, h, w].
    """
    x, t = latents
    grid = model.grid(x.shape[1], *x.shape[3:])
    text_tokens = model.embed_text(text)
    e, e6 = model.embed_time(t)
    tokens = model.embed_patches(x)
    hints: dict[int, Tensor] = {}
    if control.scale:
        embedded = stack.embed_context(control.context.to(model.dtype))
        hints = stack.hints(tokens, embedded, e6, stack.text_kvs(text_tokens), grid)
    scaled = {layer: hint * control.scale for layer, hint in hints.items()}
    attend = attend_all(model.config, grid, x.device)
    tokens = model.run_blocks(tokens, e6, model.text_kvs(text_tokens), attend, scaled)
    return model.head_out(tokens, e, grid)
