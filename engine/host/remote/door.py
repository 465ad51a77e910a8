"""HTTP for buttons and phones: addresses, state, events, and the page. See docs/remote.md.

Thread: the event loop.
Full:   see feed.py; a request larger than 4096 bytes is refused.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from engine.errors import EngineError, RemoteProtocolError
from engine.host.events import EventHub
from engine.host.remote.feed import Feed, as_json, preset_rows
from engine.host.remote.guard import Asked, Guard
from engine.host.remote.osc_codec import Argument
from engine.host.remote.paths import phrase
from engine.host.remote.player import InOrder, RemotePlayer
from engine.protocol.messages import EngineState

MAX_BYTES = 4096
PAGE = Path(__file__).parent / "page"
PICTURES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
MAX_PICTURE_BYTES = 8 * 2**20
_SCRIPT = "text/javascript"
_FILES = {
    "remote.js": _SCRIPT, "preview.js": _SCRIPT, "beat.js": _SCRIPT, "remote.css": "text/css",
}  # fmt: skip
_COOKIE = "segue_key"
_KEY_FORM = """<!doctype html><meta name="viewport" content="width=device-width">
<title>Segue</title><link rel="stylesheet" href="/remote.css">
<form class="key"><h1>SEGUE</h1><label>Key, as the window shows it under REMOTE
<input name="key" autocapitalize="none" autocomplete="off" autofocus></label>
<button>Play</button></form>"""
_NO_STORE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_RULES = {  # nothing from elsewhere runs in it, and nobody frames it to catch presses
    **_NO_STORE,
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
}
_ALIVE_S = 20.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebDoor:
    """The routes of one application. `guard` is asked at each request: its port comes late."""

    def __init__(
        self,
        player: RemotePlayer,
        state: Callable[[], EngineState],
        hub: EventHub,
        guard: Callable[[], Guard],
    ) -> None:
        self._player = player
        self._state = state
        self._hub = hub
        self._guard = guard
        self._sockets: set[web.WebSocketResponse] = set()
        self.num_listeners = 0
        self._over = asyncio.Event()

    def add_to(self, app: web.Application, *, with_state: bool = False) -> None:
        """Add the routes; the last takes every path that is left."""
        add = app.router.add_route
        add("GET", "/", self._serve_page)
        for name in _FILES:
            add("GET", f"/{name}", self._serve_file)
        add("GET", "/events", self._guarded(self._serve_events))
        add("GET", "/facts", self._guarded(self._serve_facts))
        add("GET", "/presets", self._guarded(self._serve_presets))
        add("GET", r"/presets/{number:\d+}/picture", self._guarded(self._serve_picture))
        if with_state:
            add("GET", "/state", self._guarded(self._serve_state))
        for method in ("GET", "POST"):
            add(method, "/{address:.*}", self._guarded(self._serve_address))

    async def stop(self) -> None:
        """Hang up. Safe twice."""
        self._over.set()
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.close()

    # ------------------------------------------------------------ who may

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            refusal = self._guard().refusal(_asked(request))
            if refusal:
                self._player.counts.received += 1
                self._refuse(refusal, request)
                raise web.HTTPForbidden(text=f"{refusal}\n")
            return await handler(request)

        return guarded

    def _refuse(self, reason: str, request: web.Request) -> None:
        self._player.counts.refuse(reason, request.remote or "?", time.monotonic())

    # ------------------------------------------------------------ the page

    async def _serve_page(self, request: web.Request) -> web.StreamResponse:
        guard, asked = self._guard(), _asked(request)
        if guard.key and not guard.has_key(asked):
            if asked.key:
                self._refuse("refused: the key of the page is wrong", request)
            return web.Response(
                status=401, text=_KEY_FORM, content_type="text/html", headers=_PAGE_RULES
            )
        if "key" in request.query:
            away = web.HTTPFound("/", headers=_NO_STORE)  # so that it is not in the history
            away.set_cookie(_COOKIE, guard.key, httponly=True, samesite="Strict", max_age=2**25)
            raise away
        body = await asyncio.to_thread((PAGE / "index.html").read_bytes)
        return web.Response(body=body, content_type="text/html", headers=_PAGE_RULES)

    async def _serve_file(self, request: web.Request) -> web.Response:
        name = request.path.lstrip("/")
        body = await asyncio.to_thread((PAGE / name).read_bytes)
        return web.Response(body=body, content_type=_FILES[name], headers=_NO_STORE)

    async def _serve_picture(self, request: web.Request) -> web.Response:
        pads, number = self._player.pads(), int(request.match_info["number"])
        path = Path(pads[number - 1].picture) if 1 <= number <= len(pads) else Path()
        kind = PICTURES.get(path.suffix.lower(), "")
        body = await asyncio.to_thread(_picture, path) if kind else None
        if body is None:
            raise web.HTTPNotFound(text=f"preset {number} has no picture\n")
        return web.Response(body=body, content_type=kind, headers={"Cache-Control": "max-age=60"})

    # ------------------------------------------------------------ what is

    async def _serve_state(self, request: web.Request) -> web.Response:
        body = msgspec.json.encode(self._state())
        return web.Response(body=body, content_type="application/json")

    async def _serve_facts(self, request: web.Request) -> web.Response:
        return _json_response(self._player.facts())

    async def _serve_presets(self, request: web.Request) -> web.Response:
        return _json_response(preset_rows(self._player.pads()))

    async def _serve_address(self, request: web.Request) -> web.Response:
        try:
            address, arguments = await self._phrase(request)
            answer = await self._player.play(address, arguments, request.remote or "?")
        except EngineError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        if isinstance(answer, str):
            return web.Response(text=f"{answer}\n", headers=_NO_STORE)
        if address in answer:
            return web.Response(text=f"{answer[address]}\n", headers=_NO_STORE)
        return _json_response(answer)

    async def _phrase(self, request: web.Request) -> tuple[str, tuple[Argument, ...]]:
        try:
            body = (await request.read()).decode(errors="replace").strip()
        except web.HTTPRequestEntityTooLarge:
            text = f"refused: more than {MAX_BYTES} bytes at once; nothing was changed"
            self._refuse(text, request)
            raise RemoteProtocolError(text) from None
        parts = [part for part in request.match_info["address"].split("/") if part]
        return phrase(parts, body, asks="ask" in request.query)

    # ------------------------------------------------------------ listeners

    async def _serve_events(self, request: web.Request) -> web.StreamResponse:
        self.num_listeners += 1
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._serve_socket(request)
            return await self._serve_stream(request)
        finally:
            self.num_listeners -= 1

    async def _serve_stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, for what cannot speak WebSocket."""
        response = web.StreamResponse(headers={**_NO_STORE, "Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def say(text: str) -> None:
            await response.write(f"data: {text}\n\n".encode())

        with suppress(ConnectionError):
            await Feed(self._player, self._hub).run(say, self._over)
        return response

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_BYTES, heartbeat=_ALIVE_S, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        in_order = InOrder()
        teller = asyncio.create_task(self._tell(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
                await in_order.do(self._answer(socket, message.data, request.remote or "?"))
        finally:
            in_order.cancel()
            teller.cancel()
            self._sockets.discard(socket)
        return socket

    async def _tell(self, socket: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            await Feed(self._player, self._hub).run(socket.send_str, self._over)

    async def _answer(self, socket: web.WebSocketResponse, said: Any, sender: str) -> None:
        number = 0
        try:
            number, address, arguments = self._read(said, sender)
            text = await self._player.play(address, arguments, sender)
            answer = {"id": number, "ok": True, "text": text}
        except EngineError as error:
            answer = {"id": number, "ok": False, "text": str(error)}
        with suppress(ConnectionError):
            await socket.send_str(as_json({"answer": answer}))

    def _read(self, said: Any, sender: str) -> tuple[int, str, list[Argument]]:
        try:
            request = msgspec.json.decode(said, type=_Request)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError) as error:
            self._player.counts.received += 1
            reason = f'expected {{"id":1,"address":"/dimmer","arguments":[0.5]}}: {error}'
            self._player.counts.refuse(reason, sender, time.monotonic())
            raise RemoteProtocolError(reason) from error
        return request.id, request.address, request.arguments


class _Request(msgspec.Struct, frozen=True):
    """What a listener may say over the WebSocket."""

    address: str
    arguments: list[Argument] = []
    id: int = 0


def _asked(request: web.Request) -> Asked:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return Asked(
        host=request.host,
        origin=request.headers.get("Origin", ""),
        fetch_site=request.headers.get("Sec-Fetch-Site", ""),
        key=given or request.query.get("key", "") or request.cookies.get(_COOKIE, ""),
    )


def _json_response(content: object) -> web.Response:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    return web.Response(text=f"{text}\n", content_type="application/json", headers=_NO_STORE)


def _picture(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_PICTURE_BYTES else None
    except OSError:
        return None
