"""Open a published weights file and give its tensors by name, mapped and not yet read.

In:     .safetensors; an index of its shards; .pt or .pth, which may hold tensors only and no code.
Out:    tensors by the names that the file has. Their bytes are read from disk when they are moved.
Thread: any.

A .pt is often a dict of several models; `CONTAINERS` says which of its entries is meant. Files in
torch's old format, from before 1.6, cannot be mapped and are read whole.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import WeightsError
from engine.model_store.odd_files import oddity
from engine.protocol.amounts import size_text

INDEX_SUFFIX: Final = ".safetensors.index.json"
CONTAINERS: Final = ("generator_ema", "generator", "model", "state_dict")
"""Entries of a .pt that hold a model, best first.   Source: Self-Forcing and LongLive inference."""
LORA_CONTAINERS: Final = ("generator_lora", "lora", "state_dict")
_ZIP_MAGIC: Final = b"PK"
_NO_ROOM_TO_MAP: Final = "Cannot allocate memory"
_MAX_NAMED: Final = 3


def map_weights(path: Path, what: str, containers: Sequence[str] = CONTAINERS) -> dict[str, Tensor]:
    """Map all tensors of a file, or of the shards that an index names.

    Args:
        path: a file as above.
        what: what the file is for, in words; begins every refusal.
        containers: entries of a .pt to take the tensors from, best first.

    Raises:
        WeightsError: a file is missing, cannot be read, or holds more than tensors.
    """
    if path.name.endswith(INDEX_SUFFIX):
        shards = _shards(path, what)
        return {key: tensor for shard in shards for key, tensor in _mapped(shard, what).items()}
    return _unpacked(_mapped(path, what), path, what, containers)


def some(names: Sequence[str]) -> str:
    """Return the first few of many names."""
    return ", ".join(names[:_MAX_NAMED]) + (", …" if len(names) > _MAX_NAMED else "")


def _shards(index: Path, what: str) -> list[Path]:
    """Return the files that an index names, each once."""
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        shards = [index.parent / Path(name).name for name in names]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{what}: {index} {_oddity_of_index(index) or f'is no index of shards ({error})'}; "
            "download it again"
        ) from error
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise WeightsError(
            f"{what}: {index} names {len(shards)} shards, of which {len(missing)} are "
            f"missing ({some(missing)}); download them"
        )
    return shards


def _oddity_of_index(index: Path) -> str:
    """Return what an index that cannot be read is; an index is a text that begins with a brace."""
    try:
        odd = oddity(index)
    except OSError:
        return ""
    return "" if odd.startswith("is a text") else odd


def _mapped(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise WeightsError(f"{what}: {path} is missing; download it")
    _refuse_what_is_odd(path, what)
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Any] = load_file(path)  # maps the file, and copies nothing
            return tensors
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{what}: {path} is no weights file, or holds more than tensors and was not opened, "
            "because it might run a program; take the file from its publisher"
        ) from error
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        raise _unreadable(path, what, error) from error
    if not isinstance(found, dict):
        raise WeightsError(f"{what}: {path} holds no weights by name; take another file")
    return found


def _refuse_what_is_odd(path: Path, what: str) -> None:
    try:
        odd = oddity(path)
    except OSError as error:
        raise _unreadable(path, what, error) from error
    if odd:
        raise WeightsError(f"{what}: {path} {odd}; download it again")


def _unreadable(path: Path, what: str, error: Exception) -> WeightsError:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    if _NO_ROOM_TO_MAP in cause:
        size = size_text(path.stat().st_size)
        return WeightsError(
            f"{what}: {path} has {size}, more than this machine's memory can map; add swap space, "
            "or choose a smaller model"
        )
    return WeightsError(f"{what}: {path} cannot be read ({cause}); download it again")


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC


def _unpacked(
    found: Mapping[str, Any], path: Path, what: str, containers: Sequence[str]
) -> dict[str, Tensor]:
    """Return the tensors of a state dict, or of the entry that holds one."""
    # Entries that nobody asked for come last: then a wrong file is refused by what it looks like.
    for key in (*containers, *CONTAINERS, *LORA_CONTAINERS):
        inner = found.get(key)
        if isinstance(inner, dict):
            return _unpacked(inner, path, what, containers)
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if not tensors or len(tensors) < len(found):
        odd = [str(key) for key, value in found.items() if not isinstance(value, Tensor)]
        raise WeightsError(
            f"{what}: {path} holds no weights by name but {len(found)} entries"
            f"{f' ({some(odd)})' if odd else ''}; take another file"
        )
    return tensors
