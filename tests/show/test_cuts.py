"""Cuts in the real host: they land at the boundary they name, and the take says the same."""

from __future__ import annotations

import asyncio

import pytest

from engine.host.take import read_take
from engine.protocol.codec import encode
from engine.protocol.messages import (
    CancelCut,
    CommandRefused,
    CutLanded,
    HardCut,
    QueuePrompt,
    SetParameters,
    SoftCut,
    StopEngine,
)
from engine.protocol.values import CacheAction, Cut, Look
from tests.host_process import attached, host_process

FIRE = Look(prompt="fire", parameters={"control_amount": 0.8}, name="Fire")


def played(script, takes):
    """Run a script, end the show, and return what the script returned and the take."""

    async def run(host):
        async with attached(host) as client:
            await client.state(lambda s: s.worker.status == "live")
            result = await script(client)
            last = (await client.state()).chunk_index
            await client.state(lambda s: s.chunk_index >= last + 2)  # so that its report is in
            await client.ask(StopEngine())
            return result

    with host_process("--takes", str(takes), worker="--chunk-ms 150") as host:
        result = asyncio.run(run(host))
        assert host.process.wait(30) == 0
    (folder,) = takes.iterdir()
    return result, [chunk.plan for chunk in read_take(folder).chunks]


def landed(event):
    return isinstance(event, CutLanded)


def test_a_hard_cut_lands_at_the_boundary_that_its_answer_names(tmp_path):
    async def script(client):
        answer = await client.ask(HardCut(look=FIRE))
        return answer, await client.wait_for(landed)

    (answer, event), plans = played(script, tmp_path)
    assert answer.effect.startswith(f"hard cut at chunk {event.chunk_index}")
    plan = plans[event.chunk_index]
    assert (plan.cut, plan.cache_action, plan.text[0].text) == (Cut.HARD, CacheAction.RESET, "fire")
    assert all(plan.text == plans[0].text for plan in plans[: event.chunk_index])
    assert plans[0].text != plan.text


def test_a_soft_cut_takes_its_chunks_and_keeps_the_cache(tmp_path):
    async def script(client):
        await client.ask(SoftCut(num_chunks=3, look=FIRE))
        return [(await client.wait_for(landed)).blend for _ in range(3)]

    blends, plans = played(script, tmp_path)
    steps = [plan for plan in plans if plan.cut is Cut.SOFT]
    assert blends == [plan.blend for plan in steps] == pytest.approx([1 / 3, 2 / 3, 1])
    assert {plan.cache_action for plan in steps} == {CacheAction.RECACHE}
    assert steps[-1].parameters["control_amount"] == 0.8


def test_a_queued_prompt_is_read_shown_as_next_and_taken_by_a_cut(tmp_path):
    async def script(client):
        await client.ask(QueuePrompt(text="sea"))
        next_up = (await client.state(lambda s: s.prompt_next)).prompt_next
        await client.ask(HardCut())
        return next_up, await client.state(lambda s: s.prompt_now[0].text == "sea")

    (next_up, after), _ = played(script, tmp_path)
    assert (next_up, after.prompt_next) == ("sea", "")


def test_a_thousand_edits_end_on_the_last_value(tmp_path):
    async def script(client):
        for n in range(1000):
            await client.send_raw(edit(n / 1000))
        await client.ask(SetParameters(values={"control_amount": 0.25}))
        return await client.state(lambda s: s.live["control_amount"] == 0.25)

    _, plans = played(script, tmp_path)
    assert plans[-1].parameters["control_amount"] == 0.25


def edit(value):
    return encode(SetParameters(values={"control_amount": value}))


def test_a_frame_row_is_live_before_the_next_boundary(tmp_path):
    async def script(client):
        before = await client.state()
        await client.ask(SetParameters(values={"dimmer": 0.5}))
        return before, await client.state(lambda s: s.live["dimmer"] == 0.5)

    (before, after), _ = played(script, tmp_path)
    assert after.chunk_index <= before.chunk_index + 1
    assert after.pending == {}


def test_what_cannot_be_is_refused_in_one_sentence_and_changes_nothing(tmp_path):
    async def script(client):
        commands = [
            CancelCut(),
            HardCut(),
            SoftCut(num_chunks=0, look=FIRE),
            SetParameters(values={"loudness": 1.0}),
        ]
        return [await client.ask(command) for command in commands]

    answers, plans = played(script, tmp_path)
    assert all(isinstance(answer, CommandRefused) and answer.reason for answer in answers)
    assert {plan.cut for plan in plans} == {Cut.NONE}


def test_a_second_client_sees_the_true_state():
    async def run(host):
        async with attached(host) as first:
            await first.state(lambda s: s.worker.status == "live")
            await first.ask(HardCut(look=FIRE))
            mine = await first.state(lambda s: s.look_name == "Fire")
        async with attached(host) as second:
            return mine, await second.state()

    with host_process() as host:
        mine, theirs = asyncio.run(run(host))
    assert (theirs.look_name, theirs.prompt_now, theirs.seed) == (
        "Fire",
        mine.prompt_now,
        mine.seed,
    )
    assert theirs.chunk_index >= mine.chunk_index
    assert (theirs.pid, theirs.preview_ring) == (mine.pid, mine.preview_ring)


def test_a_pre_roll_runs_unseen_while_the_output_goes_on_and_comes_on_air_in_motion(tmp_path):
    async def script(client):
        await client.state(lambda s: s.playout.mode == "live")
        answer = await client.ask(HardCut(look=FIRE, pre_roll_chunks=6))
        unseen = await client.state(lambda s: s.cut.unseen_chunks == 1)
        held = await client.state(lambda s: s.playout.mode in ("hold", "loop"))
        back = await client.state(lambda s: s.playout.mode == "live" and not s.cut.unseen_chunks)
        return answer, unseen, held, back

    (answer, unseen, held, back), plans = played(script, tmp_path)
    assert "seen after 6 chunks of pre-roll" in answer.effect
    assert unseen.prompt_now[0].text == "fire"
    assert back.playout.shown > held.playout.shown > 0
    assert back.playout.repeated > 0  # what stood in for the unseen
    rolled = [plan.chunk_in_cut for plan in plans if plan.is_unseen]
    assert rolled == list(range(6))
