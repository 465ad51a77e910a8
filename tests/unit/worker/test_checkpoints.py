"""Published checkpoints: every layout is read bit for bit, and a wrong file is refused in words."""

import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.worker.models.spec import WAN_1_3B, WAN_14B
from engine.worker.models.wan.checkpoints import load_tae, load_transformer, load_vace, load_wan_vae
from engine.worker.models.wan.known_weights import looks_like
from engine.worker.models.wan.tae import TAE, TAEW2_1
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.umt5 import UMT5_XXL, UMT5Encoder
from engine.worker.models.wan.vace import VACE_1_3B, VACE_14B, VaceConfig, VaceStack
from engine.worker.models.wan.vae import WAN_VAE, WanVAE
from engine.worker.models.wan.weights import Layout, Weights, move_into
from tests.published import (
    TINY_ROW_WAN,
    TINY_VACE,
    TINY_VAE,
    TINY_WAN,
    TRANSFORMER_LAYOUTS,
    diffusers_transformer,
    diffusers_vae,
    prefixed,
    tiny_vace_weights,
    tiny_vae_weights,
    tiny_wan_weights,
    weights_of,
    write_shards,
    write_transformer,
)
from tests.reference.tiny import randomise

CPU = (torch.device("cpu"), torch.float32)
BF16 = (torch.device("cpu"), torch.bfloat16)


def same(module, weights, dtype=torch.float32) -> bool:
    found = module.state_dict()
    return found.keys() == weights.keys() and all(
        found[key].dtype == dtype and torch.equal(found[key], weights[key].to(dtype))
        for key in weights
    )


@pytest.mark.parametrize("layout", TRANSFORMER_LAYOUTS)
def test_every_layout_of_a_transformer_is_read_bit_for_bit(tmp_path, layout):
    weights = tiny_wan_weights()
    assert same(
        load_transformer(TINY_WAN, write_transformer(tmp_path, layout, weights), CPU), weights
    )


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_are_converted_to_the_type_that_runs(tmp_path, stored):
    weights = tiny_wan_weights(dtype=stored)
    path = write_transformer(tmp_path, "official", weights)
    assert same(load_transformer(TINY_WAN, path, BF16), weights, torch.bfloat16)


def test_a_loaded_model_is_frozen_and_outlives_its_file(tmp_path):
    weights = tiny_wan_weights()
    path = write_transformer(tmp_path, "official", weights)
    model = load_transformer(TINY_WAN, path, CPU)
    path.write_bytes(bytes(path.stat().st_size))  # in place: a mapped weight would now be zero
    assert same(model, weights)
    assert not any(p.requires_grad for p in model.parameters())
    assert not model.training


@pytest.mark.parametrize("is_diffusers", [False, True], ids=["official", "diffusers"])
def test_the_autoencoder_of_wan_is_read_bit_for_bit_and_runs(tmp_path, is_diffusers):
    weights = tiny_vae_weights()
    stored = diffusers_vae(weights) if is_diffusers else weights
    if is_diffusers:
        save_file(stored, path := tmp_path / "vae.safetensors")
    else:
        torch.save(stored, path := tmp_path / "Wan2.1_VAE.pth")
    vae = load_wan_vae(path, CPU, TINY_VAE)
    assert same(vae, weights)
    assert vae.decode(torch.zeros(1, 2, 16, 2, 2))[0].shape == (1, 5, 3, 16, 16)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_the_tiny_autoencoder_is_read_bit_for_bit_and_runs(tmp_path, suffix):
    tae = TAE(TAEW2_1)
    randomise(tae, 3)
    weights = {key: value.contiguous() for key, value in weights_of(tae).items()}
    path = tmp_path / f"taew2_1.{suffix}"
    save_file(weights, path) if suffix == "safetensors" else torch.save(weights, path)
    loaded = load_tae(path, CPU, TAEW2_1)
    assert same(loaded, weights)
    latents = torch.randn(1, 1, 16, 2, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded.decode(latents)[0], tae.decode(latents)[0])


def test_a_splitting_layer_with_more_frames_than_needed_keeps_its_last(tmp_path):
    weights = weights_of(TAE(TAEW2_1))
    wide = torch.arange(512 * 256.0).reshape(512, 256, 1, 1)  # published for twice the frames
    torch.save(weights | {"decoder.7.conv.weight": wide}, path := tmp_path / "taew2_1.pth")
    loaded = load_tae(path, CPU, TAEW2_1)
    assert torch.equal(loaded.state_dict()["decoder.7.conv.weight"], wide[-256:])


