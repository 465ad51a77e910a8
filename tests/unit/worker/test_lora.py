"""LoRAs: every layout is read, merged and played LoRAs agree, and a wrong one is refused."""

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.worker.kernels.attention import attention
from engine.worker.kernels.fused import is_plain
from engine.worker.models.wan.checkpoints import load_transformer
from engine.worker.models.wan.lora import Merge, read_lora, read_merge
from engine.worker.models.wan.lora_rack import LoraLinear, LoraRack
from engine.worker.models.wan.transformer import CausalTransformer
from tests.published import (
    LORA_LAYOUTS,
    TINY_WAN,
    tiny_lora,
    tiny_wan_weights,
    write_lora,
    write_transformer,
)
from tests.reference.tiny import rel_l2, tiny_model

CPU = torch.device("cpu")
FLOAT_TOLERANCE = 2e-6  # order of float32 sums
BF16_TOLERANCE = 2e-2  # a merged weight is rounded once more than a played one, over two blocks


def base(tmp_path, dtype=torch.float32, adjust=None) -> CausalTransformer:
    path = write_transformer(tmp_path, "official", tiny_wan_weights())
    return load_transformer(TINY_WAN, path, (CPU, dtype), adjust=adjust)


def lora_of(tmp_path, seed=11, rank=4, **options):
    folder = tmp_path / f"lora {seed}"
    folder.mkdir()
    path = write_lora(folder, "peft", tiny_lora(rank=rank, seed=seed))
    return read_lora(path, **options)


def velocity(model) -> torch.Tensor:
    rng = torch.Generator().manual_seed(4)
    x, text = torch.randn(1, 2, 16, 4, 4, generator=rng), torch.randn(1, 3, 8, generator=rng)
    return model(x, torch.full((1, 2), 700.0), text).float()


@pytest.mark.parametrize("layout", LORA_LAYOUTS)
def test_every_layout_of_a_lora_is_read_bit_for_bit(tmp_path, layout):
    pairs = tiny_lora()
    lora = read_lora(write_lora(tmp_path, layout, pairs))
    assert lora.layers.keys() == pairs.keys()
    assert lora.ranks == (4,)
    for name, part in lora.layers.items():
        assert torch.equal(part.down, pairs[name][0])
        assert torch.equal(part.up, pairs[name][1])


@pytest.mark.parametrize(
    ("layout", "given", "scale"),
    [
        ("comfy", None, 2.0), ("peft folder", None, 2.0), ("peft", None, 1.0), ("peft", 12.0, 3.0),
        ("longlive", 4.0, 1.0),
    ],
)  # fmt: skip
def test_alpha_comes_from_the_file_or_from_beside_it_or_is_the_rank(tmp_path, layout, given, scale):
    lora = read_lora(write_lora(tmp_path, layout, tiny_lora(), alpha=8.0), given)
    assert {part.scale for part in lora.layers.values()} == {scale}


def test_merging_adds_the_product_in_float32_before_the_weight_gets_its_type(tmp_path):
    lora, stored = lora_of(tmp_path, alpha=6.0), tiny_wan_weights()
    merged = base(tmp_path, torch.bfloat16, Merge(lora, CPU)).state_dict()
    for name, part in lora.layers.items():
        exact = stored[f"{name}.weight"] + 1.5 * (part.up @ part.down)
        assert torch.equal(merged[f"{name}.weight"], exact.bfloat16())
    untouched = merged.keys() - {f"{name}.weight" for name in lora.layers}
    assert all(torch.equal(merged[name], stored[name].bfloat16()) for name in untouched)


@pytest.mark.parametrize("amount", [0.3, 1.0, 2.0])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float32, FLOAT_TOLERANCE), (torch.bfloat16, BF16_TOLERANCE)],
    ids=["float32", "bfloat16"],
)
def test_a_merged_and_a_played_lora_agree(tmp_path, amount, dtype, tolerance):
    lora = lora_of(tmp_path)
    merged, played = base(tmp_path, dtype, Merge(lora, CPU, amount)), base(tmp_path, dtype)
    plain = velocity(played)
    LoraRack(played, [lora]).set_amounts([amount])
    assert rel_l2(velocity(played), velocity(merged)) < tolerance
    assert rel_l2(plain, velocity(merged)) > 2 * BF16_TOLERANCE


