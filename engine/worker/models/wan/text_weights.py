"""Where the weights of the UMT5 encoder lie and how they are named; see `weights` for the rest.

official    models_t5_umt5-xxl-enc-bf16.pth or .safetensors, names as in `umt5`
converted   text_encoder/model.safetensors or its shards, names of transformers' UMT5 encoder
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import torch
from torch import nn

from engine.errors import WeightsError
from engine.worker.models.wan.weight_names import ANY_CONTAINER
from engine.worker.models.wan.weights import Layout, move_into, read_weights

TEXT_PLACES: Final = (
    "models_t5_umt5-xxl-enc-bf16.pth",
    "models_t5_umt5-xxl-enc-bf16.safetensors",
    "text_encoder/model.safetensors.index.json",
    "text_encoder/model.safetensors",
)
_NAMES: Final = (
    *ANY_CONTAINER,
    (re.compile(r"^(?:shared|encoder\.embed_tokens)\."), "token_embedding."),
    (re.compile(r"^encoder\.final_layer_norm\."), "norm."),
    (re.compile(r"^encoder\.block\."), "blocks."),
    (re.compile(r"\.layer\.0\.layer_norm\."), ".norm1."),
    (re.compile(r"\.layer\.0\.SelfAttention\.relative_attention_bias\."),
     ".pos_embedding.embedding."),
    (re.compile(r"\.layer\.0\.SelfAttention\."), ".attn."),
    (re.compile(r"\.layer\.1\.layer_norm\."), ".norm2."),
    (re.compile(r"\.layer\.1\.DenseReluDense\.wi_0\."), ".ffn.gate.0."),
    (re.compile(r"\.layer\.1\.DenseReluDense\.wi_1\."), ".ffn.fc1."),
    (re.compile(r"\.layer\.1\.DenseReluDense\.wo\."), ".ffn.fc2."),
)  # fmt: skip
"""Names of transformers' UMT5EncoderModel → official ones.   Source: its modeling_umt5."""
_LAYOUT: Final = Layout(
    what="text encoder",
    renames=_NAMES,
    ignored=frozenset({"spiece_model"}),  # a community file carries its tokenizer as a tensor
    has_ties=True,  # the embedding is there as `shared` and as `encoder.embed_tokens`
    without_room="keep it in CPU memory (offload)",
)


def find_text_weights(folder: Path) -> Path:
    """Return the encoder's weights file, or the index of its shards, in a checkpoint folder.

    Raises:
        WeightsError: there is none; names all places.
    """
    for place in TEXT_PLACES:
        if (folder / place).is_file():
            return folder / place
    raise WeightsError(
        f"text encoder: {folder} has none of {', '.join(TEXT_PLACES)}; "
        "download it with the checkpoint"
    )


def load_text_weights(
    module: nn.Module, path: Path, device: torch.device, dtype: torch.dtype
) -> None:
    """Move the weights at `path` into `module`, which may be on meta, on `device` and in `dtype`.

    Raises:
        WeightsError: a file is missing, unreadable or of another model; `module` is as it was.
        OutOfMemoryError: the device has no room for them.
    """
    move_into(module, read_weights(path, _LAYOUT), _LAYOUT, (device, dtype))
