"""Checking models on the disk: one sentence for each thing that is wrong, no network."""

import numpy as np
import pytest
from safetensors.numpy import save

from engine.errors import ConfigError
from engine.model_store.catalogue import CATALOGUE, HOUSE
from engine.model_store.check import check_folder, check_model
from engine.model_store.store import Store, StoredFile
from tests.tiny_models import EXTRA, TINY, WEIGHTS


def silent(*_):
    pass


@pytest.fixture
def store(tmp_path):
    """A store with the tiny model in it, put there as a pull does."""
    store = Store(tmp_path / "models")
    partial = store.reopen(TINY)
    (partial / "more").mkdir()
    (partial / "tiny.safetensors").write_bytes(WEIGHTS)
    (partial / "more" / "extra.bin").write_bytes(EXTRA)
    extra = "sha256:" + __import__("hashlib").sha256(EXTRA).hexdigest()
    files = (
        StoredFile(
            path="tiny.safetensors", size_bytes=len(WEIGHTS), checksum="", repo="", commit=""
        ),
        StoredFile(
            path="more/extra.bin", size_bytes=len(EXTRA), checksum=extra, repo="", commit=""
        ),
    )
    store.finish(TINY, files)
    return store


def problems(store):
    return check_model(TINY, store, silent).problems


def test_a_whole_model_has_no_problems_and_tells_what_it_is(store):
    checked = check_model(TINY, store, silent)
    assert checked.problems == ()
    assert "tiny.safetensors: 1 tensors, 60,000 parameters, F32" in checked.facts
    assert any("checksum as published" in fact for fact in checked.facts)
    assert any("checksum as the hub gave it" in fact for fact in checked.facts)


def test_a_missing_file_is_told_with_the_command_that_brings_it(store):
    (store.folder(TINY) / "tiny.safetensors").unlink()
    assert problems(store) == ("tiny.safetensors is missing; run `segue models pull tiny`",)


def test_a_file_cut_short_is_told_with_both_sizes(store):
    (store.folder(TINY) / "more" / "extra.bin").write_bytes(EXTRA[:10])
    (sentence,) = problems(store)
    assert "more/extra.bin has 10 bytes, expected 100000; delete it" in sentence


@pytest.mark.parametrize(
    ("path", "data"), [("tiny.safetensors", WEIGHTS), ("more/extra.bin", EXTRA)]
)
def test_one_changed_byte_is_found(store, path, data):
    (store.folder(TINY) / path).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (sentence,) = problems(store)
    assert f"{path} has checksum" in sentence
    assert "delete it and run `segue models pull tiny`" in sentence


def test_weights_of_another_model_in_the_right_place_are_told(store, tmp_path):
    other = save({"model.head.weight": np.zeros((300, 100), np.float32)})
    (store.folder(TINY) / "tiny.safetensors").write_bytes(other + bytes(len(WEIGHTS) - len(other)))
    told = " ".join(problems(store))
    assert "has checksum" in told
    assert "is too long" in told


def test_a_folder_is_checked_as_the_model_whose_files_it_has(store, tmp_path):
    folder = tmp_path / "elsewhere"
    store.folder(TINY).rename(folder)
    (folder / "segue-model.json").unlink()
    checked = check_folder(folder, (TINY,), silent)
    assert checked.name == "tiny"
    assert checked.problems == ()
    assert "more/extra.bin: no checksum is known" in checked.facts


def test_another_model_is_known_by_a_tensor_that_it_lacks(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "extra.bin").write_bytes(EXTRA)
    mark = TINY.files[0].mark
    for tensors, told in (
        ({"model.tail.weight": np.zeros(60_000, np.float32)}, f"it has no {mark.name}"),
        ({"model.head.weight": np.zeros((60_000, 1), np.float32)}, "is [60000, 1], expected"),
    ):
        (tmp_path / "tiny.safetensors").write_bytes(save(tensors))
        assert told in " ".join(check_folder(tmp_path, (unsized(TINY),), silent).problems)


def unsized(model):
    """The model as if its size and checksum had not been published."""
    from dataclasses import replace

    files = tuple(replace(file, size_bytes=None, sha256=None) for file in model.files)
    return replace(model, files=files)


def test_any_folder_of_weights_is_checked_by_its_headers(tmp_path):
    (tmp_path / "good.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "cut.safetensors").write_bytes(WEIGHTS[:500])
    (tmp_path / "page.pth").write_bytes(b"<html>")
    checked = check_folder(tmp_path, CATALOGUE, silent)
    assert [sentence.split()[0] for sentence in checked.problems] == ["cut.safetensors", "page.pth"]
    assert checked.facts == ("good.safetensors: 1 tensors, 60,000 parameters, F32",)


def test_an_empty_folder_is_no_model(tmp_path):
    assert "has no weights" in check_folder(tmp_path, CATALOGUE, silent).problems[0]


def test_what_is_neither_model_nor_folder_is_told(tmp_path):
    with pytest.raises(ConfigError, match="is neither a model nor a folder"):
        check_folder(tmp_path / "nowhere", CATALOGUE, silent)


def test_the_house_model_is_whole(tmp_path):
    checked = check_model(HOUSE, Store(tmp_path), silent)
    assert checked.problems == ()
    assert len(checked.facts) == 3


def test_a_shard_that_an_index_names_and_that_is_missing_is_a_problem(tmp_path):
    (tmp_path / "m-1.safetensors").write_bytes(WEIGHTS)
    index = tmp_path / "m.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "m-1.safetensors", "b": "gone.safetensors"}}')
    (problem,) = check_folder(tmp_path, CATALOGUE, silent).problems
    assert problem.startswith("1 of the 2 shards that m.safetensors.index.json names are missing")
    index.write_text("<html>")
    (problem,) = check_folder(tmp_path, CATALOGUE, silent).problems
    assert problem == "m.safetensors.index.json is no index of shards; get the file again"


def test_a_web_page_in_a_folder_of_weights_is_named(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"<!doctype html><title>Gone</title>")
    (problem,) = check_folder(tmp_path, CATALOGUE, silent).problems
    assert problem.startswith("m.pt is a web page (“Gone”), not weights")
