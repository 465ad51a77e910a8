"""What may be written after `visuals:`."""

import pytest

from engine.errors import ConfigError
from engine.protocol.visuals import MAPS
from engine.visuals.addresses import Wish, listing, read_address, split_seed
from engine.visuals.controls import CONTROL_KINDS
from engine.worker.models.house.vocabulary import FAMILIES


@pytest.mark.parametrize("address", ["", "   ", "#3", " # 3 "])
def test_without_words_it_wanders(address):
    assert str(read_address(address)) == "wandering"


def test_the_maps_are_those_that_the_renderer_draws():
    assert tuple(CONTROL_KINDS) == MAPS


@pytest.mark.parametrize("name", MAPS)
def test_the_name_of_a_map_asks_for_it(name):
    assert read_address(f"  {name.upper()}  #2") == Wish(seed=2, map_name=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_a_picture(family):
    assert family in str(read_address(f"slow red {family}"))


def test_words_are_read_as_a_prompt_is():
    calm = read_address("a calm ocean #1")
    assert calm.prompt is not None
    assert calm.prompt.ids == read_address("ocean calm").prompt.ids
    assert "waves" in str(calm)


@pytest.mark.parametrize(
    ("address", "words", "seed"),
    [("dancer", "dancer", 0), ("dancer #7", "dancer ", 7), ("#12", "", 12), ("a # 5 ", "a ", 5)],
)
def test_a_number_behind_the_words_is_the_seed(address, words, seed):
    assert split_seed(address) == (words, seed)


@pytest.mark.parametrize("address", ["dancer #", "dancer #x", "dancer #-1", "#1#2", "#" + "9" * 19])
def test_what_is_no_seed_is_refused(address):
    with pytest.raises(ConfigError, match="whole number"):
        read_address(address)


@pytest.mark.parametrize(
    ("address", "lost"),
    [
        ("slow gurgl flames", "'gurgl' means nothing"),
        ("the", "'the' means nothing"),
        ("red gold blue teal flames", "no room for 'teal'"),
        ("flames waves", "no room for 'waves'"),
    ],
)
def test_words_that_would_be_lost_are_refused_in_one_sentence(address, lost):
    with pytest.raises(ConfigError, match=lost) as caught:
        read_address(address)
    assert "\n" not in str(caught.value)


def test_the_listing_counts_what_there_is():
    assert f"{len(FAMILIES)} pictures" in listing()
    assert f"{len(MAPS)} maps" in listing()
