"""The text encoder's weights come in every published layout, and wrong files change nothing."""

import json

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.worker.models.wan.text_weights import find_text_weights, load_text_weights
from tests.tiny_text import OFFICIAL, official_weights, tiny_umt5

CPU = torch.device("cpu")
PARTS = {
    "norm1.weight": "layer.0.layer_norm.weight",
    "attn.q.weight": "layer.0.SelfAttention.q.weight",
    "attn.k.weight": "layer.0.SelfAttention.k.weight",
    "attn.v.weight": "layer.0.SelfAttention.v.weight",
    "attn.o.weight": "layer.0.SelfAttention.o.weight",
    "pos_embedding.embedding.weight": "layer.0.SelfAttention.relative_attention_bias.weight",
    "norm2.weight": "layer.1.layer_norm.weight",
    "ffn.gate.0.weight": "layer.1.DenseReluDense.wi_0.weight",
    "ffn.fc1.weight": "layer.1.DenseReluDense.wi_1.weight",
    "ffn.fc2.weight": "layer.1.DenseReluDense.wo.weight",
}


def converted_name(official):
    """Return the name that a weight has in transformers' layout."""
    if official == "token_embedding.weight":
        return "shared.weight"
    if official == "norm.weight":
        return "encoder.final_layer_norm.weight"
    _, block, part = official.split(".", 2)
    return f"encoder.block.{block}.{PARTS[part]}"


def converted_weights():
    return {converted_name(name): tensor for name, tensor in official_weights().items()}


def write_pth(folder):
    torch.save(official_weights(), folder / f"{OFFICIAL}.pth")


def write_safetensors(folder):
    # The extra tensor is of a community file that carries its tokenizer along.
    extra = {"spiece_model": torch.zeros(3, dtype=torch.uint8)}
    save_file(official_weights() | extra, folder / f"{OFFICIAL}.safetensors")


def write_converted(folder):
    (folder / "text_encoder").mkdir()
    save_file(converted_weights(), folder / "text_encoder/model.safetensors")


def write_converted_with_both_embeddings(folder):
    (folder / "text_encoder").mkdir()
    weights = converted_weights()
    weights["encoder.embed_tokens.weight"] = weights["shared.weight"].clone()
    save_file(weights, folder / "text_encoder/model.safetensors")


def write_sharded(folder):
    (folder / "text_encoder").mkdir()
    places = {}
    for index, (name, tensor) in enumerate(converted_weights().items()):
        places.setdefault(f"model-{index % 3 + 1:05d}-of-00003.safetensors", {})[name] = tensor
    for file, weights in places.items():
        save_file(weights, folder / "text_encoder" / file)
    index = {"weight_map": {name: file for file, part in places.items() for name in part}}
    (folder / "text_encoder/model.safetensors.index.json").write_text(json.dumps(index))


LAYOUTS = (
    write_pth, write_safetensors, write_converted, write_converted_with_both_embeddings,
    write_sharded,
)  # fmt: skip


@pytest.mark.parametrize("write", LAYOUTS)
def test_every_layout_gives_the_same_weights(tmp_path, write):
    write(tmp_path)
    encoder = tiny_umt5(seed=99)
    load_text_weights(encoder, find_text_weights(tmp_path), CPU, torch.float32)
    loaded = encoder.state_dict()
    assert loaded.keys() == official_weights().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in official_weights().items())


def test_weights_take_the_type_that_was_asked_for(tmp_path):
    write_pth(tmp_path)
    encoder = tiny_umt5(seed=99)
    load_text_weights(encoder, find_text_weights(tmp_path), CPU, torch.bfloat16)
    assert {tensor.dtype for tensor in encoder.state_dict().values()} == {torch.bfloat16}


def test_a_folder_without_weights_is_refused_with_its_places(tmp_path):
    with pytest.raises(WeightsError, match=rf"{OFFICIAL}\.pth.*download"):
        find_text_weights(tmp_path)


# ---------------------------------------------------------------- refused


class Code:
    """Pickles as a call."""

    def __reduce__(self):
        return print, ("this must not run",)


def missing(folder):
    weights = official_weights()
    del weights["blocks.1.attn.q.weight"], weights["norm.weight"]
    torch.save(weights, folder / f"{OFFICIAL}.pth")
    return "2 missing (blocks.1.attn.q.weight, norm.weight)"


def unexpected(folder):
    torch.save(official_weights() | {"lm_head.weight": torch.zeros(2)}, folder / f"{OFFICIAL}.pth")
    return "1 unexpected (lm_head.weight)"


def misshapen(folder):
    save_file(
        official_weights() | {"norm.weight": torch.zeros(8)}, folder / f"{OFFICIAL}.safetensors"
    )
    return "1 misshapen (norm.weight is [8], expected [16])"


def another_model(folder):
    torch.save({f"layer{n}": torch.zeros(1) for n in range(5)}, folder / f"{OFFICIAL}.pth")
    return "5 unexpected (layer0, layer1, layer2, …)"


def code(folder):
    torch.save({"norm.weight": Code()}, folder / f"{OFFICIAL}.pth")
    return "holds more than tensors and was not opened"


def no_names(folder):
    torch.save([torch.zeros(1)], folder / f"{OFFICIAL}.pth")
    return "holds no weights by name"


def truncated_pth(folder):
    write_pth(folder)
    cut_in_half(folder / f"{OFFICIAL}.pth")
    return "is cut short, after"


def truncated_safetensors(folder):
    write_safetensors(folder)
    cut_in_half(folder / f"{OFFICIAL}.safetensors")
    return "is cut short: "


def empty(folder):
    (folder / f"{OFFICIAL}.pth").touch()
    return "is empty: its download never began"


def missing_shard(folder):
    write_sharded(folder)
    (folder / "text_encoder/model-00002-of-00003.safetensors").unlink()
    return "names 3 shards, of which 1 are missing (model-00002-of-00003.safetensors)"


def index_of_nothing(folder):
    (folder / "text_encoder").mkdir()
    (folder / "text_encoder/model.safetensors.index.json").write_text('{"metadata": 1}')
    return "is no index of shards"


def index_cut_off(folder):
    write_sharded(folder)
    cut_in_half(folder / "text_encoder/model.safetensors.index.json")
    return "is no index of shards"


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


REFUSED = (
    missing, unexpected, misshapen, another_model, code, no_names, truncated_pth,
    truncated_safetensors, empty, missing_shard, index_of_nothing, index_cut_off,
)  # fmt: skip


@pytest.mark.parametrize("write", REFUSED)
def test_a_wrong_file_is_named_and_changes_nothing(tmp_path, capsys, write):
    said = write(tmp_path)
    encoder = tiny_umt5(seed=99)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with pytest.raises(WeightsError) as refused:
        load_text_weights(encoder, find_text_weights(tmp_path), CPU, torch.float32)
    assert said in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    after = encoder.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert capsys.readouterr().out == ""
