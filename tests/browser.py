"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
from contextlib import asynccontextmanager, suppress

import aiohttp

from tests.host_process import SOON_S

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
TABLET = {"width": 1180, "height": 820, "deviceScaleFactor": 1, "mobile": True}

_TAPS = 3
_CLICK_S = 2.0
_WATCH_CLICKS = (
    "window.hasClicked = false;"
    "addEventListener('click', () => { window.hasClicked = true; }, {capture: true, once: true})"
)
_NEXT_TOUCH_S = 0.4  # Chromium takes a tap right after a drag as part of it
# Chromium drops what is touched before a page has first been drawn.
_TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Page:
    """One tab."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0

    async def ask(self, method, **parameters):
        """Send a command of the protocol and return its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(SOON_S):
            while True:
                message = json.loads((await self._socket.receive()).data)
                if message.get("id") == self._number:
                    assert "error" not in message, message["error"]
                    return message["result"]

    async def open(self, url, screen=PHONE):
        await self.ask("Emulation.setDeviceMetricsOverride", **screen)
        await self.ask("Page.navigate", url=url)

    async def run(self, script):
        """Return what an expression in the page is."""
        answer = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script, timeout_s=SOON_S):
        """Wait until an expression in the page is true."""
        async with asyncio.timeout(timeout_s):
            while not await self.run(f"Boolean({script})"):
                await asyncio.sleep(0.05)

    async def drawn(self):
        """Wait until the page as it is now has been drawn."""
        await self.until("performance.getEntriesByType('paint').length")
        await self.ask("Runtime.evaluate", expression=_TWO_FRAMES, awaitPromise=True)

    async def middle(self, selector):
        """Return where an element is, scrolled into view."""
        await self.drawn()
        return await self.run(
            f"(() => {{ const e = document.querySelector({selector!r});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2, r.width]; })()"
        )

    async def tap(self, selector):
        """Press and let go as a finger does, at the middle of what is seen there.

        A busy Chromium takes a tap for the end of the touch before it and tells the page nothing;
        then we tap again, as a person does. A click anywhere in the page is never repeated.
        """
        for _ in range(_TAPS):
            await self.run(_WATCH_CLICKS)
            x, y, _ = await self.middle(selector)
            await self._touch("touchStart", x, y)
            await self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            with suppress(TimeoutError):
                await self.until("window.hasClicked !== false", _CLICK_S)  # undefined: a new page
                return
        raise AssertionError(f"{selector} was tapped {_TAPS} times and nothing was clicked")

    async def drag(self, selector, share):
        """Drag with a finger by a share of the element's width."""
        x, y, width = await self.middle(selector)
        await self._touch("touchStart", x, y)
        for step in range(1, 11):
            await self._touch("touchMove", x + share * width * step / 10, y)
        await self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        await asyncio.sleep(_NEXT_TOUCH_S)

    async def _touch(self, kind, x, y):
        await self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])

    async def screenshot(self, path):
        answer = await self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))


@asynccontextmanager
async def browser_page():
    """Start a browser and yield its one page; ends the browser afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking",
                "--touch-events=enabled", "--remote-debugging-port=0",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            line = ""
            while "DevTools listening on" not in line:
                line = await asyncio.to_thread(process.stderr.readline)
                assert line, "the browser did not start"
            drain = asyncio.create_task(asyncio.to_thread(process.stderr.read))
            where = line.split("ws://")[1].split("/")[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{where}/json/list") as answer:
                    (target,) = [t for t in await answer.json() if t["type"] == "page"]
                async with session.ws_connect(
                    target["webSocketDebuggerUrl"], max_msg_size=0
                ) as socket:
                    yield Page(socket)
        finally:
            process.kill()
            await drain
            process.stderr.close()
            process.wait()
