"""Read golden files: weights, inputs, expected outputs, and the document that explains them.

A golden file is one safetensors file; its metadata entry `meta` is a JSON object. Whatever is wrong
with a file becomes one `GoldenError` with one sentence.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from engine.errors import ConfigError
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig

_MAX_LISTED_KEYS = 3


class GoldenError(ConfigError):
    """A golden file cannot be read or does not say what its kind needs."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the metadata; asking for what is not there names file and key."""

    where: str
    values: Mapping[str, Any]

    def get(self, key: str) -> Any:
        """Value of `key`.

        Raises:
            GoldenError: it is missing.
        """
        if key not in self.values:
            raise GoldenError(f"{self.where} has no {key!r}; make the file again")
        return self.values[key]

    def integer(self, key: str) -> int:
        """Whole number at `key`."""
        value = self.get(key)
        if not isinstance(value, int):
            raise GoldenError(f"{self.where}: {key!r} is {value!r}, expected a whole number")
        return value

    def number(self, key: str) -> float:
        """Number at `key`."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GoldenError(f"{self.where}: {key!r} is {value!r}, expected a number")
        return float(value)

    def integers(self, key: str) -> tuple[int, ...]:
        """List of whole numbers at `key`."""
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(entry, int) for entry in value):
            raise GoldenError(f"{self.where}: {key!r} is {value!r}, expected whole numbers")
        return tuple(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """List of numbers at `key`."""
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(n, int | float) for n in value):
            raise GoldenError(f"{self.where}: {key!r} is {value!r}, expected numbers")
        return tuple(float(entry) for entry in value)

    def section(self, key: str) -> "Section":
        """Object at `key`."""
        value = self.get(key)
        if not isinstance(value, dict):
            raise GoldenError(f"{self.where}: {key!r} is {value!r}, expected an object")
        return Section(f"{self.where}/{key}", value)

    def sections(self, key: str) -> dict[str, "Section"]:
        """Objects inside the object at `key`, by name."""
        inner = self.section(key)
        return {name: inner.section(name) for name in inner.values}


@dataclass(frozen=True, slots=True)
class GoldenFile:
    """One open golden file."""

    name: str
    folder: Path
    meta: Section
    tensors: Mapping[str, Tensor]

    def tensor(self, key: str) -> Tensor:
        """Return a tensor by its full key.

        Raises:
            GoldenError: it is missing.
        """
        if key not in self.tensors:
            raise GoldenError(f"{self.name}: tensor {key!r} is missing; make the file again")
        return self.tensors[key]

    def under(self, prefix: str) -> dict[str, Tensor]:
        """Tensors whose key begins with `prefix`, by the rest of their key, sorted."""
        found = {key: value for key, value in self.tensors.items() if key.startswith(prefix)}
        return {key.removeprefix(prefix): found[key] for key in sorted(found)}

    def limit(self, pattern: str) -> float:
        """Read a tolerance out of the sentence in `tolerance`.

        Args:
            pattern: of a regular expression in which NUMBER stands for the figure.

        Raises:
            GoldenError: the sentence has no such figure.
        """
        sentence = str(self.meta.get("tolerance"))
        found = re.search(pattern.replace("NUMBER", r"([0-9.]+(?:e[-+]?[0-9]+)?)"), sentence)
        if not found:
            raise GoldenError(
                f"{self.name}: tolerance {sentence[:60]!r}... has no figure like {pattern!r}"
            )
        return float(found.group(1).rstrip("."))

    def load_into(
        self, module: nn.Module, prefix: str, *, only: str = "", without: str = ""
    ) -> None:
        """Load the weights below `prefix` into a module, all and only those.

        Args:
            module: takes the weights.
            prefix: what their keys begin with in the file.
            only: what the rest of their keys has to begin with.
            without: what it must not begin with.

        Raises:
            GoldenError: keys are missing, unexpected or misshapen.
        """
        weights = {
            key: value
            for key, value in self.under(prefix).items()
            if key.startswith(only) and not (without and key.startswith(without))
        }
        expected = {key: value.shape for key, value in module.state_dict().items()}
        wrong = sorted(expected.keys() ^ weights.keys()) or sorted(
            key for key, shape in expected.items() if weights[key].shape != shape
        )
        if wrong:
            raise GoldenError(
                f"{self.name}: {len(wrong)} weights are missing, unexpected or misshapen for the "
                f"sizes in its config, first {', '.join(wrong[:_MAX_LISTED_KEYS])}"
            )
        module.load_state_dict(weights, assign=next(module.parameters()).is_meta)


def open_golden(path: Path) -> GoldenFile:
    """Read a golden file.

    Raises:
        GoldenError: it is truncated, no safetensors file, or without a readable `meta`.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
        meta = json.loads(metadata.get("meta", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise GoldenError(f"{path} cannot be read as a golden file: {error}") from error
    if not isinstance(meta, dict):
        raise GoldenError(f"{path} has no 'meta' object in its metadata; it is no golden file")
    return GoldenFile(path.name, path.parent, Section(path.name, meta), tensors)


def transformer_of(
    golden: GoldenFile, config: Section, prefix: str, *, without: str = ""
) -> CausalTransformer:
    """Build the transformer that `config` describes, with the weights below `prefix`.

    Keys that go on with `without` are another module's.

    Raises:
        GoldenError: the config cannot be built or the weights do not fit it.
    """
    names = ("dim", "ffn_dim", "num_heads", "num_layers", "freq_dim", "text_dim", "text_len")
    sizes = {name: config.integer(name) for name in (*names, "in_dim", "out_dim")}
    patch = config.integers("patch_size")
    if min(sizes.values()) < 1 or len(patch) != 3:
        raise GoldenError(f"{config.where}: sizes {sizes} and patch_size {patch} make no model")
    try:
        # Without memory until the weights of the file, whose shapes are checked first, move in.
        with torch.device("meta"):
            model = CausalTransformer(
                TransformerConfig(
                    **sizes, patch_size=(patch[0], patch[1], patch[2]), eps=config.number("eps")
                )
            )
    except (ValueError, RuntimeError) as error:
        raise GoldenError(f"{config.where}: {error}") from error
    golden.load_into(model, prefix, without=without)
    return model.eval().requires_grad_(requires_grad=False)
