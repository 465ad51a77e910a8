"""Compare fast passes with plain ones, layer by layer, before they may run a show.

In:     a sampler whose weights are loaded, and its fast passes.
Out:    `NumericsReport`. The cache is empty afterwards and the text forgotten.
Thread: main, while the worker loads.

Both run one chunk of noise with random text on an empty cache. Such a text is harder than a prompt:
little of it is padding, which all tokens share.
"""

from __future__ import annotations

import datetime

import torch
from torch import Tensor

from engine.protocol.numerics import LayerError, NumericsReport
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.noise import NoiseKey, normal_noise

_TIMESTEP = 700.0
_TEXT_STD = 0.1
_TEXT_SHARE = 0.75
"""Of the places of a text: the rest is padding, which fast passes take as one key."""
_TINY = 1e-12


@torch.inference_mode()
def compare_passes(
    sampler: ChunkSampler, fast: FastPasses, model_name: str, backend: str
) -> NumericsReport:
    """Run one pass both ways."""
    model, config = sampler.model, sampler.config
    shape = (
        1, config.latents_per_chunk, model.config.in_dim, config.height, config.width,
    )  # fmt: skip
    inputs = normal_noise(shape, NoiseKey(seed=1, chunk=0), model.device)
    num_rows = int(_TEXT_SHARE * model.config.text_len)
    text_shape = (1, num_rows, model.config.text_dim)
    sampler.set_text(_TEXT_STD * normal_noise(text_shape, NoiseKey(seed=2, chunk=0), model.device))
    found: list[list[Tensor]] = []
    for passes in (sampler.plain, fast):
        sampler.cache.reset()
        sampler.cache.begin_chunk(config.latents_per_chunk)
        found.append([layer.float() for layer in passes.layers(inputs, _TIMESTEP)])
    sampler.reset()
    sampler.text.forget()
    *layers, velocity = (layer_error(own, plain) for plain, own in zip(*found, strict=True))
    card = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "CPU"
    return NumericsReport(
        model=model_name,
        backend=backend,
        against=f"plain {str(model.dtype).removeprefix('torch.')}",
        card=card,
        torch=str(torch.__version__),
        day=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        velocity=velocity,
        layers=tuple(layers),
    )


def layer_error(found: Tensor, expected: Tensor) -> LayerError:
    """Compare two tensors of one shape; numbers that are not finite have cosine -1."""
    a, b = found.flatten().double(), expected.flatten().double()
    if not bool(torch.isfinite(a).all()):
        return LayerError(cosine=-1.0, max_error=float("inf"))
    cosine = torch.dot(a, b) / (a.norm() * b.norm()).clamp_min(_TINY)
    error = (a - b).abs().max() / b.abs().max().clamp_min(_TINY)
    return LayerError(cosine=float(cosine), max_error=float(error))
