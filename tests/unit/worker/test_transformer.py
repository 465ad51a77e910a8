"""The transformer's parts, beyond what the golden tensors already compare."""

import dataclasses

import pytest
import torch

from engine.worker.kernels.attention import attention, attention_per_head, attention_reference
from engine.worker.models.wan.rope import Grid, rope_table, rotate
from engine.worker.models.wan.transformer import (
    CausalTransformer,
    TransformerConfig,
    timestep_sinusoid,
)
from tests.reference import wan_reference
from tests.reference.tiny import TINY, noise_of, rel_l2, sizes_of, tiny_model, weights_of

CPU = torch.device("cpu")


def test_parameter_names_are_the_official_keys():
    keys = set(CausalTransformer(TINY).state_dict())
    linears = ["q", "k", "v", "o"]
    block = {"modulation", "norm3.weight", "norm3.bias"}
    block |= {f"ffn.{i}.{p}" for i in (0, 2) for p in ("weight", "bias")}
    for attn in ("self_attn", "cross_attn"):
        block |= {f"{attn}.{name}.{p}" for name in linears for p in ("weight", "bias")}
        block |= {f"{attn}.norm_q.weight", f"{attn}.norm_k.weight"}
    assert {key.removeprefix("blocks.1.") for key in keys if key.startswith("blocks.1.")} == block
    assert {key for key in keys if not key.startswith("blocks.")} == {
        "head.modulation",
        *(f"{name}.{p}" for p in ("weight", "bias") for name in (
            "patch_embedding", "text_embedding.0", "text_embedding.2", "time_embedding.0",
            "time_embedding.2", "time_projection.1", "head.head",
        )),
    }  # fmt: skip


def test_published_sizes_have_the_published_number_of_parameters():
    with torch.device("meta"):
        model = CausalTransformer(
            TransformerConfig(
                dim=1536, ffn_dim=8960, num_heads=12, num_layers=1, text_dim=4096, text_len=512
            )
        )
    total = sum(parameter.numel() for parameter in model.parameters())
    block = sum(parameter.numel() for parameter in model.block(0).parameters())
    # Source: Wan 2.1 T2V-1.3B with its 30 blocks.
    assert (block, total + 29 * block) == (46_440_704, 1_418_996_800)
    assert len(model.state_dict()) + 29 * len(model.block(0).state_dict()) == 825


def test_each_latent_frame_follows_its_own_timestep():
    model = tiny_model()
    e, e6 = model.embed_time(torch.tensor([[900.0, 10.0]]))
    alone, alone6 = model.embed_time(torch.tensor([[10.0]]))
    assert torch.allclose(e[:, 1:], alone, atol=1e-6)
    assert torch.allclose(e6[:, 1:], alone6, atol=1e-6)
    assert not torch.allclose(e[:, :1], alone, atol=1e-2)


def test_one_timestep_row_equals_the_same_row_for_every_frame():
    model, x, text = tiny_model(), noise_of(1, frames=3), torch.randn(1, 3, 8)
    shared = model(x, torch.tensor([[640.0]]), text)
    spelled_out = model(x, torch.full((1, 3), 640.0), text)
    assert rel_l2(shared, spelled_out) < 1e-6


def test_control_channels_beside_the_latents_equal_the_plain_reference():
    config = dataclasses.replace(TINY, in_dim=19)
    model, x, text = tiny_model(config), torch.randn(1, 2, 19, 4, 6), torch.randn(1, 4, 8)
    sees = [(0, frame, frame) for frame in range(2)]
    copy = wan_reference.Copy(x[0].double(), 500.0, text[0].double(), sees, [0, 1])
    kernel = weights_of(model)
    expected = wan_reference.flows(kernel, sizes_of(config), [copy])[0]
    assert rel_l2(model(x, torch.tensor([[500.0]]), text)[0], expected) < 1e-5


