"""A published model with random weights: for timing, memory and numerics without a download.

Weights are small and never zero: products of zeros run 13 % faster than real ones (one H200).
"""

from __future__ import annotations

import zlib
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.protocol.orders import PromptRead
from engine.protocol.values import ModelChoice
from engine.worker.device import Compute
from engine.worker.fast_path import quicken
from engine.worker.model import LoadedModel
from engine.worker.models.spec import ModelSpec, rollout_config
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.codec import Codec, CodecConfig
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.models.wan.tae import TAE, TAEConfig
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VaceStack
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from engine.worker.prompts import Mix, MixedText, OnError, OnFailed, check_mix
from engine.worker.text_mix import Mixing, mix_rows

Net = TypeVar("Net", bound=nn.Module)

_STD = 0.02
TEXT_ROWS = 40
"""Of a prompt, as of two dozen words."""


class RandomPrompts:
    """Text rows that are a function of the words, without a text encoder."""

    def __init__(self, config: TransformerConfig, device: torch.device) -> None:
        self._size = (min(config.text_len, TEXT_ROWS), config.text_dim)
        self._device = device

    def start(self, on_failed: OnFailed, on_error: OnError) -> None:
        """Nothing works ahead."""

    def prepare(self, text: str) -> PromptRead:
        """Return a reading without any words."""
        return PromptRead(text=text, understood=(), unknown=(), left_out=())

    def try_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix.

        Raises:
            ConfigError: the mix is empty.
        """
        check_mix(mix)
        rows = [self._rows(part.text) for part in mix]
        return MixedText(mix_rows(rows, [part.weight for part in mix], mixing).unsqueeze(0))

    wait_mixed = try_mixed

    def _rows(self, text: str) -> Tensor:
        generator = torch.Generator(self._device).manual_seed(zlib.crc32(text.encode()))
        return torch.randn(*self._size, device=self._device, generator=generator)


def random_model(
    spec: ModelSpec,
    choice: ModelChoice,
    compute: Compute,
    *,
    precision: str = "auto",
    attention: str = "auto",
) -> LoadedModel:
    """Make a model of a row with random weights, in place on its device."""
    place = (compute.device, compute.dtype)
    with torch.device("meta"):
        transformer = CausalTransformer(spec.transformer)
        vace = None if spec.vace is None else VaceStack(spec.transformer, spec.vace)
    transformer = filled(transformer, place, seed=1)
    if vace is not None:
        vace = filled(vace, place, seed=2)
    config = rollout_config(spec, choice.width_px, choice.height_px)
    sampler = ChunkSampler(transformer, config, vace)
    path = quicken(sampler, compute, spec.name, precision, attention)
    codec = random_codec(spec.codec, place)
    return LoadedModel(
        spec=spec,
        choice=choice,
        compute=compute,
        sampler=sampler,
        codec=codec,
        prompts=RandomPrompts(spec.transformer, compute.device),
        anchor=_anchor(spec, codec, place),
        fast_path=path,
    )


def random_codec(config: CodecConfig, place: tuple[torch.device, torch.dtype]) -> Codec:
    """Make an autoencoder with random weights."""
    with torch.device("meta"):
        match config:
            case TAEConfig():
                return filled(TAE(config), place, seed=3, gain=1.4)
            case WanVAEConfig():
                vae = filled(WanVAE(config), place, seed=3, gain=1.4)
                return vae.channels_last() if place[0].type == "cuda" else vae
            case _:
                raise AssertionError(f"no codec like {config}")


def _anchor(
    spec: ModelSpec, codec: Codec, place: tuple[torch.device, torch.dtype]
) -> AnchorFrames | None:
    if spec.anchor_codec is None:
        return None
    is_same = codec.config == spec.anchor_codec
    encoder = codec if is_same else random_codec(spec.anchor_codec, place)
    return AnchorFrames(encoder, spec.context_latents)


def filled(
    net: Net, place: tuple[torch.device, torch.dtype], *, seed: int, gain: float = 0.0
) -> Net:
    """Give a module made on "meta" random weights.

    Args:
        net: the module.
        place: device and type.
        seed: of the weights.
        gain: scales by fan-in where above 0, so that deep convolutions neither die nor explode.
    """
    device, dtype = place
    buffers = {name: b for name, b in net.named_buffers() if b.device.type != "meta"}
    net = net.to_empty(device=device).to(dtype).eval().requires_grad_(False)
    for name, buffer in buffers.items():
        net.get_buffer(name).copy_(buffer)
    generator = torch.Generator(device).manual_seed(seed)
    for name, parameter in net.named_parameters():
        if (parameter.ndim == 1 and "norm" in name and name.endswith("weight")) or name.endswith(
            "gamma"
        ):
            parameter.fill_(1.0)
        else:
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            std = gain / fan_in**0.5 if gain and parameter.ndim > 1 else _STD
            parameter.normal_(std=std, generator=generator)
    return net
