"""A show on the fast path against the same show on plain layers."""

import pytest
import torch

from engine.worker.kernels.fused import plain_layers
from engine.worker.models.wan.cache_plan import CacheRule, Positions
from engine.worker.models.wan.transformer import TransformerConfig
from engine.worker.schedule import steps_from_sigmas
from tests.fast_layers import FLOAT32, TOLERANCE, TYPES
from tests.reference.tiny import noise_of, rel_l2, tiny_model, tiny_sampler

FOLDING = TransformerConfig(
    dim=48, ffn_dim=64, num_heads=2, num_layers=2, text_dim=8, text_len=4, freq_dim=16, in_dim=18
)
STEPS = steps_from_sigmas((1.0, 0.6))
CONTROL = torch.linspace(-1, 1, 2 * 2 * 24).view(1, 2, 2, 4, 6)


def text(seed):
    return torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(seed))


def show(dtype, texts):
    """Latents of one chunk per text, with control, and whether the last text was folded."""
    sampler = tiny_sampler(
        CacheRule(positions=Positions.WINDOW), 4, model=tiny_model(FOLDING).to(dtype)
    )
    chunks = []
    for index, seed in enumerate(texts):
        sampler.set_text(text(seed))
        latents = sampler.denoise_chunk(
            STEPS, lambda step, i=index: noise_of(10 * i + step), control=CONTROL
        )
        sampler.commit(latents, control=CONTROL)
        chunks.append(latents)
    return torch.cat(chunks, 1), sampler.text.kvs()[0].folded is not None


@TYPES
def test_soft_cuts_with_control_land_on_the_fast_path_as_on_the_plain_one(dtype):
    found, is_folded = show(dtype, [1, 2, 3])
    with plain_layers():
        expected, is_folded_plain = show(dtype, [1, 2, 3])
    assert is_folded
    assert not is_folded_plain
    # six passes one after the other, each through two blocks
    assert rel_l2(found, expected) < 5 * TOLERANCE[dtype]


@FLOAT32
def test_a_new_text_is_folded_anew():
    kept, changed = show(torch.float32, [1, 1]), show(torch.float32, [1, 2])
    assert rel_l2(changed[0][:, 2:], kept[0][:, 2:]) > 0.01


@TYPES
def test_the_same_show_gives_the_same_bits_again(dtype):
    assert torch.equal(show(dtype, [1, 2])[0], show(dtype, [1, 2])[0])


@FLOAT32
@pytest.mark.parametrize("is_fast_first", [True, False])
def test_layers_may_change_between_fast_and_plain_in_mid_show(is_fast_first):
    sampler = tiny_sampler(CacheRule(), 4, model=tiny_model(FOLDING))
    whole = show(torch.float32, [9, 9])[0]
    chunks = []
    for index in range(2):
        with plain_layers() if (index == 0) != is_fast_first else torch.no_grad():
            sampler.set_text(text(9))
            latents = sampler.denoise_chunk(
                STEPS, lambda step, i=index: noise_of(10 * i + step), control=CONTROL
            )
            sampler.commit(latents, control=CONTROL)
            chunks.append(latents)
    assert rel_l2(torch.cat(chunks, 1), whole) < 1e-5