def test_a_played_lora_is_not_passed_by_where_layers_are_fused(tmp_path):
    lora, played, merged = lora_of(tmp_path), base(tmp_path), base(tmp_path)
    merged.load_state_dict({
        key: Merge(lora, CPU)(key, value) for key, value in merged.state_dict().items()
    })  # fmt: skip
    LoraRack(played, [lora]).set_amounts([1.0])
    text = torch.randn(1, 2, 24, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():  # few rows and no gradients: this is what lets the text be folded
        tokens, e6 = torch.randn(1, 8, 24), torch.randn(1, 1, 6, 24)
        found, expected = (
            model.run_blocks(
                tokens, e6, model.text_kvs(text), lambda _layer, q, k, v: attention(q, k, v)
            )
            for model in (played, merged)
        )
    assert rel_l2(found, expected) < FLOAT_TOLERANCE
    assert is_plain(merged.blocks[0].ffn[0])
    assert not is_plain(played.blocks[0].ffn[0])


def test_two_played_loras_add_up(tmp_path):
    first, second = lora_of(tmp_path), lora_of(tmp_path, seed=12, rank=2)
    both = base(tmp_path)
    LoraRack(both, [first, second]).set_amounts([0.5, 1.5])
    one, two = Merge(first, CPU, 0.5), Merge(second, CPU, 1.5)
    merged = base(tmp_path, adjust=lambda name, weight: two(name, one(name, weight)))
    assert rel_l2(velocity(both), velocity(merged)) < FLOAT_TOLERANCE


def test_a_rack_at_rest_changes_no_bit(tmp_path):
    model = base(tmp_path)
    plain = velocity(model)
    rack = LoraRack(model, [lora_of(tmp_path)])
    assert torch.equal(velocity(model), plain)
    rack.set_amounts([1.0])
    rack.set_amounts([])
    assert torch.equal(velocity(model), plain)
    assert not any(m.active for m in model.modules() if isinstance(m, LoraLinear))


def test_a_rack_keeps_the_names_of_the_weights(tmp_path):
    model = base(tmp_path)
    names = list(model.state_dict())
    LoraRack(model, [lora_of(tmp_path)])
    assert list(model.state_dict()) == names


def test_setting_amounts_says_whether_anything_changed(tmp_path):
    rack = LoraRack(base(tmp_path), [lora_of(tmp_path)])
    told = [rack.set_amounts(amounts) for amounts in ([0.0], [0.4], [0.4, 9.0], [0.4], [0.0])]
    assert told == [False, True, False, False, True]


def refusal(read) -> str:
    with pytest.raises(WeightsError) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_lora_for_layers_that_are_not_there_is_refused(tmp_path):
    path = write_lora(
        tmp_path, "peft", {"blocks.7.ffn.0": (torch.zeros(2, 24), torch.zeros(40, 2))}
    )
    words = refusal(lambda: read_merge(path, tiny_model(TINY_WAN), CPU))
    assert "1 unknown (blocks.7.ffn.0)" in words


def test_a_lora_for_another_width_is_refused_and_the_model_is_as_it_was(tmp_path):
    pairs = {"blocks.0.ffn.0": (torch.zeros(2, 48), torch.zeros(80, 2))}
    lora, model = read_lora(write_lora(tmp_path, "peft", pairs)), base(tmp_path)
    words = refusal(lambda: LoraRack(model, [lora]))
    assert "1 misshapen (blocks.0.ffn.0 is [80, 48], expected [40, 24])" in words
    assert not any(isinstance(module, LoraLinear) for module in model.modules())


def test_ranks_that_do_not_meet_are_refused(tmp_path):
    pairs = {"blocks.0.ffn.0": (torch.zeros(2, 24), torch.zeros(40, 3))}
    words = refusal(lambda: read_lora(write_lora(tmp_path, "peft", pairs)))
    assert "blocks.0.ffn.0 has A [2, 24] and B [40, 3]" in words


def test_half_a_pair_is_refused(tmp_path):
    save_file(
        {"blocks.0.ffn.0.lora_A.weight": torch.zeros(2, 24)}, path := tmp_path / "h.safetensors"
    )
    assert "blocks.0.ffn.0 has no B" in refusal(lambda: read_lora(path))


def test_a_model_in_place_of_a_lora_is_called_one(tmp_path):
    path = write_transformer(tmp_path, "official", tiny_wan_weights())
    words = refusal(lambda: read_lora(path))
    assert "entries that are no pairs of a LoRA" in words
    assert "looks like a transformer of 24 channels" in words