def refusal(path: Path, config: TransformerConfig = TINY_WAN) -> str:
    with pytest.raises(WeightsError) as caught:
        load_transformer(config, path, CPU, what="transformer of a test")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_refusal_counts_what_is_missing_unexpected_and_misshapen(tmp_path):
    weights = tiny_wan_weights()
    del weights["head.modulation"], weights["blocks.1.norm3.bias"]
    weights["extra.weight"] = torch.zeros(1)
    weights["patch_embedding.bias"] = torch.zeros(7)
    words = refusal(write_transformer(tmp_path, "official", weights))
    assert "2 missing (blocks.1.norm3.bias, head.modulation)" in words
    assert "1 unexpected (extra.weight)" in words
    assert "1 misshapen (patch_embedding.bias is [7], expected [24])" in words


def test_a_long_list_of_differences_is_cut(tmp_path):
    weights = tiny_wan_weights()
    kept = {key: value for key, value in weights.items() if not key.startswith("blocks.")}
    words = refusal(write_transformer(tmp_path, "official", kept))
    assert re.search(r"54 missing \([^,]+, [^,]+, [^,]+, …\)", words)


def test_a_missing_file_and_a_missing_shard_are_named(tmp_path):
    assert "nowhere.safetensors is missing" in refusal(tmp_path / "nowhere.safetensors")
    index = write_shards(tmp_path, tiny_wan_weights())
    (tmp_path / "diffusion_pytorch_model-00002-of-00003.safetensors").unlink()
    assert "3 shards, of which 1 are missing (diffusion_pytorch_model-00002" in refusal(index)


@pytest.mark.parametrize("layout", ["official", "bare pickle"])
def test_a_truncated_file_is_refused(tmp_path, layout):
    path = write_transformer(tmp_path, layout, tiny_wan_weights())
    path.write_bytes(path.read_bytes()[:-1000])
    assert "is cut short" in refusal(path)


def test_a_broken_index_is_refused(tmp_path):
    index = tmp_path / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text('{"weight_map": 3}', "utf-8")
    assert "no index of shards" in refusal(index)


class Harmful:
    """Runs code when a careless reader opens it."""

    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def test_a_pickle_with_code_is_refused_and_the_code_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"generator": Harmful()}, path := tmp_path / "bad.pt")
    assert "holds more than tensors" in refusal(path)
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    assert "holds more than tensors" in refusal(tmp_path / "old.pt")
    assert not (tmp_path / "harm").exists()


def test_a_pickle_without_weights_is_refused_with_what_it_holds(tmp_path):
    torch.save({"step": 3, "loss": 0.5}, path := tmp_path / "log.pt")
    assert "holds no weights by name but 2 entries (step, loss)" in refusal(path)
    torch.save([torch.zeros(2)], path)
    assert "holds no weights by name" in refusal(path)


def test_two_names_of_one_weight_are_refused(tmp_path):
    weights = tiny_wan_weights()
    both = weights | {"model.head.modulation": weights["head.modulation"].clone()}
    assert "head.modulation twice" in refusal(write_transformer(tmp_path, "official", both))


def test_a_refusal_leaves_the_module_as_it_was():
    model = CausalTransformer(TINY_WAN)
    before = weights_of(model)
    with pytest.raises(WeightsError):
        move_into(model, Weights(Path("x"), {"a": torch.zeros(1)}), Layout(what="test"), CPU)
    assert same(model, before)


def on_meta(build):
    with torch.device("meta"):
        return build().state_dict()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CausalTransformer(WAN_1_3B), "the transformer of Wan 2.1 1.3B"),
        (lambda: CausalTransformer(WAN_14B), "the transformer of Wan 2.1 14B"),
        (lambda: WanVAE(WAN_VAE), "the autoencoder of Wan 2.1"),
        (lambda: TAE(TAEW2_1), "the tiny autoencoder taew2_1"),
        (lambda: UMT5Encoder(UMT5_XXL), "a text encoder of 256384 tokens and 4096 channels"),
        (lambda: CausalTransformer(TINY_WAN), "24 channels, 2 blocks and 16 inputs"),
        (lambda: torch.nn.Linear(3, 3), "no model that Segue knows"),
    ],
    ids=["1.3B", "14B", "vae", "tae", "umt5", "unknown sizes", "nothing"],
)
def test_a_wrong_file_is_said_to_look_like_what_it_is(build, words):
    weights = on_meta(build)
    assert words in looks_like(weights)
    assert words in looks_like(prefixed(weights, "model."))


