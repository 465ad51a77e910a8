"""HTTP for buttons: the real host, asked by urllib and curl-like clients, near and far."""

from __future__ import annotations

import asyncio
import json
import urllib.error
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import aiohttp
import pytest

from engine.errors import DeviceError
from engine.host.remote.site import kept_key
from engine.protocol.messages import CommandRefused, LoadPads
from engine.protocol.pads import PadSpec
from engine.protocol.values import Look
from tests.host_process import ROOT, SOON_S, attached, host_process, wait_until

SHOW = str(ROOT / "presets" / "first-light")


@contextmanager
def remote_host(*arguments):
    with host_process("--show", SHOW, *arguments) as host:
        assert wait_until(lambda: json.loads(ask(host, "/facts"))["/generator"] == "live")
        yield host


def ask(host, path, body=None, **headers):
    return ask_url(f"http://127.0.0.1:{host.port}{path}", body, **headers)


def ask_url(url, body=None, **headers):
    request = Request(url, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with urlopen(request, timeout=SOON_S) as answer:
        return answer.read().decode()


def refused(call, status):
    with pytest.raises(urllib.error.HTTPError) as caught:
        call()
    with caught.value as error:
        assert error.code == status
        return error.read().decode()


@asynccontextmanager
async def listening(host):
    url = f"http://127.0.0.1:{host.port}/events"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield socket


async def until(socket, wanted):
    async with asyncio.timeout(SOON_S):
        while not wanted(message := json.loads(await socket.receive_str())):
            pass
    return message


def test_a_button_asks_sets_cuts_and_is_told():
    with remote_host() as host:
        assert ask(host, "/dimmer") == "1.0\n"
        assert ask(host, "/dimmer/0.5") == "at the next output frame\n"
        assert ask(host, "/dimmer") == "0.5\n"
        assert ask(host, "/dimmer", b"0.25") == "at the next output frame\n"
        assert ask(host, "/preset/3").startswith("hard cut at chunk")
        assert wait_until(lambda: ask(host, "/preset") == "Wormhole\n")
        assert ask(host, "/cut/hard").startswith("hard cut at chunk")
        assert ask(host, "/cue/standby") == "\n"
        assert json.loads(ask(host, "/rate")).keys() == {"/rate/generation", "/rate/output"}
        assert [row["name"] for row in json.loads(ask(host, "/presets"))][:2] == [
            "Embers", "Deep Water",
        ]  # fmt: skip
        picture = (Path(SHOW) / "embers.jpg").read_bytes()
        with urlopen(f"http://127.0.0.1:{host.port}/presets/1/picture") as answer:
            assert answer.read() == picture


def test_what_does_not_fit_is_a_sentence_counted_and_changes_nothing():
    with remote_host() as host:
        assert "does not exist" in refused(lambda: ask(host, "/dimer/1"), 400)
        assert "expected a number from 0 to 1" in refused(lambda: ask(host, "/dimmer/loud"), 400)
        assert "GO refused: the show has no cues" in refused(lambda: ask(host, "/go"), 400)
        assert "more than 4096 bytes" in refused(lambda: ask(host, "/prompt", b"x" * 5000), 400)
        assert "has no picture" in refused(lambda: ask(host, "/presets/99/picture"), 404)
        remote = json.loads(ask(host, "/state"))["remote"]
        assert remote["refused"] == 4
        assert "more than 4096 bytes" in remote["last_refusal"]
        assert ask(host, "/dimmer") == "1.0\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example:7700"},
    ],
)
def test_pages_of_other_sites_drive_nothing(shared_host, headers):
    assert refused(lambda: ask(shared_host, "/dimmer/0", **headers), 403).startswith("refused")
    assert ask(shared_host, "/dimmer") == "1.0\n"


@pytest.fixture(scope="module")
def shared_host():
    with remote_host() as host:
        yield host


def test_a_listener_gets_everything_then_what_changed_and_may_play(shared_host):
    async def script():
        async with listening(shared_host) as socket:
            parameters = json.loads(await socket.receive_str())["parameters"]
            lists = json.loads(await socket.receive_str())
            everything = json.loads(await socket.receive_str())["facts"]
            await socket.send_json({"id": 7, "address": "/saturation", "arguments": [1.5]})
            answer = await until(socket, lambda message: "answer" in message)
            change = await until(socket, lambda m: "/saturation" in m.get("facts", {}))
            return parameters, lists, everything, answer, change

    parameters, lists, everything, answer, change = asyncio.run(script())
    assert {f"/{row['id']}" for row in parameters} <= everything.keys()
    assert (len(lists["presets"]), lists["cues"]) == (12, [])
    assert answer == {"answer": {"id": 7, "ok": True, "text": "at the next output frame"}}
    assert change["facts"]["/saturation"] == 1.5
    assert len(change["facts"]) < len(everything) / 2


