"""The quick rotation equals the plain one to rounding."""

import pytest
import torch

from engine.worker.models.wan.rope import rope_table, rotate, rotate_pairs
from engine.worker.models.wan.transformer import TransformerConfig

TINY = {"dim": 64, "ffn_dim": 64, "num_heads": 1, "num_layers": 1, "text_dim": 8, "text_len": 4}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("head_dim", [12, 32, 64])
def test_the_complex_rotation_equals_the_plain_one(dtype, head_dim):
    table = rope_table(head_dim, (0, 7, 1000), 4, 5, torch.device("cpu"))
    x = torch.randn(2, 60, 3, head_dim, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert torch.allclose(rotate(x, table), rotate_pairs(x, table), atol=1e-6)


def test_a_strided_input_is_rotated_too():
    table = rope_table(32, (1, 2), 2, 2, torch.device("cpu"))
    wide = torch.randn(1, 8, 2, 96, generator=torch.Generator().manual_seed(0))
    turned = (rotate(wide[..., 33:65], table), rotate_pairs(wide[..., 33:65], table))
    assert torch.allclose(*turned, atol=1e-6)


def test_a_picture_twice_as_fine_has_the_coarse_picture_s_angles_at_every_second_patch():
    cpu = torch.device("cpu")
    coarse, fine = rope_table(32, (1,), 4, 6, cpu), rope_table(32, (1,), 8, 12, cpu, 0.5)
    every_second = torch.unflatten(fine.cos, 0, (8, 12))[::2, ::2].flatten(0, 1)
    assert torch.equal(every_second, coarse.cos)


def test_a_patch_span_makes_every_size_of_picture_span_the_same_positions():
    config = TransformerConfig(**TINY, patch_span=16)
    assert config.spacing(16, 16) == 1.0
    assert config.spacing(32, 32) == 0.5
    assert config.spacing(11, 20) == 0.8
    assert TransformerConfig(**TINY).spacing(32, 32) == 1.0