def test_missing_text_rows_are_zero_rows_and_too_many_are_refused():
    model, text = tiny_model(), torch.randn(1, 2, 8)
    padded = torch.cat([text, torch.zeros(1, 2, 8)], 1)
    assert torch.equal(model.embed_text(text), model.embed_text(padded))
    with pytest.raises(ValueError, match="5 rows, at most 4"):
        model.embed_text(torch.randn(1, 5, 8))


def test_sizes_that_cannot_be_built_are_refused():
    with pytest.raises(ValueError, match="head size"):
        dataclasses.replace(TINY, num_heads=5)
    with pytest.raises(ValueError, match="divisible by 16"):
        tiny_model().grid(1, 5, 6)


def test_patches_and_their_inverse_keep_every_value_in_place():
    model = tiny_model()
    x = torch.arange(2 * 16 * 4 * 6).float().reshape(1, 2, 16, 4, 6)
    grid = Grid(2, 2, 3)
    by_patch = x.reshape(1, 2, 16, 2, 2, 3, 2).permute(0, 1, 3, 5, 4, 6, 2).reshape(1, 12, 64)
    assert torch.equal(model.unpatchify(by_patch, grid), x)


def test_training_weights_start_with_a_silent_head():
    model = CausalTransformer(TINY)
    model.init_weights()
    with torch.no_grad():
        flow = model(noise_of(1), torch.tensor([[500.0]]), torch.randn(1, 3, 8))
    assert not flow.any()


def test_gradients_reach_every_parameter():
    model = CausalTransformer(TINY)
    model(noise_of(1), torch.tensor([[500.0]]), torch.randn(1, 3, 8)).square().mean().backward()
    silent = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert not silent


def test_rotation_is_multiplication_by_unit_complex_numbers():
    x = torch.randn(1, 12, 2, 12)
    table = rope_table(12, (7, 900), 2, 3, CPU)
    expected = torch.cat(
        [
            wan_reference.rotate(x[0, :6].double(), 7, 3),
            wan_reference.rotate(x[0, 6:].double(), 900, 3),
        ]
    )
    assert rel_l2(rotate(x, table)[0], expected) < 1e-6


def test_a_table_made_in_inference_mode_still_serves_training():
    rope_table.cache_clear()
    with torch.inference_mode():
        table = rope_table(12, (3,), 1, 2, CPU)
    x = torch.randn(1, 2, 1, 12, requires_grad=True)
    rotate(x, table).sum().backward()
    assert x.grad is not None


def test_timestep_features_put_cosines_first():
    features = timestep_sinusoid(torch.tensor(0.0), 8)
    assert features.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_its_plain_twin(masked):
    q, k, v = torch.randn(2, 6, 3, 8), torch.randn(2, 9, 3, 8), torch.randn(2, 9, 3, 8)
    mask = torch.tril(torch.ones(6, 9, dtype=torch.bool), 3) if masked else None
    assert rel_l2(attention(q, k, v, mask), attention_reference(q, k, v, mask)) < 1e-6


def test_attention_per_head_equals_its_plain_twin_to_bfloat16_rounding():
    q, k, v = (torch.randn(1, n, 2, 16).bfloat16() for n in (70, 90, 90))
    # one bfloat16 rounding of scores, weights and sums each: 2^-9 relative, times a few
    assert rel_l2(attention_per_head(q, k, v), attention_reference(q, k, v)) < 0.01
    assert torch.equal(attention(q, k, v), attention_per_head(q, k, v))


def test_the_block_is_one_graph_without_breaks():
    torch._dynamo.reset()
    model = tiny_model()
    _, e6 = model.embed_time(torch.tensor([[500.0]]))
    text = model.text_kvs(model.embed_text(torch.randn(1, 3, 8)))[0]
    x, block = torch.randn(1, 12, 24), model.block(0)

    def whole(x, e6):
        m = block.modulate(e6)
        q, k, v = block.self_qkv(x, m)
        return block.finish(x, attention(q, k, v), m, text)

    traced = torch.compile(whole, backend="eager", fullgraph=True)(x, e6)
    assert torch.equal(traced, whole(x, e6))
