"""Prompts of a show are read ahead of need, and a late text is told once."""

from __future__ import annotations

import asyncio
import os
import signal

from engine.protocol.messages import NoticeRaised, PreparePrompts, QueuePrompt
from engine.protocol.orders import PromptRead
from tests.host_process import attached, host_process, worker_pids

SHOW = ("fire", "sea", "ice")


def readings(client):
    return [event.text for event in client.events if isinstance(event, PromptRead)]


def test_prompts_are_read_in_the_order_of_the_show_and_again_by_a_new_worker():
    async def script(host):
        async with attached(host) as client:
            await client.state(lambda s: s.worker.status == "live")
            answer = await client.ask(PreparePrompts(texts=SHOW))
            await client.wait_for(lambda e: isinstance(e, PromptRead) and e.text == "ice")
            await client.ask(QueuePrompt(text="standby"))
            before = readings(client)
            client.events.clear()
            os.kill(worker_pids(host.pid)[0], signal.SIGKILL)
            await client.wait_for(lambda e: isinstance(e, PromptRead) and e.text == "ice")
            return answer, before, readings(client)

    with host_process("--prompt", "ink") as host:
        answer, before, after = asyncio.run(script(host))
    assert answer.effect == "3 prompts are prepared"
    assert [text for text in before if text in SHOW] == list(SHOW)
    # What a chunk needs first is what is on air and in standby.
    assert [text for text in after if text in ("ink", "standby", *SHOW)][-5:] == [
        "ink", "standby", *SHOW
    ]  # fmt: skip


def test_a_late_text_is_told_once_counted_and_told_when_it_is_on_air():
    async def script(host):
        async with attached(host) as client:
            late = await client.state(lambda s: s.worker.late_prompts)
            done = await client.state(lambda s: s.worker.late_chunks == 2 and s.chunk_index >= 7)
            notices = [e.text for e in client.events if isinstance(e, NoticeRaised)]
            return late, done, notices

    with host_process("--prompt", "ink", worker="--chunk-ms 80 --late-at 4") as host:
        late, done, notices = asyncio.run(script(host))
    assert late.worker.late_prompts[0].text == "ink"
    assert done.worker.late_prompts == ()
    assert [text for text in notices if "ink" in text or "late" in text] == [
        "“ink” is not encoded yet; the picture keeps the prompt before it until it is",
        "the text is on air, 2 chunks late",
    ]
