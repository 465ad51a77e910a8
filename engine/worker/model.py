"""Load the model that a show asks for: its parts, put together for one picture size.

`ModelChoice.name` is a name of `MODELS`, a folder with weights of one of them, or `untrained`: the
house model with random weights, whose pictures mean nothing but whose path is the real one;
`untrained-vace` is the same steered through a VACE stack, as the published rows with VACE are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import torch

from engine.errors import ConfigError, WeightsError
from engine.protocol.model_names import with_vace
from engine.protocol.parameters import LORA_ROWS
from engine.protocol.values import ModelChoice
from engine.worker.device import Compute
from engine.worker.fast_path import FastPath, quicken
from engine.worker.models.folders import ModelFolder, find_model
from engine.worker.models.house.house import WEIGHTS_DIR, load_house
from engine.worker.models.spec import (
    HOUSE,
    HOUSE_VACE,
    ModelFiles,
    ModelSpec,
    rollout_config,
    with_chunk,
)
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.checkpoints import (
    load_tae,
    load_transformer,
    load_vace,
    load_wan_vae,
)
from engine.worker.models.wan.codec import Codec, CodecConfig
from engine.worker.models.wan.lora import Lora, check_lora, read_lora, read_merge
from engine.worker.models.wan.lora_rack import LoraRack
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.tae import TAEConfig
from engine.worker.models.wan.text_weights import TEXT_PLACES
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.umt5 import UMT5Config
from engine.worker.models.wan.vace import VaceConfig, VaceStack
from engine.worker.models.wan.vae import WanVAEConfig
from engine.worker.prompts import PromptBook, Prompts
from engine.worker.wan_prompts import load_wan_prompts

UNTRAINED: Final = "untrained"
UNTRAINED_VACE: Final = with_vace(UNTRAINED)
_UNTRAINED_SEED: Final = 1
_NON_COMMERCIAL: Final = "-NC-"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model on its device, with the caches of one running show.

    Attributes:
        spec: its row, with the chunk length and the codec that were chosen.
        choice: what was asked for.
        compute: where it runs.
        sampler: transformer and caches.
        codec: the autoencoder.
        prompts: its text encoder.
        anchor: for a context that begins with a re-encoded frame.
        loras: LoRAs whose amounts the show rides; None for a model without any.
        fast_path: what runs in place of plain passes.
        notices: sentences for the performer.
    """

    spec: ModelSpec
    choice: ModelChoice
    compute: Compute
    sampler: ChunkSampler
    codec: Codec
    prompts: PromptBook
    anchor: AnchorFrames | None = None
    loras: LoraRack | None = None
    fast_path: FastPath = field(default_factory=FastPath)
    notices: tuple[str, ...] = ()


def load_model(choice: ModelChoice, compute: Compute) -> LoadedModel:
    """Load weights and make the caches for the chosen picture size.

    Raises:
        ConfigError: there is no such model, or size, chunk or codec do not fit it.
        WeightsError: a file is missing, truncated, or not of this model.
        OutOfMemoryError: the device has no room.
    """
    return load_found(choose_model(choice), choice, compute)


def choose_model(choice: ModelChoice) -> ModelFolder:
    """Return the row that a choice means, with its chunk length and codec, and its folder.

    Raises:
        ConfigError: there is no such model, or size, chunk or codec do not fit it.
    """
    untrained = {UNTRAINED: HOUSE, UNTRAINED_VACE: HOUSE_VACE}.get(choice.name)
    found = ModelFolder(untrained, WEIGHTS_DIR) if untrained else find_model(choice.name)
    spec = _with_codec(found.spec, choice.codec)
    try:
        if choice.latents_per_chunk:
            spec = with_chunk(spec, choice.latents_per_chunk)
        rollout_config(spec, choice.width_px, choice.height_px)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return ModelFolder(spec, found.folder)


def load_found(found: ModelFolder, choice: ModelChoice, compute: Compute) -> LoadedModel:
    """Load a model from its folder.

    Raises:
        WeightsError: a file is missing, truncated, or not of this model.
        OutOfMemoryError: the device has no room.
    """
    if found.spec.files is None:
        return _house(found, choice, compute)
    return _Published(found, found.spec.files, choice, compute).load()


def _with_codec(spec: ModelSpec, codec: str) -> ModelSpec:
    if codec == "auto" or (codec == "vae" and spec.tiny_codec is not None):
        return spec
    if codec == "tae" and spec.tiny_codec is not None:
        return replace(spec, codec=spec.tiny_codec)
    raise ConfigError(
        f"model {spec.name}: codec {codec!r} is not one of its own; choose "
        + ("auto, vae or tae" if spec.tiny_codec else "auto")
    )


def _house(found: ModelFolder, choice: ModelChoice, compute: Compute) -> LoadedModel:
    is_untrained = choice.name in (UNTRAINED, UNTRAINED_VACE)
    seed = _UNTRAINED_SEED if is_untrained else None
    house = load_house(compute.device, compute.dtype, weights_dir=found.folder, random_seed=seed)
    config = rollout_config(found.spec, choice.width_px, choice.height_px)
    vace = found.spec.vace
    sampler = (
        ChunkSampler(house.transformer, config)
        if vace is None
        else untrained_sampler(found.spec.transformer, vace, config, compute)
    )
    fast_path = quicken(sampler, compute, found.spec.name, choice.precision)
    return LoadedModel(
        spec=found.spec,
        choice=choice,
        compute=compute,
        sampler=sampler,
        codec=house.codec,
        prompts=Prompts(house.text),
        fast_path=fast_path,
        notices=fast_path.notices,
    )


