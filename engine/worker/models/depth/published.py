"""A depth model's published file: read it, hold it against the model, load it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.model_store.odd_files import oddity
from engine.protocol.places import models_folder

_MAX_LISTED_KEYS = 4
_Net = TypeVar("_Net", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where a model was published, and which folder of the models folder it is pulled into."""

    repository: str
    file_name: str
    folder_name: str
    licence: str = "Apache-2.0"

    def path(self) -> Path:
        """Return where the file is, or would be: as .safetensors, else as published."""
        published = models_folder() / self.folder_name / self.file_name
        converted = published.with_suffix(".safetensors")
        return converted if converted.is_file() else published


def load_published(
    model: _Net, path: Path, published: Published, device: torch.device, dtype: torch.dtype
) -> _Net:
    """Load a published .pth, or the same keys as .safetensors, into its model.

    Raises:
        WeightsError: the file is missing, truncated, or of another model.
    """
    weights, expected = _read(path, published), model.state_dict()
    wrong = sorted(expected.keys() ^ weights.keys()) or sorted(
        key for key in expected if expected[key].shape != weights[key].shape
    )
    if wrong:
        raise WeightsError(
            f"depth model: {path} is of another model: {len(wrong)} keys are missing, unexpected "
            f"or misshapen, first {', '.join(wrong[:_MAX_LISTED_KEYS])}; "
            f"expected {published.file_name} of {published.repository}"
        )
    model.load_state_dict(weights)
    return model.requires_grad_(False).eval().to(device, dtype)


def _read(path: Path, published: Published) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f"depth model: {path} is missing; run `segue models pull {published.folder_name}`, "
            f"or put {published.file_name} of {published.repository} ({published.licence}) there"
        )
    try:
        if odd := oddity(path):
            raise WeightsError(f"depth model: {path} {odd}; fetch it again")
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (
        SafetensorError,
        OSError,
        ValueError,
        EOFError,
        RuntimeError,
        pickle.UnpicklingError,
    ) as e:
        raise WeightsError(f"depth model: {path} cannot be read ({e}); fetch it again") from e
    if not isinstance(weights, dict) or not all(isinstance(w, Tensor) for w in weights.values()):
        raise WeightsError(f"depth model: {path} holds no weights by name; fetch it again")
    return weights
