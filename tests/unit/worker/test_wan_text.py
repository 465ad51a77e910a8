"""A checkpoint folder becomes a text encoder, wherever its weights live."""

import pytest
import torch

from engine.errors import WeightsError
from engine.protocol.values import WeightedPrompt
from engine.worker.device import Compute
from engine.worker.models.wan.tokenizer import PromptTokenizer
from engine.worker.models.wan.wan_text import Offload, WanTextEncoder, load_wan_text
from engine.worker.wan_prompts import load_wan_prompts
from tests.tiny_text import (
    SENTENCES,
    SPIECE,
    TINY_UMT5,
    official_weights,
    spiece_bytes,
    tiny_umt5,
    write_checkpoint,
)

CPU = torch.device("cpu")


def loaded(folder, offload=Offload.BLOCKS, dtype=torch.float32):
    return load_wan_text(folder, CPU, offload, config=TINY_UMT5, dtype=dtype)


@pytest.mark.parametrize("prompt", ["", "fire", SENTENCES[1]])
def test_wherever_the_weights_live_the_rows_are_those_of_the_whole_encoder(tmp_path, prompt):
    folder = write_checkpoint(tmp_path)
    ids = torch.tensor([PromptTokenizer(spiece_bytes()).read(prompt).ids])
    expected = tiny_umt5()(ids)[0]
    for offload in Offload:
        rows, parsed = loaded(folder, offload).encode(prompt)
        assert torch.equal(rows, expected), offload
        assert parsed.ids == tuple(ids[0].tolist())


def test_rows_are_as_many_as_tokens_so_that_nothing_is_padding(tmp_path):
    rows, parsed = loaded(write_checkpoint(tmp_path)).encode("fire")
    assert rows.shape == (len(parsed.ids), TINY_UMT5.dim)
    assert (rows.abs().sum(-1) > 0).all()


def test_encoding_leaves_the_weights_as_they_are(tmp_path):
    text = loaded(write_checkpoint(tmp_path))
    first, _ = text.encode("a cat")
    text.encode("neon rain")
    again, _ = text.encode("a cat")
    assert torch.equal(first, again)
    kept = text._encoder.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in official_weights().items())


def test_words_beyond_the_last_token_are_told_as_left_out():
    tokenizer = PromptTokenizer(spiece_bytes(), max_tokens=6)
    text = WanTextEncoder(tokenizer, tiny_umt5(), CPU, Offload.CPU)
    read = text.read("fire fire fire fire fire night")
    assert read.left_out
    assert read.left_out[-1] == "night"
    assert read.ignored == read.left_out
    assert "fire" in dict(read.understood)


def test_a_tokenizer_of_another_checkpoint_is_refused():
    small = tiny_umt5()
    small.config = type(TINY_UMT5)(vocab=8)
    with pytest.raises(WeightsError, match="different checkpoints"):
        WanTextEncoder(PromptTokenizer(spiece_bytes()), small, CPU)


def test_a_folder_without_a_tokenizer_is_refused_before_weights_are_read(tmp_path):
    (write_checkpoint(tmp_path) / SPIECE).unlink()
    with pytest.raises(WeightsError, match="tokenizer"):
        loaded(tmp_path)


def test_a_checkpoint_folder_becomes_the_prompt_book_of_a_show(tmp_path):
    folder = write_checkpoint(tmp_path)
    book = load_wan_prompts(folder, Compute(CPU, torch.float32), config=TINY_UMT5)
    assert book.prepare("a cat").understood == ("a", "cat")
    rows, late = book.wait_mixed((WeightedPrompt(text="a cat", weight=1.0),))
    alone, _ = loaded(folder, dtype=torch.bfloat16).encode("a cat")
    assert late == ()
    assert torch.equal(rows, alone.float()[None])
