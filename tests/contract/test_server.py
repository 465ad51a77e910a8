"""The WebSocket door: what it lets in, what it answers, and who waits for whom."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from engine.errors import DeviceError
from engine.host.events import EventHub
from engine.host.server import HOST, MAX_COMMAND_BYTES, Server
from engine.protocol.codec import EVENTS, decode, encode
from engine.protocol.messages import (
    CommandAccepted,
    CommandRefused,
    EngineState,
    Hello,
    NoticeRaised,
    QueuePrompt,
)
from engine.protocol.values import Severity
from tests.fakes import engine_state

ECHO = "echo"


async def echo(command):
    return CommandAccepted(command_id=command.command_id, effect=ECHO)


@asynccontextmanager
async def serving():
    hub = EventHub()
    server = Server(echo, engine_state, hub)
    await server.start(0)
    try:
        yield server, hub
    finally:
        await server.stop()


@asynccontextmanager
async def connected(server, hello=True, **options):
    url = f"http://{HOST}:{server.port}/ws"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as socket:
        if hello:
            await socket.send_bytes(encode(Hello(command_id=1)))
            assert (await receive(socket)).effect == "welcome"
        yield socket


async def receive(socket):
    return decode(EVENTS, await asyncio.wait_for(socket.receive_bytes(), 10))


async def answer(socket):
    """Return the next answer, passing by what everybody is told."""
    while not isinstance(event := await receive(socket), CommandAccepted | CommandRefused):
        pass
    return event


def conversation(script, **options):
    async def run():
        async with serving() as (server, hub), connected(server, **options) as socket:
            return await script(socket, hub)

    return asyncio.run(run())


def test_a_greeting_is_answered_and_followed_by_the_whole_state():
    async def script(socket, hub):
        return await receive(socket)

    assert isinstance(conversation(script), EngineState)


def test_a_command_is_answered_with_its_number():
    async def script(socket, hub):
        await socket.send_bytes(encode(QueuePrompt(command_id=42, text="ink")))
        return await answer(socket)

    assert conversation(script) == CommandAccepted(command_id=42, effect=ECHO)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "refused"),
        (b"\xff\xff", "refused"),
        (msgspec.msgpack.encode({"type": "Explode"}), "Explode"),
        (msgspec.msgpack.encode({"type": "SoftCut", "num_chunks": "x"}), "num_chunks"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_connection_goes_on(data, word):
    async def script(socket, hub):
        await socket.send_bytes(data)
        refusal = await answer(socket)
        await socket.send_bytes(encode(QueuePrompt(command_id=3, text="ink")))
        return refusal, await answer(socket)

    refusal, after = conversation(script)
    assert isinstance(refusal, CommandRefused)
    assert word in refusal.reason
    assert after.command_id == 3


def test_a_text_message_is_refused_in_one_sentence():
    async def script(socket, hub):
        await socket.send_str('{"type": "HardCut"}')
        return await answer(socket)

    assert "text message refused" in conversation(script).reason


def test_an_oversized_message_ends_that_connection_and_no_other():
    async def run():
        async with serving() as (server, _), connected(server) as good:
            async with connected(server) as bad:
                await bad.send_bytes(b"x" * (MAX_COMMAND_BYTES + 1))
                while (message := await bad.receive()).type is aiohttp.WSMsgType.BINARY:
                    pass
            await good.send_bytes(encode(QueuePrompt(command_id=5, text="ink")))
            return message, bad.close_code, await answer(good)

    _, code, after = asyncio.run(run())
    assert code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    assert after.command_id == 5


@pytest.mark.parametrize(
    ("first", "word"),
    [
        (Hello(protocol_version=99), "start app and engine of the same version"),
        (QueuePrompt(text="ink"), "expected Hello"),
    ],
)
def test_who_does_not_speak_our_protocol_is_told_and_shown_out(first, word):
    async def script(socket, hub):
        await socket.send_bytes(encode(first))
        refusal = await receive(socket)
        return refusal, (await socket.receive()).type

    refusal, after = conversation(script, hello=False)
    assert word in refusal.reason
    assert after is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("header", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
@pytest.mark.parametrize("path", ["ws", "state"])
def test_a_web_page_may_neither_drive_nor_look(header, path):
    async def run():
        async with serving() as (server, _), aiohttp.ClientSession() as session:
            url = f"http://{HOST}:{server.port}/{path}"
            async with session.get(url, headers=header) as response:
                return response.status

    assert asyncio.run(run()) == 403


def test_a_script_reads_the_state_as_json():
    async def run():
        async with (
            serving() as (server, _),
            aiohttp.ClientSession() as session,
            session.get(f"http://{HOST}:{server.port}/state") as response,
        ):
            return await response.read()

    assert msgspec.json.decode(asyncio.run(run()), type=EngineState) == engine_state()


def test_a_client_that_never_reads_holds_nobody_up():
    notice = NoticeRaised(severity=Severity.INFO, subject="x", text="y" * 20000, at_s=0)

    async def run():
        async with serving() as (server, hub), connected(server), connected(server) as good:
            for number in range(600):  # 12 MB: more than any socket buffer takes
                hub.publish(notice)
                if number % 50 == 0:
                    await good.send_bytes(encode(QueuePrompt(command_id=number + 1, text="")))
                    assert (await answer(good)).command_id == number + 1
            return len(hub)

    assert asyncio.run(run()) == 2


def test_a_client_that_left_is_forgotten():
    async def run():
        async with serving() as (server, hub):
            async with connected(server):
                assert len(hub) == 1
            for _ in range(200):
                if not len(hub):
                    break
                await asyncio.sleep(0.01)
            return len(hub)

    assert asyncio.run(run()) == 0


def test_a_port_in_use_is_named_with_the_remedy():
    async def run():
        async with serving() as (server, hub):
            await Server(echo, engine_state, hub).start(server.port)

    with pytest.raises(DeviceError, match=r"port \d+ on 127.0.0.1 is in use.*--port"):
        asyncio.run(run())
