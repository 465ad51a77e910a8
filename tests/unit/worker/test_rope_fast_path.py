"""The quick rotation equals the plain one to rounding."""

import pytest
import torch

from engine.worker.models.wan.rope import rope_table, rotate, rotate_pairs


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
