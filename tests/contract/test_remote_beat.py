"""A/B and the beat on the page for phones, in a real browser on the real host."""

from __future__ import annotations

import asyncio

import pytest

from tests.remote_page import NEEDS_BROWSER, becomes, facts, opened, played

pytestmark = NEEDS_BROWSER


def shown(element, text):
    return f"document.getElementById('{element}').textContent.includes({text!r})"


def test_a_look_is_prepared_while_another_is_on_air_and_taken_and_taken_back():
    async def script(page, host):
        await opened(page, host)
        await page.tap("#prepare")
        await page.until("document.body.dataset.preview === 'open'")
        assert await page.run("document.getElementById('hard').textContent") == "TAKE"
        await page.tap('.pad[data-number="3"]')
        await page.until(shown("prepared", "Wormhole"))
        await page.until(
            "document.querySelector('.pad[data-number=\"3\"]').matches('[data-prepared]')"
        )
        before = await asyncio.to_thread(facts, host)
        assert (before["/preset"], before["/cut"]) == ("Embers", "none")
        assert before["/prompt/next"] == before["/preview/prompt"]  # it is encoded by now
        await page.tap("nav [data-tab=knobs]")
        await page.drag("#knobs-tab .track", -0.3)
        await page.tap("nav [data-tab=pads]")
        row, dragged = "/control_amount", pytest.approx(0.7, abs=0.02)  # the first slider
        await becomes(host, f"/preview{row}", dragged)
        assert (await asyncio.to_thread(facts, host))[row] == before[row]
        await page.tap("#pre-roll")
        await becomes(host, "/preset", "Wormhole")
        await page.until(shown("prepared", "Embers"))
        await becomes(host, row, dragged)
        await page.tap("#soft")
        await page.until(shown("says", "soft cut over 4 chunks"))
        await becomes(host, "/preset", "Embers")
        await page.tap("#prepare")
        await page.until("document.body.dataset.preview === 'closed'")
        assert await page.run("document.documentElement.scrollWidth") == 390
        await page.run("document.getElementById('text').value = 'ink in water'")
        await page.tap("#next button")
        await becomes(host, "/prompt/next", "ink in water")
        await page.tap("#pre-roll")  # without a preview: to the next prompt
        await page.until(shown("says", "seen after 1 chunk of pre-roll"))
        await becomes(host, "/prompt", "ink in water")

    played(script, "--no-take")


def test_the_beat_is_tapped_cuts_wait_for_it_and_recording_and_sound_are_switched(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "segue-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")

    async def script(page, host):
        await opened(page, host)
        await page.tap("nav [data-tab=beat]")
        for _ in range(4):
            await page.tap("#tap")
            await asyncio.sleep(0.3)
        await page.until("Number(document.getElementById('bpm').textContent) > 30")
        await page.until("document.querySelectorAll('#dots [data-now]').length === 1")
        assert facts(host)["/beat/bpm"] > 30
        await page.tap("#waits button:last-child")
        await becomes(host, "/beat/wait", 16.0)
        await page.until("document.querySelector('#waits :last-child').ariaChecked === 'true'")
        await page.tap("#beat-tab [data-press='/beat/bar']")
        await page.until(shown("says", "bpm by tap"))
        await page.run("send('/beat/bpm', 20)")  # so that sixteen beats are far
        await becomes(host, "/beat/bpm", 20.0)
        await page.tap("nav [data-tab=pads]")
        await page.tap("#hard")
        await page.until(shown("cut-says", "is seen on"))
        await page.tap("#cancel")
        await becomes(host, "/cut", "none")
        await page.until("!document.getElementById('cut-says').textContent")
        await page.tap("nav [data-tab=beat]")
        await page.tap("#record")
        await becomes(host, "/recording", 1)
        await page.until("document.getElementById('record').ariaPressed === 'true'")
        await page.tap("#sound")
        await becomes(host, "/sound", "default")
        await page.until("document.getElementById('heard').textContent")
        await page.tap("#sound")
        await becomes(host, "/sound", "")
        await page.tap("#record")
        await becomes(host, "/recording", 0)

    played(script, "--no-take")
    assert list(tmp_path.rglob("*.mp4"))
