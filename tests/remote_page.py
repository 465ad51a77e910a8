"""The page for phones in a real browser on a real host, for the tests that play it."""

from __future__ import annotations

import asyncio
import json
from urllib.request import urlopen

import pytest

from tests.browser import CHROMIUM, browser_page
from tests.host_process import ROOT, SOON_S, host_process, wait_until

SHOW = ROOT / "presets" / "first-light"
LIVE = "document.body && document.body.dataset.link === 'live'"
NEEDS_BROWSER = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no browser here: apt-get install chromium"
)


def facts(host):
    with urlopen(f"http://127.0.0.1:{host.port}/facts", timeout=SOON_S) as answer:
        return json.load(answer)


async def becomes(host, address, wanted):
    async with asyncio.timeout(SOON_S):
        while (await asyncio.to_thread(facts, host)).get(address) != wanted:
            await asyncio.sleep(0.05)


async def opened(page, host, **options):
    await page.open(f"http://127.0.0.1:{host.port}/", **options)
    await page.until(f"{LIVE} && document.querySelectorAll('.pad').length === 12")


def played(script, *arguments, show=SHOW):
    """Let a coroutine play the page of a host that shows a live picture."""

    async def run():
        with host_process("--show", str(show), *arguments) as host:
            assert wait_until(lambda: facts(host).get("/playout") == "live")
            async with browser_page() as page:
                return await script(page, host)

    return asyncio.run(run())
