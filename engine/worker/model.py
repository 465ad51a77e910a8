"""Load the model that a show asks for: its parts, put together for one picture size.

`ModelChoice.name` is a name of `MODELS`, a folder with weights of the house model, or `untrained`:
the house model with random weights, whose pictures mean nothing but whose path is the real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError
from engine.protocol.values import ModelChoice
from engine.worker.device import Compute
from engine.worker.models.house.house import WEIGHTS_DIR, HouseModel, load_house
from engine.worker.models.spec import HOUSE, MODELS, ModelSpec, rollout_config
from engine.worker.models.wan.codec import Codec
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.prompts import PromptBook, Prompts

UNTRAINED = "untrained"
_UNTRAINED_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model on its device, with the caches of one running show."""

    spec: ModelSpec
    choice: ModelChoice
    compute: Compute
    sampler: ChunkSampler
    codec: Codec
    prompts: PromptBook


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
