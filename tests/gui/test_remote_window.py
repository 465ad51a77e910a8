"""What the window has to do with remotes: it tells the host its pads, and shows what came."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.request import urlopen

import pytest

from app.core import hud
from engine.protocol.values import Severity
from tests.gui.conftest import playing, until
from tests.host_process import SOON_S, host_process


@pytest.fixture(scope="module")
def host():
    """A host without a show, with OSC: the pads it knows are those of the window."""
    with host_process("--osc", "0", "--remote", "127.0.0.1:0") as process:
        yield process


def pads(host):
    with urlopen(f"http://127.0.0.1:{host.port}/presets", timeout=SOON_S) as answer:
        return json.load(answer)


def figure(window, caption):
    captions = [figure.caption for figure in hud.figures(window.instrument.state)]
    return window.hud.values[captions.index(caption)]


def test_remotes_see_the_pads_of_the_window_and_every_edit_of_them(play):
    async def perform(host):
        async with playing(host.port) as window:
            await until(lambda: len(pads(host)) == 12)
            assert pads(host)[0]["picture"] == "/presets/1/picture"
            desk = window.instrument.desk
            renamed = replace(desk.show.presets[0], name="Ashes")
            desk.put(replace(desk.show, presets=(renamed, *desk.show.presets[1:])))
            await until(lambda: pads(host)[0]["name"] == "Ashes")

    with host_process("--osc", "0") as host:  # no window has told this one of its pads yet
        assert pads(host) == []
        play(perform(host))


def test_the_window_shows_where_osc_is_what_came_and_why_it_was_refused(host, play):
    async def perform():
        async with playing(host.port) as window:
            where = window.instrument.state.remote.osc_at
            with pytest.raises(OSError, match="400"):
                urlopen(f"http://127.0.0.1:{host.port}/nope", timeout=SOON_S)
            await until(lambda: "1 refused" in figure(window, "REMOTE").text())
            tip = figure(window, "REMOTE").toolTip()
            assert f"OSC at {where}" in tip
            assert "'/nope' does not exist" in tip

    play(perform())


def test_the_address_of_a_slider_stands_in_its_tool_tip(host, play):
    async def perform():
        async with playing(host.port) as window:
            assert "OSC /segue/dimmer" in window.panic.dimmer.toolTip()

    play(perform())


def test_phones_are_shut_out_and_let_in_again_with_a_key(host, play):
    async def perform():
        async with playing(host.port) as window:
            was = window.instrument.state.remote.page_at
            window.instrument.phones.toggle()
            await until(lambda: not window.instrument.state.remote.page_at)
            with pytest.raises(OSError, match="refused"):
                urlopen(was, timeout=SOON_S)
            window.instrument.phones.toggle()
            await until(lambda: window.instrument.state.remote.page_at)
            where = window.instrument.state.remote.page_at
            assert (Severity.INFO, f"Phones come in at {where}") in window.notices.kept
            with urlopen(where.replace("/?", "/facts?"), timeout=SOON_S) as answer:
                assert "/dimmer" in json.load(answer)

    play(perform())
