"""Small models on fast passes, and shows that do to them all that a performer can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from engine.protocol.values import CacheAction, Cut, WeightedPrompt
from engine.worker.kernels.attention import attention
from engine.worker.model import LoadedModel
from engine.worker.models.spec import rollout_config
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.cache_plan import KREA, LONGLIVE_ENDLESS, CacheWindow
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.lora import Lora
from engine.worker.models.wan.lora_rack import LoraRack
from engine.worker.models.wan.rollout import ChunkSampler
from tests.tiny_worker import (
    FRAMES_PER_CHUNK,
    SIZE_PX,
    TinyWorker,
    plan,
    tiny_model,
    tiny_vace_model,
)

FIRE = (WeightedPrompt(text="slow red fire", weight=1.0),)
WATER = (WeightedPrompt(text="fast blue water", weight=1.0),)
MIXED = (
    WeightedPrompt(text="slow red fire", weight=0.5),
    WeightedPrompt(text="fast blue water", weight=0.5),
)
HARD = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "cut_number": 1, "seed": 99}
SOFT = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE, "blend": 0.5}
STEPS = {"steps": 2.0}
CONTROL = {"steps": 2.0, "control_amount": 0.8, "control_kind": 1.0}

NIGHT = (
    *({"text": FIRE, "parameters": STEPS},) * 4,  # the cache fills, then it rolls
    {"text": WATER, "parameters": STEPS},
    {"text": MIXED, "parameters": STEPS} | SOFT,
    {"text": WATER, "parameters": CONTROL, "source": True},
    {"text": WATER, "parameters": STEPS | {"input_amount": 0.5}, "source": True},
    {"parameters": STEPS | {"input_amount": 0.9, "motion_amount": 0.5}, "source": True},
    {"parameters": STEPS | {"memory_noise": 0.3, "lora_1": 0.7}},
    {"parameters": STEPS | {"lora_1": 0.7}},
    {"parameters": {"steps": 3.0}},
    {"text": FIRE, "parameters": STEPS} | HARD,
    *({"text": FIRE, "parameters": STEPS, "seed": 99},) * 2,
    {"parameters": CONTROL | {"control_amount": 0.3}, "source": True},
    {"parameters": STEPS, "references": 1},
    {"parameters": CONTROL, "references": 2, "source": True},
    {"parameters": CONTROL, "references": 2, "masked": True, "source": True},
    *({"text": WATER, "parameters": STEPS},) * 2,
)
"""One entry a chunk: what changes in its plan, and what its source and stage are given."""


def with_rule(model: LoadedModel, rule, window: CacheWindow, **changes: object) -> LoadedModel:
    """Return the model with another rule for its cache."""
    spec = replace(model.spec, rule=rule, window=window, **changes)
    old = model.sampler
    config = rollout_config(spec, SIZE_PX, SIZE_PX)
    return replace(model, spec=spec, sampler=ChunkSampler(old.model, config, old.vace))


def sink_model() -> LoadedModel:
    """Return a tiny model whose cache keeps its first latents."""
    return with_rule(tiny_model(), LONGLIVE_ENDLESS, CacheWindow(window_latents=9, sink_latents=3))


def anchored_model() -> LoadedModel:
    """Return a tiny model of KREA's kind: its context is made anew, behind an encoded anchor."""
    model = with_rule(
        tiny_vace_model(with_vae=True), KREA, CacheWindow(window_latents=6), recaches=False
    )
    return replace(model, anchor=AnchorFrames(model.codec, model.spec.context_latents))


def lora_model(lora: Lora) -> LoadedModel:
    """Return a tiny model with a LoRA beside its weights."""
    model = tiny_model()
    return replace(model, loras=LoraRack(model.sampler.model, [lora]))


def on_fast_passes(model: LoadedModel, *, narrow: bool = False) -> LoadedModel:
    """Put fast passes into a model's sampler, in FP8 if they are narrow; returns the model."""
    sampler = model.sampler
    if narrow:
        sampler.cache.keep_narrow()
    sampler.passes = FastPasses(
        sampler.plain, sampler.cache, sampler.text, attention, narrow=narrow
    )
    return model


def play(worker: TinyWorker, index: int, entry: dict[str, object]):
    """Play one entry of a show; returns the report."""
    changes = dict(entry)
    newest = worker.deliver(FRAMES_PER_CHUNK)
    stage = worker.loop.vace
    count, is_masked = changes.pop("references", 0), changes.pop("masked", False)
    if stage is not None:
        images = [picture(number) for number in range(int(str(count)))]
        stage.follow([stage.encode_reference(image) for image in images])
        stage.set_mask(HALF if is_masked else None)
    if changes.pop("source", False):
        changes["input_until"] = newest
    return worker.run(plan(index, **changes))


def picture(seed: int) -> np.ndarray:
    """Return an RGB picture [H, W, 3] of noise."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)


HALF = np.zeros((SIZE_PX, SIZE_PX), np.bool_)
HALF[:, : SIZE_PX // 2] = True


def memory_of(worker: TinyWorker) -> dict[str, list[torch.Tensor]]:
    """Return copies of all that a show remembers between two chunks."""
    loop = worker.loop
    sampler, anchor = loop.model.sampler, loop.model.anchor
    layers = [sampler.cache.layer(n) for n in range(sampler.model.config.num_layers)]
    state, view = sampler.cache.state, sampler.cache.current
    numbers = (state.cached, state.position, sampler.num_finished, view.start, view.stop, view.skip)
    found = {
        "cache": [part for layer in layers for part in layer],
        "numbers": [torch.tensor(numbers)],
        "latents": [part for part in (sampler._first, sampler._recent) if part is not None],
        "decoder": list(loop.streams.picture._stream.state or ()),
        "narrow copies": [part.float() for part in view.narrow or ()],
        "anchor": [] if anchor is None or anchor._frames is None else [anchor._frames],
    }
    return {name: [part.clone() for part in parts] for name, parts in found.items()}