def untrained_sampler(
    sizes: TransformerConfig, vace: VaceConfig, config: RolloutConfig, compute: Compute
) -> ChunkSampler:
    """Return a transformer with a VACE stack, both of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_UNTRAINED_SEED)
        transformer, stack = CausalTransformer(sizes), VaceStack(sizes, vace)
    for module in (transformer, stack):
        module.requires_grad_(False).eval().to(device=compute.device, dtype=compute.dtype)
    return ChunkSampler(transformer, config, stack)


@dataclass(frozen=True, slots=True)
class _Published:
    """Loads one published model."""

    found: ModelFolder
    files: ModelFiles
    choice: ModelChoice
    compute: Compute

    def load(self) -> LoadedModel:
        """Load all parts, the small ones first: what is missing is said before the long wait."""
        spec = self.found.spec
        codec = self._codec(spec.codec)
        anchor = self._anchor(codec)
        vace = self._vace()
        transformer = self._transformer()
        loras, said_of_loras = self._loras(transformer)
        config = rollout_config(spec, self.choice.width_px, self.choice.height_px)
        sampler = ChunkSampler(transformer, config, vace)
        fast_path = quicken(sampler, self.compute, spec.name, self.choice.precision)
        return LoadedModel(
            spec=spec,
            choice=self.choice,
            compute=self.compute,
            sampler=sampler,
            codec=codec,
            prompts=self._prompts(spec.text),
            anchor=anchor,
            loras=loras,
            fast_path=fast_path,
            notices=(*_licence_notice(spec), *said_of_loras, *fast_path.notices),
        )

    @property
    def _place(self) -> tuple[torch.device, torch.dtype]:
        return self.compute.device, self.compute.dtype

    def _codec(self, config: CodecConfig) -> Codec:
        match config:
            case WanVAEConfig():
                path = self.found.shared(self.files.vae, "autoencoder")
                return load_wan_vae(path, self._place, config)
            case TAEConfig():
                path = self.found.shared(self.files.tae, "tiny autoencoder")
                return load_tae(path, self._place, config)
            case _:
                raise AssertionError(f"no loader for a codec like {config}")

    def _anchor(self, codec: Codec) -> AnchorFrames | None:
        """Return what makes anchors; the tiny autoencoder cannot encode one frame alone."""
        spec = self.found.spec
        if spec.anchor_codec is None:
            return None
        is_same = codec.config == spec.anchor_codec
        encoder = codec if is_same else self._codec(spec.anchor_codec)
        return AnchorFrames(encoder, spec.context_latents)

    def _transformer(self) -> CausalTransformer:
        spec, merge = self.found.spec, None
        path = self.found.own(self.files.transformer, "transformer")
        if self.files.lora:
            with torch.device("meta"):
                like = CausalTransformer(spec.transformer)
            lora = self.found.own(self.files.lora, "LoRA")
            merge = read_merge(lora, like, self.compute.device, self.files.lora_alpha)
        what = f"transformer of {spec.name}"
        return load_transformer(spec.transformer, path, self._place, what=what, adjust=merge)

    def _vace(self) -> VaceStack | None:
        spec = self.found.spec
        if spec.vace is None:
            return None
        path = self.found.own(self.files.vace, "VACE")
        what = f"VACE of {spec.name}"
        return load_vace(spec.transformer, spec.vace, path, self._place, what=what)

    def _prompts(self, config: UMT5Config | None) -> PromptBook:
        if config is None:
            raise AssertionError(f"{self.found.spec.name} names no text encoder")
        folder = self.found.shared_folder(TEXT_PLACES, "text encoder")
        return load_wan_prompts(folder, self.compute, config=config)

    def _loras(self, transformer: CausalTransformer) -> tuple[LoraRack, tuple[str, ...]]:
        """Return the performer's LoRAs, and a sentence for each. A broken one stops no show."""
        loras: list[Lora] = []
        said: list[str] = []
        paths = self.found.loras()
        for path in paths[: len(LORA_ROWS)]:
            try:
                lora = read_lora(path)
                check_lora(lora, transformer)
            except WeightsError as error:
                said.append(f"{error}; it is left out.")
            else:
                loras.append(lora)
                ranks = ", ".join(map(str, lora.ranks))
                said.append(f"LoRA {len(loras)} is {lora.name}, rank {ranks}.")
        if len(paths) > len(LORA_ROWS):
            said.append(f"Only the first {len(LORA_ROWS)} of {len(paths)} LoRAs are loaded.")
        return LoraRack(transformer, loras), tuple(said)


def _licence_notice(spec: ModelSpec) -> tuple[str, ...]:
    if _NON_COMMERCIAL not in spec.licence:
        return ()
    return (f"{spec.name}: its weights are licensed {spec.licence}, not for commercial use.",)