def test_the_files_of_the_house_model_are_known_too():
    from engine.worker.models.house.house import WEIGHTS_DIR
    from engine.worker.models.wan.weight_files import map_weights

    found = [
        looks_like(map_weights(WEIGHTS_DIR / f"{name}.safetensors", "test"))
        for name in ("transformer", "codec", "captions")
    ]
    assert found == [
        "the transformer of the house model", "the autoencoder of the house model",
        "the captions of the house model",
    ]  # fmt: skip


def test_a_lora_in_place_of_a_model_is_called_one(tmp_path):
    name = "base_model.model.blocks.0.ffn.0.lora_A.weight"
    torch.save({"generator_lora": {name: torch.zeros(16, 24)}}, path := tmp_path / "lora.pt")
    assert "looks like a LoRA of rank 16" in refusal(path)


@pytest.mark.parametrize(
    ("config", "vace", "entries", "parameters"),
    [(WAN_1_3B, VACE_1_3B, 1264, 2_153_972_032), (WAN_14B, VACE_14B, 1331, 17_337_592_896)],
    ids=["1.3B", "14B"],
)
def test_with_a_vace_stack_the_published_counts_are_met_too(config, vace, entries, parameters):
    weights = on_meta(lambda: CausalTransformer(config)) | on_meta(lambda: VaceStack(config, vace))
    assert len(weights) == entries
    assert sum(tensor.numel() for tensor in weights.values()) == parameters
    assert looks_like(weights).endswith(f"{'1.3B' if config is WAN_1_3B else '14B'} with VACE")


@pytest.mark.parametrize("layout", ["module", "whole", "diffusers"])
def test_a_vace_stack_is_read_alone_or_out_of_a_whole_checkpoint(tmp_path, layout):
    stack = tiny_vace_weights()
    whole = stack | tiny_wan_weights(TINY_ROW_WAN)
    stored = {"module": stack, "whole": whole, "diffusers": diffusers_transformer(whole)}[layout]
    save_file(stored, path := tmp_path / "vace.safetensors")
    assert same(load_vace(TINY_ROW_WAN, TINY_VACE, path, CPU), stack)


def test_a_file_without_a_vace_stack_is_refused_by_what_it_is(tmp_path):
    path = write_transformer(tmp_path, "official", tiny_wan_weights())
    with pytest.raises(WeightsError, match="looks like a transformer of 24 channels"):
        load_vace(TINY_ROW_WAN, TINY_VACE, path, CPU)


def test_a_vace_module_of_another_size_is_called_one(tmp_path):
    save_file(tiny_vace_weights(), path := tmp_path / "vace.safetensors")
    with pytest.raises(WeightsError, match="a VACE module alone, of 24 channels and 2 blocks"):
        load_vace(TINY_ROW_WAN, VaceConfig(layers=(0,)), path, CPU)


@pytest.mark.parametrize(
    ("config", "entries", "parameters"),
    [(WAN_1_3B, 825, 1_418_996_800), (WAN_14B, 1095, 14_288_491_584)],
    ids=["1.3B", "14B"],
)
def test_the_published_sizes_have_the_published_counts(config, entries, parameters):
    weights = on_meta(lambda: CausalTransformer(config))
    assert len(weights) == entries
    assert sum(tensor.numel() for tensor in weights.values()) == parameters


def anonymous_bytes() -> int:
    """Memory of this process that no file stands behind."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of it")
@pytest.mark.parametrize("layout", ["official", "bare pickle"])
def test_loading_needs_no_more_memory_than_the_weights_and_a_tensor(tmp_path, layout):
    config = TransformerConfig(
        dim=512, ffn_dim=4096, num_heads=4, num_layers=4, text_dim=512, text_len=4
    )
    path = write_transformer(tmp_path, layout, tiny_wan_weights(config))
    moved, largest, peaks = 0, 0, []
    before = anonymous_bytes()

    def watch(_name, tensor):
        nonlocal moved, largest
        peaks.append(anonymous_bytes() - before - moved)
        moved += tensor.numel() * 2
        largest = max(largest, tensor.nbytes)
        return tensor

    load_transformer(config, path, BF16, adjust=watch)
    assert moved > 50e6
    assert max(peaks) < 2 * largest + 4e6
