"""Give a loaded model its fast passes, where the device has them; say what runs and why.

Thread: main, while the worker loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from engine.protocol.numerics import NumericsReport
from engine.worker.device import Compute
from engine.worker.kernels.attention_backends import (
    NARROW,
    AttentionShape,
    SoftmaxAttention,
    choose_attention,
    is_narrow_faster,
)
from engine.worker.kernels.has_triton import why_no_triton
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.numerics import compare_passes

_FIRST_WITH_FP8 = (8, 9)
"""Compute capability from which products of e4m3 exist.  Source: CUDA programming guide."""
_ON_TEXT = "padding as one key"
_LEAST_FP8_WIDTH = 1024
"""Below this width FP8 gains nothing: products are as short as the kernels between them."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """What runs in place of plain passes.

    Attributes:
        backends: op → backend; empty where plain passes run.
        notices: a sentence for every fallback.
        numerics: what fast passes were found to compute, the last ones that were tried.
    """

    backends: dict[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    numerics: NumericsReport | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to run fast passes, and the backend of its attention."""

    attention: str
    narrow_products: bool = False
    narrow_attention: bool = False

    @property
    def products(self) -> str:
        """What products run in."""
        return "fp8 rows" if self.narrow_products else "bf16"


def quicken(
    sampler: ChunkSampler,
    compute: Compute,
    name: str,
    precision: str = "auto",
    attention: str = "auto",
) -> FastPath:
    """Put fast passes into a sampler if its device has them and they compute the same.

    Args:
        sampler: of the show; its weights are loaded, LoRAs included.
        compute: where it runs.
        name: of the model, for the report.
        precision: of the products: auto, bf16 or fp8.
        attention: name of a backend, or auto.
    """
    if compute.device.type != "cuda":
        return FastPath()
    reason = _refusal(sampler, compute)
    if reason:
        return FastPath(notices=(_plain_notice(reason),))
    shape = attention_shape(sampler)
    choice = choose_attention(shape, compute.dtype, compute.device, attention)
    narrow, notices = _is_narrow(sampler, precision)
    kinds = [Kind(choice.name)]
    if narrow:
        kinds.insert(0, Kind(choice.name, narrow_products=True))
        if attention == "auto" and is_narrow_faster(shape, choice, compute.device):
            kinds.insert(0, Kind(NARROW, narrow_products=True, narrow_attention=True))
    for kind in kinds:
        path = _tried(sampler, choice.attend, name, kind)
        notices = (*notices, *path.notices)
        if path.backends:
            return replace(path, notices=notices)
    return FastPath(notices=(*notices, _plain_notice("no fast passes compute what plain ones do")))


def _tried(sampler: ChunkSampler, attend: SoftmaxAttention, name: str, kind: Kind) -> FastPath:
    """Put fast passes of one kind into the sampler, unless they differ or there is no room."""
    try:
        return _made(sampler, attend, name, kind)
    except torch.OutOfMemoryError:
        sampler.cache.drop_narrow()
        sampler.passes = sampler.plain
        return FastPath(notices=(f"The GPU has no room for fast passes in {kind.products}.",))


def _made(sampler: ChunkSampler, attend: SoftmaxAttention, name: str, kind: Kind) -> FastPath:
    if kind.narrow_attention:
        sampler.cache.keep_narrow()
    else:
        sampler.cache.drop_narrow()
    fast = FastPasses(
        sampler.plain, sampler.cache, sampler.text, attend, narrow=kind.narrow_products
    )
    report = compare_passes(sampler, fast, name, f"{kind.products}, {kind.attention} attention")
    if not report.is_good:
        sampler.cache.drop_narrow()
        refusal = f"Refused, it differs too much: {report.sentence()}."
        return FastPath(notices=(refusal,), numerics=report)
    sampler.passes = fast
    backends = {
        "attention": kind.attention,
        "text attention": _ON_TEXT,
        "linear": f"{kind.products}, fused",
    }
    return FastPath(backends, numerics=report)


def _plain_notice(reason: str) -> str:
    return f"Plain passes run, which is slower: {reason}."


def _refusal(sampler: ChunkSampler, compute: Compute) -> str:
    if why_no_triton():
        return why_no_triton()
    if compute.dtype is not torch.bfloat16:
        return f"no fast passes for {compute.dtype_name}"
    return "" if sampler.config.batch == 1 else f"no fast passes for {sampler.config.batch} shows"


def attention_shape(sampler: ChunkSampler) -> AttentionShape:
    """Return the largest self-attention of a show."""
    config, model = sampler.config, sampler.model.config
    per_latent = sampler.cache.shape.tokens_per_latent
    return AttentionShape(
        num_queries=config.latents_per_chunk * per_latent,
        num_keys=config.window.window_latents * per_latent,
        num_heads=model.num_heads,
        head_dim=model.head_dim,
    )


def _is_narrow(sampler: ChunkSampler, precision: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether products run in FP8, and what to say if that is not what was asked for."""
    config = sampler.model.config
    can = torch.cuda.get_device_capability(sampler.model.device) >= _FIRST_WITH_FP8
    if precision == "fp8" and not can:
        name = torch.cuda.get_device_name(sampler.model.device)
        return False, (f"{name} has no FP8 products, running bfloat16.",)
    wanted = precision == "fp8" or (precision == "auto" and config.dim >= _LEAST_FP8_WIDTH)
    return can and wanted, ()
