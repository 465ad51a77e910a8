"""Names of published checkpoints → the official names of Wan 2.1. PURE.

    container        names begin with
    ---------------  ----------------------------------------------
    official         blocks.0.self_attn.q.weight
    Self-Forcing     model.
    ComfyUI          model.diffusion_model. or diffusion_model.
    diffusers        blocks.0.attn1.to_q.weight, see the tables
    training runs    any of these, with parts that wrappers left behind

An official name comes back as it is. Our modules are named officially, so nothing else is needed.
Source: Wan 2.1, Self-Forcing and LongLive checkpoints; diffusers, convert_wan_to_diffusers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

Rename = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]
"""A pattern and what stands in its place."""

_WRAPPED: Final = re.compile(r"(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\.")
_OUTER: Final = re.compile(r"^(?:model\.diffusion_model|diffusion_model|model|module)\.")
_A_BLOCK: Final = r"^((?:vace_)?blocks\.\d+)"


def _table(*rows: tuple[str, str]) -> tuple[Rename, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in rows)


ANY_CONTAINER: Final[tuple[Rename, ...]] = ((_WRAPPED, ""), (_OUTER, ""))

TRANSFORMER_NAMES: Final = (
    *ANY_CONTAINER,
    *_table(
        (r"^condition_embedder\.time_embedder\.linear_1\.", "time_embedding.0."),
        (r"^condition_embedder\.time_embedder\.linear_2\.", "time_embedding.2."),
        (r"^condition_embedder\.text_embedder\.linear_1\.", "text_embedding.0."),
        (r"^condition_embedder\.text_embedder\.linear_2\.", "text_embedding.2."),
        (r"^condition_embedder\.time_proj\.", "time_projection.1."),
        (_A_BLOCK + r"\.attn1\.", r"\1.self_attn."),
        (_A_BLOCK + r"\.attn2\.", r"\1.cross_attn."),
        (_A_BLOCK + r"\.(self|cross)_attn\.to_([qkv])\.", r"\1.\2_attn.\3."),
        (_A_BLOCK + r"\.(self|cross)_attn\.to_out\.0\.", r"\1.\2_attn.o."),
        (_A_BLOCK + r"\.norm2\.", r"\1.norm3."),  # the official norm2 has no weights
        (_A_BLOCK + r"\.ffn\.net\.0\.proj\.", r"\1.ffn.0."),
        (_A_BLOCK + r"\.ffn\.net\.2\.", r"\1.ffn.2."),
        (_A_BLOCK + r"\.scale_shift_table$", r"\1.modulation"),
        (r"^(vace_blocks\.\d+)\.proj_in\.", r"\1.before_proj."),
        (r"^(vace_blocks\.\d+)\.proj_out\.", r"\1.after_proj."),
        (r"^scale_shift_table$", "head.modulation"),
        (r"^proj_out\.", "head.head."),
    ),
)


def vae_names(residual_blocks: int) -> tuple[Rename, ...]:
    """Return the table of an autoencoder whose stages have this many residual blocks (down)."""
    # Going up, a stage has one residual block more, and numbers its upsampler with them.
    per_stage = residual_blocks + 2
    a_layer = r"^((?:en|de)coder\.(?:downsamples|upsamples|middle)\.\d+)"

    def going_up(match: re.Match[str]) -> str:
        stage, layer = int(match[1]), match[2]
        index = per_stage - 1 if layer is None else int(layer)
        return f"decoder.upsamples.{per_stage * stage + index}."

    up = re.compile(r"^decoder\.up_blocks\.(\d+)\.(?:resnets\.(\d+)|upsamplers\.0)\.")
    return (
        *ANY_CONTAINER,
        (up, going_up),
        *_table(
            (r"^encoder\.down_blocks\.", "encoder.downsamples."),
            (r"^((?:en|de)coder)\.mid_block\.resnets\.0\.", r"\1.middle.0."),
            (r"^((?:en|de)coder)\.mid_block\.attentions\.0\.", r"\1.middle.1."),
            (r"^((?:en|de)coder)\.mid_block\.resnets\.1\.", r"\1.middle.2."),
            (a_layer + r"\.norm1\.", r"\1.residual.0."),
            (a_layer + r"\.conv1\.", r"\1.residual.2."),
            (a_layer + r"\.norm2\.", r"\1.residual.3."),
            (a_layer + r"\.conv2\.", r"\1.residual.6."),
            (a_layer + r"\.conv_shortcut\.", r"\1.shortcut."),
            (r"^((?:en|de)coder)\.conv_in\.", r"\1.conv1."),
            (r"^((?:en|de)coder)\.norm_out\.", r"\1.head.0."),
            (r"^((?:en|de)coder)\.conv_out\.", r"\1.head.2."),
            (r"^quant_conv\.", "conv1."),
            (r"^post_quant_conv\.", "conv2."),
        ),
    )


def official_name(name: str, table: Sequence[Rename]) -> str:
    """Return the official name of a weight."""
    for pattern, replacement in table:
        name = pattern.sub(replacement, name)
    return name
