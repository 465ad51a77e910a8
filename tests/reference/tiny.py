"""Tiny random models for tests, and the reference's view of them."""

import torch

from engine.worker.models.wan.cache_plan import CacheRule, CacheWindow
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.tae import TAE, TAEConfig, TAEPath
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from tests.reference.wan_reference import Sizes

HEIGHT, WIDTH, CHUNK = 4, 6, 2

TINY = TransformerConfig(
    dim=24, ffn_dim=32, num_heads=2, num_layers=2, text_dim=8, text_len=4, freq_dim=16
)
TINY_CODEC = TAEConfig(
    encoder=TAEPath(widths=(4, 6, 8), memblocks=(1, 2, 1), space=(True, True), time=(True, True)),
    decoder=TAEPath(widths=(8, 6, 4), memblocks=(2, 1, 2), space=(True, True), time=(True, True)),
    latent_channels=5,
    patch_size=2,
    pixel_range=(-1.0, 1.0),
    colour_shortcut=True,
    latent_stats=True,
)


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Random values for every parameter: fresh modules are too quiet to tell mistakes apart."""
    rng = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=rng)
        if parameter.ndim > 1:
            parameter.data.copy_(noise * parameter[0].numel() ** -0.5)
        else:
            parameter.data.copy_(noise * 0.2 + ("norm" in name and name.endswith("weight")))
    module.requires_grad_(requires_grad=False)


def tiny_model(config: TransformerConfig = TINY, seed: int = 0) -> CausalTransformer:
    model = CausalTransformer(config)
    randomise(model, seed)
    return model


def tiny_codec(config: TAEConfig = TINY_CODEC, seed: int = 0) -> TAE:
    codec = TAE(config)
    randomise(codec, seed)
    codec.latent_mean.copy_(torch.linspace(-0.5, 0.5, config.latent_channels))
    codec.latent_std.copy_(torch.linspace(0.5, 2.0, config.latent_channels))
    return codec


def tiny_sampler(
    rule: CacheRule,
    window: int = 6,
    sink: int = 0,
    *,
    model: CausalTransformer | None = None,
    chunk: int = CHUNK,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> ChunkSampler:
    config = RolloutConfig(
        rule=rule,
        window=CacheWindow(window_latents=window, sink_latents=sink),
        height=height,
        width=width,
        latents_per_chunk=chunk,
    )
    sampler = ChunkSampler(model or tiny_model(), config)
    sampler.set_text(torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(9)))
    return sampler


def sizes_of(config: TransformerConfig) -> Sizes:
    return Sizes(
        dim=config.dim,
        num_heads=config.num_heads,
        num_layers=config.num_layers,
        freq_dim=config.freq_dim,
        text_len=config.text_len,
        out_dim=config.out_dim,
    )


def weights_of(model: CausalTransformer) -> dict[str, torch.Tensor]:
    return {key: value.double() for key, value in model.state_dict().items()}


def noise_of(seed: int, frames: int = CHUNK, height: int = HEIGHT, width: int = WIDTH):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(1, frames, 16, height, width, generator=rng)


def rel_l2(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got.double() - expected.double()).norm() / expected.double().norm())
