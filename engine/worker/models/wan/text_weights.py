"""Read the weights of the UMT5 encoder: the official .pth, or safetensors, whole or in shards.

Files are mapped, not copied: a tensor is read when it moves to its device and type, one after the
other, so loading needs no second copy of 11.4 GB. Before anything moves, names and shapes are
checked; a file of another model is refused with what is missing, unexpected and misshapen.

    official    models_t5_umt5-xxl-enc-bf16.pth or .safetensors, names as in `umt5`
    converted   text_encoder/model.safetensors or its shards, names of transformers' UMT5 encoder
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import OutOfMemoryError, WeightsError

_PLACES: Final = (
    "models_t5_umt5-xxl-enc-bf16.pth",
    "models_t5_umt5-xxl-enc-bf16.safetensors",
    "text_encoder/model.safetensors.index.json",
    "text_encoder/model.safetensors",
)
_MAX_NAMED: Final = 3
_CONVERTED: Final = (
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
_NO_WEIGHTS: Final = "spiece_model"  # one community file carries its tokenizer as a tensor


def find_text_weights(folder: Path) -> Path:
    """Return the encoder's weights file, or the index of its shards, in a checkpoint folder.

    Raises:
        WeightsError: there is none; names all places.
    """
    for place in _PLACES:
        if (folder / place).is_file():
            return folder / place
    raise WeightsError(
        f"text encoder: {folder} has none of {', '.join(_PLACES)}; download it with the checkpoint"
    )


def load_text_weights(
    module: nn.Module, path: Path, device: torch.device, dtype: torch.dtype
) -> None:
    """Move the weights at `path` into `module`, which may be on meta, on `device` and in `dtype`.

    Raises:
        WeightsError: a file is missing, unreadable or of another model; `module` is as it was.
        OutOfMemoryError: the device has no room for them.
    """
    weights = {official_name(key): tensor for key, tensor in _read(path).items()}
    weights.pop(_NO_WEIGHTS, None)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    if wrong := _differences(expected, weights):
        raise WeightsError(f"text encoder: {path} is of another model: {wrong}; restore the file")
    try:
        moved = {key: weights.pop(key).to(device, dtype) for key in expected}
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"text encoder: {path.name} does not fit on {device}; keep it in CPU memory (offload)"
        ) from error
    module.load_state_dict(moved, assign=True)


def official_name(key: str) -> str:
    """Return the official name of a weight; an official name comes back as it is."""
    for pattern, replacement in _CONVERTED:
        key = pattern.sub(replacement, key)
    return key


def _differences(expected: Mapping[str, torch.Size], found: Mapping[str, Tensor]) -> str:
    """Return what is missing, unexpected and misshapen; empty when nothing is."""
    misshapen = [
        f"{key} is {list(found[key].shape)}, expected {list(shape)}"
        for key, shape in expected.items()
        if key in found and found[key].shape != shape
    ]
    parts = {
        "missing": [key for key in expected if key not in found],
        "unexpected": [key for key in found if key not in expected],
        "misshapen": misshapen,
    }
    return ", ".join(f"{len(keys)} {what} ({_some(keys)})" for what, keys in parts.items() if keys)


def _some(names: list[str]) -> str:
    more = ", …" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more


def _read(path: Path) -> dict[str, Tensor]:
    """Map all tensors of a file or of the shards that an index names."""
    if path.name.endswith(".index.json"):
        return {key: tensor for shard in _shards(path) for key, tensor in _map(shard).items()}
    return _map(path)


def _shards(index: Path) -> list[Path]:
    """Return the files that an index names, each once.

    Raises:
        WeightsError: the index cannot be read, or a shard is missing.
    """
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        shards = [index.parent / Path(name).name for name in names]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"text encoder: {index} is no index of shards ({error}); restore the file"
        ) from error
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise WeightsError(
            f"text encoder: {index} names {len(shards)} shards, of which {len(missing)} are "
            f"missing ({_some(missing)}); download them"
        )
    return shards


def _map(path: Path) -> dict[str, Tensor]:
    """Map one file; a .pth may hold tensors only, and no code.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Tensor] = load_file(path)
            return tensors
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        raise _unreadable(path, error) from error
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"text encoder: {path} holds more than tensors and was not opened; "
            "take the file from its publisher"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise WeightsError(f"text encoder: {path} holds no weights by name; restore the file")
    return found


def _unreadable(path: Path, error: Exception) -> WeightsError:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    return WeightsError(f"text encoder: {path} cannot be read ({cause}); restore the file")
