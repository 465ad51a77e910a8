"""The page for phones in a real browser, playing the real host with fingers."""

from __future__ import annotations

import asyncio
import json
import shutil
from urllib.request import urlopen

import pytest

from tests.browser import TABLET
from tests.host_process import SOON_S, host_process
from tests.remote_page import LIVE, NEEDS_BROWSER, SHOW, becomes, facts, opened, played

CUES = "".join(
    f'\n[[cue]]\npreset = "{preset}"\nname = "{name}"\n'
    for preset, name in [("Embers", "Doors"), ("Lotus", "First song"), ("Storm", "Drop")]
)
PLACES = (
    "Object.fromEntries([...document.querySelectorAll('button, .track')]"
    ".map((e, index) => [`${index} ${e.id} ${e.innerText}`, e.getBoundingClientRect()])"
    ".map(([name, r]) => [name.split('\\n')[0], [r.x, r.y, r.width, r.height]]))"
)
pytestmark = NEEDS_BROWSER


def test_pads_cuts_knobs_and_panic_are_played_on_a_phone():
    async def script(page, host):
        await opened(page, host)
        assert await page.run("document.documentElement.scrollWidth") == 390
        await page.tap('.pad[data-number="3"]')
        await becomes(host, "/preset", "Wormhole")
        await page.until("document.querySelector('.pad[data-number=\"3\"]').dataset.lamp === '2'")
        assert (
            await page.run("document.querySelector('.pad[data-number=\"1\"]').dataset.lamp") == "0"
        )
        assert await page.run(
            "getComputedStyle(document.querySelector('.pad')).backgroundImage"
        ) == (f'url("http://127.0.0.1:{host.port}/presets/1/picture")')
        await page.tap("#soft")  # to nothing yet: why not is read at once
        await page.until("document.getElementById('says').className === 'bad'")
        assert (await page.run("at('says').textContent")).startswith("cut refused: no prompt")
        await page.run("document.getElementById('text').value = 'ink in water'")
        await page.tap("#next button")
        await becomes(host, "/prompt/next", "ink in water")
        await page.tap("#longer")
        await page.tap("#soft")
        await page.until("document.getElementById('says').textContent.includes('over 5 chunks')")
        await page.tap("#cancel")
        await becomes(host, "/cut", "none")
        await page.tap("#hard")
        await page.until("document.getElementById('says').textContent.startsWith('hard cut')")
        await page.tap("#freeze")
        await becomes(host, "/freeze", 1)
        await page.until("document.getElementById('freeze').ariaPressed === 'true'")
        await page.tap("#clear")
        await becomes(host, "/freeze", 0)
        await page.drag("#dimmer .track", -0.5)
        await becomes(host, "/dimmer", pytest.approx(0.5, abs=0.02))
        await page.tap("nav [data-tab=knobs]")
        await page.tap("#knobs-tab .choices button:nth-child(3)")
        await becomes(host, "/control_kind", 2)

    played(script)


def test_nothing_moves_from_under_a_finger():
    heard = {
        "/cut": "soft", "/preset/queued": "a name that is longer than a phone is wide",
        "/prompt": "slow red fire in deep water", "/tally": 1, "/generator": "recovering",
        "/cue/follow_in": 3.5, "/sound/heard": "USB Audio: a loud room", "/beat/aim": "bar 3",
    }  # fmt: skip

    async def script(page, host):
        await opened(page, host)
        for tab in ("pads", "cues", "knobs", "beat"):
            await page.run(f"document.querySelector('nav [data-tab={tab}]').click()")
            before = await page.run(PLACES)
            await page.run(f"hear({json.dumps({'facts': heard})})")
            await page.run(
                "say('a fault that takes more than one line to be said '.repeat(3), true)"
            )
            assert await page.run(PLACES) == before
            await page.run("showLink(false)")
            assert await page.run(PLACES) == before
            await page.run("showLink(true); say('', false)")
            assert await page.run(PLACES) == before

    played(script)


def test_cues_are_chosen_and_fired(tmp_path):
    show = shutil.copytree(SHOW, tmp_path / "show")
    with (show / "show.toml").open("a") as file:
        file.write(CUES)

    async def script(page, host):
        await opened(page, host)
        await page.tap("nav [data-tab=cues]")
        await page.tap("#go")
        await becomes(host, "/cue", "Doors")
        await page.until("document.querySelector('#cues li').dataset.lamp === '2'")
        await page.tap("#cues li:nth-child(3)")
        await becomes(host, "/cue/standby", "Drop")
        await page.until("document.getElementById('standby').textContent === 'Drop'")
        await asyncio.sleep(0.3)  # a second GO at once is a foot that bounced
        await page.tap("#go")
        await becomes(host, "/cue", "Drop")
        await asyncio.sleep(0.3)
        await page.tap("#back")
        await becomes(host, "/cue", "First song")

    played(script, show=show)


def test_a_lost_engine_is_seen_and_found_again():
    async def script(page, host):
        await opened(page, host)
        host.process.kill()
        await page.until("document.body.dataset.link === 'lost'")
        assert await page.run("document.getElementById('link').textContent") == "no connection"
        await page.tap("#black")  # nothing is kept for later: the new show is not black
        with host_process("--show", str(SHOW), "--port", str(host.port), "--osc", "off") as again:
            await page.until(LIVE)
            return facts(again)["/black"]

    assert played(script) == 0


def test_a_tablet_of_the_network_comes_in_with_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))

    async def script(page, host):
        with urlopen(f"http://127.0.0.1:{host.port}/state", timeout=SOON_S) as answer:
            where = json.load(answer)["remote"]["page_at"]
        port, key = where.split(":")[2].split("/?key=")
        far = f"http://127.0.0.1:{port}"
        await page.open(f"{far}/", screen=TABLET)
        await page.until("document.querySelector('form.key')")
        await page.run(f"document.querySelector('[name=key]').value = '{key}'")
        await page.tap("form.key button")
        await page.until(LIVE)
        assert await page.run("location.href") == f"{far}/"
        await page.tap("#black")
        await becomes(host, "/black", 1)

    played(script, "--remote", "0.0.0.0:0")
