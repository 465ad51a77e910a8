"""Paths of HTTP and options of the command line become addresses and places."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.host.remote.endpoint import Endpoint, beside, endpoint_of
from engine.host.remote.facts import HELP
from engine.host.remote.options import add_remote_options, remote_config
from engine.host.remote.paths import argument, phrase
from engine.host.remote.phrases import ASK, PRESSES
from engine.host.remote.preview_phrases import PREVIEW_PRESSES
from engine.protocol.parameters import PARAMETERS


@pytest.mark.parametrize(
    ("path", "body", "meant"),
    [
        ("dimmer/0.5", "", ("/dimmer", (0.5,))),
        ("dimmer", "0.5", ("/dimmer", (0.5,))),
        ("dimmer", "", ("/dimmer", (ASK,))),
        ("steps/norm/1", "", ("/steps/norm", (1,))),
        ("steps/step/-1", "", ("/steps/step", (-1,))),
        ("steps/queued", "", ("/steps/queued", (ASK,))),
        ("control_kind/edges", "", ("/control_kind", ("edges",))),
        ("go", "", ("/go", ())),
        ("cut/soft/8", "", ("/cut/soft/8", ())),
        ("preset/3", "", ("/preset/3", ())),
        ("preset/3/soft/2", "", ("/preset/3/soft/2", ())),
        ("preset/Deep Water", "", ("/preset", ("Deep Water",))),
        ("preset", "", ("/preset", (ASK,))),
        ("standby/2", "", ("/standby/2", ())),
        ("standby/Drop", "", ("/standby", ("Drop",))),
        ("hold/1", "", ("/hold", (1,))),
        ("beat/bpm/128", "", ("/beat/bpm", (128,))),
        ("beat/wait", "4", ("/beat/wait", (4,))),
        ("beat/tap", "", ("/beat/tap", ())),
        ("prompt", "ink in water", ("/prompt", ("ink in water",))),
        ("prompt/ink", "", ("/prompt", ("ink",))),
        ("cue", "", ("/cue", (ASK,))),
        ("tally", "", ("/tally", (ASK,))),
        ("cut/pre_roll/2", "", ("/cut/pre_roll/2", ())),
        ("preset/3/pre_roll", "", ("/preset/3/pre_roll", ())),
        ("preview/preset/3", "", ("/preview/preset", (3,))),
        ("preview/prompt", "ink", ("/preview/prompt", ("ink",))),
        ("preview/prompt", "", ("/preview/prompt", (ASK,))),
        ("preview/saturation/1.5", "", ("/preview/saturation", (1.5,))),
        ("preview/saturation", "", ("/preview/saturation", (ASK,))),
        ("preview/open/1", "", ("/preview/open", (1,))),
        ("preview", "", ("/preview", (ASK,))),
        ("beat/link/1", "", ("/beat/link", (1,))),
        ("", "", ("/", (ASK,))),
    ],
)
def test_a_path_is_an_address_and_its_value(path, body, meant):
    parts = [part for part in path.split("/") if part]
    assert phrase(parts, body, asks=False) == meant


@pytest.mark.parametrize("address", [*PRESSES, *PREVIEW_PRESSES])
def test_a_press_is_a_press_and_asks_nothing(address):
    path = address.replace("<number>", "3").replace("<chunks>", "2")
    assert phrase(path.split("/")[1:], "", asks=False) == (path, ())


@pytest.mark.parametrize("address", [*(f"/{row}" for row in PARAMETERS), *HELP])
def test_whatever_is_told_can_be_asked_for(address):
    parts = address.replace("<parameter>", "steps").replace("<number>", "1").split("/")[1:]
    assert phrase(parts, "", asks="<number>" in address)[1] == (ASK,)


@given(st.integers(-(10**9), 10**9) | st.floats(allow_nan=False))
def test_numbers_are_numbers_and_the_rest_is_text(number):
    assert argument(repr(number)) == number
    assert argument(f"{number} px") == f"{number} px"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("auto", Endpoint("127.0.0.1", 7701, is_needed=False)),
        ("off", None),
        ("9000", Endpoint("127.0.0.1", 9000)),
        ("0.0.0.0:9000", Endpoint("0.0.0.0", 9000)),
    ],
)
def test_a_place_is_a_port_or_an_address_with_one(text, place):
    assert endpoint_of(text, "--osc", beside(7700)) == place


@pytest.mark.parametrize("text", ["", "x", "1.2.3:9", "70000", "stage:7701", "-1", "::1"])
def test_a_place_that_cannot_be_is_refused_with_its_option(text):
    with pytest.raises(ConfigError, match=r"--osc: got .*, expected PORT, ADDRESS:PORT"):
        endpoint_of(text, "--osc", None)


def test_only_what_others_reach_is_open():
    assert Endpoint("0.0.0.0", 1).is_open
    assert not Endpoint("127.0.0.1", 1).is_open
    assert beside(0) is None


def options(*given_ones):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=7700)
    add_remote_options(parser.add_argument)
    return remote_config(parser.parse_args(given_ones))


def test_the_network_is_closed_until_it_is_asked_for():
    assert options().page is None
    assert not options().osc.is_open
    assert options("--remote", "on").page == Endpoint("0.0.0.0", 7702)
