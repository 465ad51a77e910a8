"""Whole shows on a GPU: recorded fast passes against plain ones."""

from dataclasses import replace

import pytest
import torch

from engine.bench.random_model import filled
from engine.worker.kernels.attention import attention
from engine.worker.kernels.attention_backends import BACKENDS, AttentionShape, choose_attention
from engine.worker.kernels.has_triton import has_triton
from engine.worker.models.wan.cache_plan import KREA, LONGLIVE_ENDLESS, CacheRule, CacheWindow
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VaceConfig, VaceControl, VaceStack
from engine.worker.noise import NoiseKey, normal_noise
from engine.worker.schedule import steps_from_sigmas

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or not has_triton(), reason="needs an NVIDIA GPU and Triton"
    ),
]
PLACE = (torch.device("cuda", 0), torch.bfloat16)
CONFIG = TransformerConfig(
    dim=768, ffn_dim=2048, num_heads=6, num_layers=4, text_dim=96, text_len=40
)
RULES = {
    "rolling": (CacheRule(), CacheWindow(window_latents=6)),
    "sink": (LONGLIVE_ENDLESS, CacheWindow(window_latents=9, sink_latents=3)),
    "recomputed": (KREA, CacheWindow(window_latents=6)),
}
SIZE = (20, 28)
STEPS = steps_from_sigmas((1.0, 0.9, 0.7))


def sampler_of(rule, *, vace=False):
    with torch.device("meta"):
        model, stack = (
            CausalTransformer(CONFIG),
            VaceStack(CONFIG, VaceConfig(layers=(0, 2), in_dim=20)),
        )
    cache_rule, window = RULES[rule]
    config = RolloutConfig(rule=cache_rule, window=window, height=SIZE[0], width=SIZE[1])
    return ChunkSampler(
        filled(model, PLACE, seed=1, gain=1.0), config,
        filled(stack, PLACE, seed=2, gain=1.0) if vace else None,
    )  # fmt: skip


@torch.inference_mode()
def show(sampler, *, steers=False, num_chunks=10):
    chunks = []
    for chunk in range(num_chunks):
        if chunk in (0, 2):
            text = torch.randn(1, 9, 96, generator=torch.Generator().manual_seed(chunk)).cuda()
            sampler.set_text(text)
        if chunk == 7:
            sampler.reset()
        vace = None
        if steers and chunk != 1:
            context = normal_noise((1, 3, 20, *SIZE), NoiseKey(seed=2, chunk=chunk), PLACE[0])
            vace = VaceControl(context=context, scale=0.2 * chunk)
        latents = sampler.denoise_chunk(
            STEPS,
            lambda step, chunk=chunk: normal_noise(
                (1, 3, 16, *SIZE), NoiseKey(seed=5, chunk=chunk, step=step), PLACE[0]
            ),
            vace=vace,
        )
        sampler.commit(latents)
        plan = sampler.context_plan()
        if plan is not None:
            sampler.recompute(
                sampler.context_latents(plan, latents[:, :1] if plan.needs_anchor else None)
            )
        chunks.append(latents)
    return torch.stack(chunks).float()


def distances(found, expected):
    return [float((a - b).norm() / b.norm()) for a, b in zip(found, expected, strict=True)]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_a_show_stays_beside_its_plain_twin(rule, narrow):
    plain = show(sampler_of(rule))
    sampler = sampler_of(rule)
    if narrow:
        sampler.cache.keep_narrow()
    fast = FastPasses(sampler.plain, sampler.cache, sampler.text, attention, narrow=narrow)
    sampler.passes = fast
    found = show(sampler)
    apart = distances(found, plain)
    # bfloat16 against bfloat16 in another order; what differs is fed back chunk after chunk
    assert max(apart) < (0.12 if narrow else 0.03), apart
    recorded = fast.num_recorded
    again = show(sampler_reset(sampler))
    assert torch.equal(again, found), "a replay on recorded passes is not bit-identical"
    assert fast.num_recorded == recorded, "a second show recorded anew"


def sampler_reset(sampler):
    sampler.reset()
    return sampler


def test_vace_stays_beside_its_plain_twin():
    plain = show(sampler_of("rolling", vace=True), steers=True)
    sampler = sampler_of("rolling", vace=True)
    sampler.passes = FastPasses(sampler.plain, sampler.cache, sampler.text, attention, narrow=False)
    assert max(distances(show(sampler, steers=True), plain)) < 0.03


def test_attention_backends_agree_or_say_why_not():
    shape = AttentionShape(num_queries=840, num_keys=1680, num_heads=6, head_dim=128)
    choice = choose_attention(shape, *PLACE[::-1])
    assert choice.name in choice.ms
    assert set(choice.ms) | set(choice.refused) == set(BACKENDS)
    assert all(choice.refused.values())
    for name in choice.ms:
        assert choose_attention(replace(shape), *PLACE[::-1], name).name == name
