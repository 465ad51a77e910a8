"""Say what a file of weights is, from the names and shapes in it. For people who took another one.

In:     tensors by name, officially named or not; their values are not read.
Out:    a few words: "the transformer of Wan 2.1 14B with VACE".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from torch import Tensor

from engine.worker.models.wan.weight_names import TRANSFORMER_NAMES, official_name

_NOTHING_KNOWN: Final = "no model that Segue knows"
_SIZES: Final = {
    (384, 7, 21): "the house model",
    (1536, 30, 16): "Wan 2.1 1.3B",
    (5120, 40, 16): "Wan 2.1 14B",
    (5120, 40, 36): "Wan 2.1 14B for images to video",
}
"""Width, blocks and input channels of transformers."""

Shapes = Mapping[str, tuple[int, ...]]


def looks_like(tensors: Mapping[str, Tensor]) -> str:
    """Return what the weights seem to be."""
    shapes = {
        official_name(key, TRANSFORMER_NAMES): tuple(tensor.shape)
        for key, tensor in tensors.items()
    }
    found = (judge(shapes) for judge in _JUDGES)
    return next((words for words in found if words), _NOTHING_KNOWN)


def _lora(shapes: Shapes) -> str:
    ranks = {shape[0] for key, shape in shapes.items() if re.search(r"\.lora_(A|down)\.", key)}
    return f"a LoRA of rank {', '.join(map(str, sorted(ranks)))}" if ranks else ""


def _transformer(shapes: Shapes) -> str:
    patch = shapes.get("patch_embedding.weight")
    if patch is None or len(patch) != 5:
        return ""
    size = (patch[0], _count(shapes, "blocks"), patch[1])
    if size[1] == 0:
        return ""
    plain = f"a transformer of {size[0]} channels, {size[1]} blocks and {size[2]} inputs"
    known = f"the transformer of {_SIZES[size]}" if size in _SIZES else plain
    num_control = _count(shapes, "vace_blocks")
    return f"{known} with VACE" if num_control else known


def _vace_module(shapes: Shapes) -> str:
    patch = shapes.get("vace_patch_embedding.weight")
    if patch is None:
        return ""
    return f"a VACE module alone, of {patch[0]} channels and {_count(shapes, 'vace_blocks')} blocks"


def _text_encoder(shapes: Shapes) -> str:
    table = shapes.get("token_embedding.weight") or shapes.get("shared.weight")
    return f"a text encoder of {table[0]} tokens and {table[1]} channels" if table else ""


def _autoencoder(shapes: Shapes) -> str:
    first = shapes.get("encoder.conv1.weight") or shapes.get("encoder.conv_in.weight")
    if first is None:
        return ""
    return "the autoencoder of Wan 2.1" if first[0] == 96 else f"an autoencoder of width {first[0]}"


def _tiny_autoencoder(shapes: Shapes) -> str:
    first = shapes.get("decoder.1.weight")
    if first is None:
        return ""
    if "colour_encode.weight" in shapes:
        return "the autoencoder of the house model"
    return "the tiny autoencoder taew2_1" if first[:2] == (256, 16) else "a tiny autoencoder"


def _captions(shapes: Shapes) -> str:
    return "the captions of the house model" if {"words.weight", "slots"} <= shapes.keys() else ""


_JUDGES: Final[tuple[Callable[[Shapes], str], ...]] = (
    _lora, _transformer, _vace_module, _text_encoder, _autoencoder, _tiny_autoencoder, _captions,
)  # fmt: skip


def _count(shapes: Shapes, stack: str) -> int:
    """Return how many blocks a stack has."""
    return len({key.split(".")[1] for key in shapes if key.startswith(f"{stack}.")})
