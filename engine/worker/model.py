"""Load the model that a show asks for: its parts, put together for one picture size.

`ModelChoice.name` is a name of `MODELS`, a folder with weights of the house model, or `untrained`:
the house model with random weights, whose pictures mean nothing but whose path is the real one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.protocol.orders import PromptRead
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.device import Compute
from engine.worker.models.house.house import WEIGHTS_DIR, HouseModel, load_house
from engine.worker.models.house.text import ParsedPrompt
from engine.worker.models.spec import HOUSE, MODELS, ModelSpec, rollout_config
from engine.worker.models.wan.codec import Codec
from engine.worker.models.wan.rollout import ChunkSampler

UNTRAINED = "untrained"
_UNTRAINED_SEED = 1
_KEPT_PROMPTS = 256


class TextEncoder(Protocol):
    """Turns a prompt into text rows [L, D] and says what it understood."""

    def encode(self, prompt: str) -> tuple[Tensor, ParsedPrompt]:
        """Return text rows [L, D] and the reading."""
        ...


class Prompts:
    """Encoded prompts: each text is encoded once, by whichever thread asks first."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()  # PreparePrompt comes from the orders thread
        self._known: OrderedDict[str, tuple[Tensor, PromptRead]] = OrderedDict()

    def prepare(self, text: str) -> PromptRead:
        """Encode a prompt ahead of need and return how it was understood."""
        return self._lookup(text)[1]

    def mixed(self, mix: Sequence[WeightedPrompt]) -> Tensor:
        """Return the weighted sum of the prompts' rows [1, L, D] float32.

        Raises:
            ConfigError: the mix is empty.
        """
        if not mix:
            raise ConfigError("chunk plan without a prompt: expected at least one weighted prompt")
        rows = [self._lookup(part.text)[0].float() * part.weight for part in mix]
        return torch.stack(rows).sum(0, keepdim=True)

    def _lookup(self, text: str) -> tuple[Tensor, PromptRead]:
        with self._lock:
            if text not in self._known:
                rows, parsed = self._encoder.encode(text)
                self._known[text] = rows, _reading(text, parsed)
                if len(self._known) > _KEPT_PROMPTS:
                    self._known.popitem(last=False)
            self._known.move_to_end(text)
            return self._known[text]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model on its device, with the caches of one running show."""

    spec: ModelSpec
    choice: ModelChoice
    compute: Compute
    sampler: ChunkSampler
    codec: Codec
    prompts: Prompts


def load_model(choice: ModelChoice, compute: Compute) -> LoadedModel:
    """Load weights and make the caches for the chosen picture size.

    Raises:
        ConfigError: there is no such model, or the size does not divide.
        WeightsError: a file is missing, truncated, or not of this model.
    """
    spec = spec_of(choice.name)
    try:
        config = rollout_config(spec, choice.width_px, choice.height_px)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    house = _load_house(choice.name, compute)
    return LoadedModel(
        spec=spec,
        choice=choice,
        compute=compute,
        sampler=ChunkSampler(house.transformer, config),
        codec=house.codec,
        prompts=Prompts(house.text),
    )


def spec_of(name: str) -> ModelSpec:
    """Return the spec of a model by the name that a show gives.

    Raises:
        ConfigError: there is no such model.
    """
    if name in MODELS:
        return MODELS[name]
    if name == UNTRAINED or Path(name).is_dir():
        return HOUSE
    raise ConfigError(
        f"model {name!r} does not exist; choose one of {', '.join(MODELS)}, "
        f"or a folder with weights of the house model"
    )


def _load_house(name: str, compute: Compute) -> HouseModel:
    if name == UNTRAINED:
        return load_house(compute.device, compute.dtype, random_seed=_UNTRAINED_SEED)
    folder = WEIGHTS_DIR if name in MODELS else Path(name)
    return load_house(compute.device, compute.dtype, weights_dir=folder)


def _reading(text: str, parsed: ParsedPrompt) -> PromptRead:
    understood = tuple(
        said if said == word else f"{said} → {word}" for said, word in parsed.understood
    )
    return PromptRead(
        text=text, understood=understood, unknown=parsed.ignored, left_out=parsed.left_out
    )
