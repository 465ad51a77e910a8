"""The rows of what can be downloaded."""

import re

import pytest

from engine.errors import ConfigError
from engine.model_store.catalogue import CATALOGUE, find, with_needs

DOWNLOADED = [model for model in CATALOGUE if model.built_in is None]


def test_names_are_unique_and_name_a_folder():
    names = [model.name for model in CATALOGUE]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names)


def test_every_model_of_the_design_is_there():
    wanted = {"house", "self-forcing-1.3b", "longlive-1.3b", "krea-14b", "vace-1.3b", "vace-14b"}
    assert wanted <= {model.name for model in CATALOGUE}


@pytest.mark.parametrize("model", DOWNLOADED, ids=lambda model: model.name)
def test_a_row_says_everything_that_a_pull_needs(model):
    assert model.files
    assert model.total_bytes > 0
    assert model.gpu
    assert model.licence.link.startswith("https://")
    for file in model.files:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", file.repo)
        assert not file.path.startswith("/")
        assert re.fullmatch(r"main|[0-9a-f]{40}", file.revision)
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size_bytes is None or file.size_bytes > 0


def test_what_may_not_be_played_for_money_says_so_in_its_first_word():
    strict = {model.name for model in CATALOGUE if not model.licence.is_commercial}
    assert strict == {"krea-14b", "longlive-1.3b"}
    assert all(find(name).licence.statement.startswith("Non-commercial: ") for name in strict)


def test_what_a_model_needs_comes_before_it_once():
    names = [model.name for model in with_needs("krea-14b")]
    assert names == ["wan2.1-vae", "umt5-xxl", "krea-14b"]


def test_an_unknown_name_is_told_with_all_that_exist():
    with pytest.raises(ConfigError, match="'krea' does not exist; choose one of: house, self-"):
        find("krea")


def test_a_size_is_exact_only_when_every_file_has_one():
    assert find("umt5-xxl").total_bytes == 11_361_920_418 + 4_548_313
    assert find("umt5-xxl").is_size_exact
    assert not find("krea-14b").is_size_exact


def test_the_house_model_lies_in_the_program():
    assert list(find("house").built_in.glob("*.safetensors"))