@pytest.mark.parametrize("said", ["", "go", '{"id": 1}', '{"address": 3}', "[1]"])
def test_a_listener_that_cannot_be_read_is_told_and_goes_on(shared_host, said):
    async def script():
        async with listening(shared_host) as socket:
            await socket.send_str(said)
            answer = await until(socket, lambda message: "answer" in message)
            await socket.send_json({"id": 2, "address": "/dimmer", "arguments": ["?"]})
            return answer, await until(socket, lambda m: m.get("answer", {}).get("id") == 2)

    answer, after = asyncio.run(script())
    assert answer["answer"]["ok"] is False
    assert "expected" in answer["answer"]["text"]
    assert after["answer"]["text"] == {"/dimmer": 1.0}


def test_a_refusal_is_shown_to_every_listener(shared_host):
    async def script():
        async with listening(shared_host) as socket:
            await until(socket, lambda message: "facts" in message)
            await asyncio.sleep(1.1)  # of a sender gone wild one notice a second is shown
            await socket.send_json({"id": 1, "address": "/nope"})
            return await until(socket, lambda m: "/nope" in m.get("notice", {}).get("text", ""))

    assert asyncio.run(script())["notice"]["severity"] == "warning"


def test_server_sent_events_tell_the_same(shared_host):
    async def script():
        url = f"http://127.0.0.1:{shared_host.port}/events"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            lines = [await answer.content.readuntil(b"\n\n") for _ in range(3)]
            return answer.content_type, [json.loads(line.removeprefix(b"data: ")) for line in lines]

    kind, messages = asyncio.run(script())
    assert kind == "text/event-stream"
    assert [next(iter(message)) for message in messages] == ["parameters", "presets", "facts"]


def test_from_the_network_the_key_opens_the_page_and_the_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    with remote_host("--remote", "0.0.0.0:0") as host:
        page = urlsplit(json.loads(ask(host, "/state"))["remote"]["page_at"])
        key = page.query.removeprefix("key=")
        far = f"http://127.0.0.1:{page.port}"  # an address is an address, whatever the interface
        assert "the key is missing" in refused(lambda: ask_url(f"{far}/dimmer/0"), 403)
        assert "the key is missing" in refused(lambda: ask_url(f"{far}/state"), 403)
        assert "<form" in refused(lambda: ask_url(f"{far}/"), 401)
        assert "<form" in refused(lambda: ask_url(f"{far}/?key=wrong"), 401)
        assert ask_url(f"{far}/dimmer", Authorization=f"Bearer {key}") == "1.0\n"
        assert "Segue remote" in ask_url(f"{far}/", Cookie=f"segue_key={key}")
        assert refused(
            lambda: ask_url(f"{far}/ws", Cookie=f"segue_key={key}"), 400
        )  # apps: not here


def test_the_key_is_made_once_and_is_for_nobody_else(tmp_path):
    path = tmp_path / "deep" / "remote-key"
    key = kept_key(path)
    assert kept_key(path) == key
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("broken")
    assert kept_key(path) != "broken"


def test_a_key_that_cannot_be_kept_is_a_sentence(tmp_path):
    (tmp_path / "remote-key").mkdir()
    with pytest.raises(DeviceError, match="cannot be kept"):
        kept_key(tmp_path / "remote-key")


def test_a_host_with_listeners_leaves_when_told():
    async def leave(host):
        async with listening(host) as socket:
            await until(socket, lambda message: "facts" in message)
            return await asyncio.to_thread(host.end)

    with remote_host() as host:
        stream = urlopen(f"http://127.0.0.1:{host.port}/events", timeout=SOON_S)
        with stream:
            assert stream.readline().startswith(b"data: ")
            assert asyncio.run(leave(host)) == 0
            assert stream.read().endswith(b"\n\n")  # it was not cut off in mid-sentence


def test_presets_that_cannot_be_are_refused_and_the_others_stay():
    good = PadSpec(name="Ink", look=Look(prompt="ink"))
    bad = PadSpec(name="Bad", look=Look(prompt="ink", parameters={"nope": 1.0}))

    async def script(host):
        async with attached(host) as client:
            assert (await client.ask(LoadPads(pads=(good,)))).effect == "remotes have 1 presets"
            refusal = await client.ask(LoadPads(pads=(good, bad)))
            assert isinstance(refusal, CommandRefused)
            return refusal.reason

    with remote_host() as host:
        assert "'nope' does not exist" in asyncio.run(script(host))
        assert [row["name"] for row in json.loads(ask(host, "/presets"))] == ["Ink"]
