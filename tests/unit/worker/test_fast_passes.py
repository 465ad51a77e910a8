"""Fast passes against plain ones: whole shows of small models, on the kernels' plain twins.

The kernels themselves are held against these twins in tests/gpu.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.worker.kernels.attention import attention
from engine.worker.models.wan.cache_plan import KREA, LONGLIVE_ENDLESS, CacheRule, CacheWindow
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.lora import read_lora
from engine.worker.models.wan.lora_rack import LoraRack
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VaceConfig, VaceControl, VaceStack
from engine.worker.noise import NoiseKey, normal_noise
from engine.worker.schedule import steps_from_sigmas
from tests.published import tiny_lora, write_lora

CONFIG = TransformerConfig(
    dim=48, ffn_dim=80, num_heads=3, num_layers=3, text_dim=20, text_len=7, freq_dim=16
)
STEPS = steps_from_sigmas((1.0, 0.7))
CPU = torch.device("cpu")
RULES = {
    "rolling": (CacheRule(), CacheWindow(window_latents=6)),
    "sink": (LONGLIVE_ENDLESS, CacheWindow(window_latents=9, sink_latents=3)),
    "recomputed": (KREA, CacheWindow(window_latents=6)),
}


def filled(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        is_matrix = parameter.ndim > 1
        torch.nn.init.normal_(
            parameter, 0 if is_matrix else 0.5, 0.2 if is_matrix else 0.1, generator=generator
        )
    return module.eval().requires_grad_(False)


def sampler_of(rule: str, config: TransformerConfig = CONFIG, *, vace: bool = False):
    model = filled(CausalTransformer(config), 1)
    stack = filled(VaceStack(config, VaceConfig(layers=(0, 2), in_dim=20)), 2) if vace else None
    cache_rule, window = RULES[rule]
    rollout = RolloutConfig(rule=cache_rule, window=window, height=4, width=6)
    return ChunkSampler(model, rollout, stack)


def use_fast(sampler: ChunkSampler, *, narrow: bool = False) -> FastPasses:
    fast = FastPasses(sampler.plain, sampler.cache, sampler.text, attention, narrow=narrow)
    sampler.passes = fast
    return fast


def noise_of(chunk: int, shape=(1, 3, 16, 4, 6)):
    return lambda step: normal_noise(shape, NoiseKey(seed=5, chunk=chunk, step=step), CPU)


def text_of(seed: int) -> torch.Tensor:
    return torch.randn(1, 5, CONFIG.text_dim, generator=torch.Generator().manual_seed(seed))


def control_of(chunk: int, num_references: int, scale: float) -> VaceControl:
    count = 3 + num_references
    shape = (1, num_references, 16, 4, 6)
    return VaceControl(
        context=normal_noise((1, count, 20, 4, 6), NoiseKey(seed=9, chunk=chunk), CPU),
        scale=scale,
        num_references=num_references,
        reference_noise=lambda step: normal_noise(shape, NoiseKey(seed=8, chunk=step), CPU),
    )


@torch.inference_mode()
def show(sampler: ChunkSampler, num_chunks: int = 6, **options) -> torch.Tensor:
    """Play chunks with a prompt that changes; a hard cut after the fourth."""
    chunks = []
    for chunk in range(num_chunks):
        if chunk in (0, 2):
            sampler.set_text(text_of(chunk))
        if chunk == 2 and not options.get("recomputes"):
            sampler.recache()
        if chunk == 4:
            sampler.reset()
        vace = options["vace"](chunk) if "vace" in options else None
        control = options["control"](chunk) if "control" in options else None
        latents = sampler.denoise_chunk(STEPS, noise_of(chunk), vace=vace, control=control)
        sampler.commit(latents, control=control)
        plan = sampler.context_plan()
        if plan is not None:
            anchor = latents[:, :1] if plan.needs_anchor else None
            sampler.recompute(sampler.context_latents(plan, anchor))
        chunks.append(latents)
    return torch.cat(chunks, 1)


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("rule", RULES)
def test_a_show_is_the_same_to_float32_rounding(rule: str) -> None:
    recomputes = rule == "recomputed"
    plain = show(sampler_of(rule), recomputes=recomputes)
    sampler = sampler_of(rule)
    fast = use_fast(sampler)
    assert distance(show(sampler, recomputes=recomputes), plain) < 1e-5
    assert fast.num_plain == 0


def test_control_channels_are_the_same() -> None:
    config = replace(CONFIG, in_dim=21)

    def control(chunk: int) -> torch.Tensor:
        return normal_noise((1, 3, 5, 4, 6), NoiseKey(seed=4, chunk=chunk), CPU)

    plain = show(sampler_of("rolling", config), control=control)
    sampler = sampler_of("rolling", config)
    use_fast(sampler)
    assert distance(show(sampler, control=control), plain) < 1e-5


@pytest.mark.parametrize("num_references", [0, 1, 2])
def test_vace_is_the_same(num_references: int) -> None:
    def vace(chunk: int) -> VaceControl | None:
        return control_of(chunk, num_references, 0.3 * chunk)  # the first chunk has none

    plain = show(sampler_of("rolling", vace=True), vace=vace)
    sampler = sampler_of("rolling", vace=True)
    use_fast(sampler)
    assert distance(show(sampler, vace=vace), plain) < 1e-5
    without = show(sampler_of("rolling", vace=True))
    assert distance(plain, without) > 0.01  # or the test would not see hints that are lost


def test_fp8_stays_within_its_guardrail() -> None:
    plain = show(sampler_of("rolling"), num_chunks=1)
    sampler = sampler_of("rolling")
    use_fast(sampler, narrow=True)
    narrow = show(sampler, num_chunks=1)
    assert torch.nn.functional.cosine_similarity(narrow.flatten(), plain.flatten(), 0) > 0.995
    assert distance(narrow, plain) > 1e-4  # FP8 did run


@pytest.mark.parametrize("rule", RULES)
def test_narrow_copies_follow_the_cache(rule: str) -> None:
    """Through rolling, sinks, recaching, resets, and passes that run plain in between."""
    sampler = sampler_of(rule)
    sampler.cache.keep_narrow()
    use_fast(sampler, narrow=True)
    show(sampler, recomputes=rule == "recomputed")
    latents = torch.randn(1, 6, 16, 4, 6, generator=torch.Generator().manual_seed(1))
    if rule == "sink":
        sampler.recompute(latents)  # masks, and so runs plain
    view, copies = sampler.cache.current, sampler.cache._narrow
    assert copies is not None
    k, _, v = view.buffers
    valid = slice(0, sampler.cache.state.cached * sampler.cache.shape.tokens_per_latent)
    fp8 = torch.float8_e4m3fn
    assert torch.equal(copies.k[:, :, valid].float(), k[:, :, valid].to(fp8).float())
    assert torch.equal(copies.v[..., valid].float(), v[:, :, valid].transpose(2, 3).to(fp8).float())


def test_narrow_attention_stays_within_its_guardrail() -> None:
    plain = show(sampler_of("rolling"), num_chunks=1)
    sampler = sampler_of("rolling")
    sampler.cache.keep_narrow()
    use_fast(sampler)
    narrow = show(sampler, num_chunks=1)
    assert torch.nn.functional.cosine_similarity(narrow.flatten(), plain.flatten(), 0) > 0.995
    assert distance(narrow, plain) > 1e-4  # it did run on the copies


def test_a_lora_is_taken_up_and_given_back(tmp_path) -> None:
    lora = read_lora(write_lora(tmp_path, "peft", tiny_lora(CONFIG)))
    plain_sampler, fast_sampler = sampler_of("rolling"), sampler_of("rolling")
    shows = []
    for sampler in (plain_sampler, fast_sampler):
        rack = LoraRack(sampler.model, [lora])
        if sampler is fast_sampler:
            use_fast(sampler)
        untouched = show(sampler)
        rack.set_amounts((0.8,))
        sampler.forget_rows()
        sampler.reset()
        with_lora = show(sampler)
        rack.set_amounts((0.0,))
        sampler.forget_rows()
        sampler.reset()
        shows.append((untouched, with_lora, show(sampler)))
    for plain, fast in zip(*shows, strict=True):
        assert distance(fast, plain) < 1e-5
    assert distance(shows[1][1], shows[1][0]) > 0.01
    assert torch.equal(shows[1][0], shows[1][2])


def test_a_pass_that_masks_runs_plain_and_is_counted() -> None:
    sampler = sampler_of("sink")
    fast = use_fast(sampler)
    sampler.set_text(text_of(1))
    latents = torch.randn(1, 6, 16, 4, 6, generator=torch.Generator().manual_seed(1))
    sampler.recompute(latents)
    assert fast.num_plain == 1
