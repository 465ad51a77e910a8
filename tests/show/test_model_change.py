"""Another model, or the same at another size, while the show runs: on the real host."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from engine.host.replay import replay_file
from engine.host.take import read_take
from engine.protocol.messages import (
    ChangeModel,
    CommandRefused,
    HardCut,
    NoticeRaised,
    SelectSource,
    SetParameters,
)
from engine.protocol.values import Look, ModelChoice, SourceSpec
from tests.host_process import (
    attached,
    host_process,
    is_live,
    played,
    running,
    wait_until,
    worker_pids,
)

WIDE = ModelChoice(width_px=256, height_px=144)
SMALL = ModelChoice(width_px=128, height_px=128)
FAKE = "engine.host.fake_worker"
BRISK = "--chunk-ms 80 --load-ms 500 --slow-height 144"  # only WIDE takes its time


def workers(host):
    return running(FAKE, worker_pids(host.pid))


async def plays(client, model):
    return await client.state(lambda s: s.worker.choice == model and is_live(s))


def test_a_model_loads_beside_the_one_that_plays_and_takes_over_with_the_same_look(tmp_path):
    async def script(host, client):
        await client.ask(HardCut(look=Look(prompt="fire", seed=77, name="Fire")))
        before = await client.state(lambda s: s.prompt_now[0].text == "fire")
        answer = await client.ask(ChangeModel(model=WIDE))
        beside = await client.state(
            lambda s: s.worker.coming == WIDE and s.chunk_index > before.chunk_index + 2
        )
        after = await plays(client, WIDE)
        await client.state(lambda s: s.chunk_index > after.chunk_index + 2)
        assert wait_until(lambda: len(workers(host)) == 1)
        return answer, beside, after, client.events, host.rings()

    slow = "--chunk-ms 80 --load-ms 4000 --slow-height 144"
    answer, beside, after, events, rings = played(script, "--takes", str(tmp_path), worker=slow)
    assert answer.effect == "loading house at 256x144 beside house at 256x256, which plays on"
    assert is_live(beside)
    assert beside.worker.choice == ModelChoice()
    assert after.worker.coming is None
    assert (after.prompt_now[0].text, after.seed, after.look_name) == ("fire", 77, "Fire")
    assert after.worker.restarts == 0
    said = [e.text for e in events if isinstance(e, NoticeRaised)]
    assert "house at 256x144 plays, with the same look" in said
    assert len(rings) == 3  # frames, input, preview: those of the model before are gone
    first, second = map(read_take, sorted(tmp_path.iterdir()))
    assert first.header.worker.model == ModelChoice()
    assert second.header.worker.model == WIDE
    assert second.header.look.prompt == "fire"
    begins = second.chunks[0]
    assert begins.plan.reset_reason == "the model was changed to house"
    assert begins.plan.chunk_index == first.chunks[-1].plan.chunk_index + 1
    assert begins.plan.seed == 77


def test_a_model_that_is_asked_for_before_the_first_has_loaded_is_the_one_that_plays():
    async def script(host):
        async with attached(host) as client:
            loading = await client.state(lambda s: s.worker.status == "loading")
            answer = await client.ask(ChangeModel(model=WIDE))
            state = await plays(client, WIDE)
            state = await client.state(lambda s: s.chunk_index > state.chunk_index + 2)
            assert wait_until(lambda: len(workers(host)) == 1)
            return loading, answer, state, host.rings()

    with host_process(worker="--chunk-ms 80 --load-ms 2000") as host:
        loading, answer, state, rings = asyncio.run(script(host))
    assert (loading.worker.choice, loading.chunk_index) == (ModelChoice(), 0)
    assert answer.effect.startswith("loading house at 256x144 beside house at 256x256")
    assert (state.worker.choice, state.worker.coming) == (WIDE, None)
    assert state.worker.restarts == 0
    assert len(rings) == 3


def test_each_model_has_a_take_that_can_be_played_again(tmp_path, monkeypatch):
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        state = await plays(client, WIDE)
        await client.state(lambda s: s.chunk_index > state.chunk_index + 3)

    played(script, "--takes", str(tmp_path), worker=BRISK)
    monkeypatch.setenv("SEGUE_FAKE_WORKER", "--chunk-ms 0")  # a replay need not wait
    for take in tmp_path.iterdir():
        assert replay_file(take).is_same


def test_what_cannot_be_loaded_is_said_and_changes_nothing():
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        notice = await client.wait_for(
            lambda e: isinstance(e, NoticeRaised) and e.subject == "model"
        )
        before = await client.state(lambda s: s.worker.coming is None)
        after = await client.state(lambda s: s.chunk_index > before.chunk_index + 2)
        assert wait_until(lambda: len(workers(host)) == 1)
        return notice, after, host.rings()

    faults = "--chunk-ms 80 --fail-width 256"
    notice, after, rings = played(script, "--model-size", "128x128", worker=faults)
    assert notice.text == (
        "house at 256x144 was not loaded: it does not fit; house at 128x128 plays on"
    )
    assert after.worker.choice == SMALL
    assert (after.worker.restarts, after.worker.resets) == (0, 1)  # that of the opening
    assert len(rings) == 3


def test_what_does_not_fit_beside_is_loaded_alone_when_it_is_asked_for_again():
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        notice = await client.wait_for(
            lambda e: isinstance(e, NoticeRaised) and e.subject == "model"
        )
        before = await client.state(lambda s: s.worker.coming is None and is_live(s))
        answer = await client.ask(ChangeModel(model=WIDE))
        room = await client.state(lambda s: s.worker.message == "making room for house")
        held = await client.state(lambda s: s.playout.mode in ("hold", "loop"))
        after = await plays(client, WIDE)
        after = await client.state(lambda s: s.chunk_index > after.chunk_index + 2)
        return notice, before, answer, room, held, after

    worker = "--chunk-ms 80 --load-ms 3000 --slow-height 144 --fills-memory"
    notice, before, answer, room, held, after = played(script, worker=worker)
    assert notice.text == (
        "house at 256x144 was not loaded: out of memory: it does not fit; house at 256x256 plays "
        "on. Ask for it again to load it alone: the output loops until then"
    )
    assert before.worker.choice == ModelChoice()
    assert answer.effect.startswith("loading house at 256x144 alone; the output holds and loops")
    assert (room.worker.choice, room.worker.coming) == (ModelChoice(), WIDE)
    assert held.playout.shown > before.playout.shown
    assert after.seed == before.seed
    assert after.worker.restarts == 0


@pytest.mark.parametrize("takes_back", [False, True])
def test_what_made_room_comes_back_when_the_other_fails_or_is_taken_back(takes_back):
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        await client.wait_for(lambda e: isinstance(e, NoticeRaised) and e.subject == "model")
        await client.ask(ChangeModel(model=WIDE))
        await client.state(lambda s: s.worker.message == "making room for house")
        if takes_back:
            await client.ask(ChangeModel(model=SMALL))
        else:
            assert wait_until(lambda: len(workers(host)) == 1)
            os.kill(workers(host)[0], signal.SIGKILL)
        back = await plays(client, SMALL)
        await client.state(lambda s: s.worker.coming is None and s.chunk_index > back.chunk_index)
        assert wait_until(lambda: len(workers(host)) == 1)
        return host.rings()

    worker = "--chunk-ms 80 --load-ms 2500 --slow-height 144 --fills-memory"
    assert len(played(script, "--model-size", "128x128", worker=worker)) == 3


def test_a_size_that_cannot_be_is_refused_at_once():
    async def script(host, client):
        odd = await client.ask(ChangeModel(model=ModelChoice(width_px=250)))
        state = await client.state()
        return odd, state

    odd, state = played(script, worker=BRISK)
    assert isinstance(odd, CommandRefused)
    assert odd.reason == (
        "model house: got 250x256, expected 64 to 4096 pixels a side, divisible by 16; "
        "nothing was changed"
    )
    assert state.worker.coming is None


def test_the_last_one_asked_for_counts_and_the_one_that_plays_takes_it_all_back():
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        again = await client.ask(ChangeModel(model=WIDE))
        await client.ask(ChangeModel(model=SMALL))
        small = await plays(client, SMALL)
        await client.ask(ChangeModel(model=WIDE))
        back = await client.ask(ChangeModel(model=SMALL))
        same = await client.ask(ChangeModel(model=SMALL))
        await client.state(lambda s: s.chunk_index > small.chunk_index + 4)
        state = await client.state(lambda s: s.worker.coming is None)
        assert wait_until(lambda: len(workers(host)) == 1)
        return again, back, same, state, host.rings()

    again, back, same, state, rings = played(script, worker=BRISK)
    assert again.effect == "house at 256x144 is loading already"
    assert back.effect == "house at 128x128 plays on, nothing is loaded"
    assert same.effect == "house at 128x128 plays already"
    assert state.worker.choice == SMALL
    assert len(rings) == 3


def test_a_worker_that_dies_meanwhile_is_followed_by_the_model_that_was_asked_for():
    async def script(host, client):
        old = workers(host)
        await client.ask(ChangeModel(model=WIDE))
        os.kill(old[0], signal.SIGKILL)
        state = await plays(client, WIDE)
        return await client.state(lambda s: s.chunk_index > state.chunk_index + 2)

    assert played(script, worker=BRISK).worker.restarts == 1


def test_the_source_goes_on_into_the_new_model(tmp_path):
    async def script(host, client):
        await client.ask(SelectSource(source=SourceSpec(kind="pattern")))
        await client.ask(SetParameters(values={"control_amount": 1.0}))
        live = await client.state(lambda s: s.source.status == "live")
        await client.state(lambda s: s.chunk_index > live.chunk_index + 2)
        await client.ask(ChangeModel(model=WIDE))
        state = await plays(client, WIDE)
        await client.state(lambda s: s.chunk_index > state.chunk_index + 3)

    played(script, "--takes", str(tmp_path), worker=BRISK)
    first, second = map(read_take, sorted(tmp_path.iterdir()))
    assert first.chunks[-1].plan.input_until is not None
    newest = [chunk.plan.input_until for chunk in second.chunks]
    assert None not in newest
    assert newest == sorted(newest)
    assert newest[0] < first.chunks[-1].plan.input_until  # of a ring of its own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_host_that_ends_while_a_model_loads_leaves_nothing(number):
    async def script(host, client):
        await client.ask(ChangeModel(model=WIDE))
        assert wait_until(lambda: len(workers(host)) == 2)
        pids = workers(host)
        host.end(number)
        assert wait_until(lambda: not running(FAKE, pids))
        assert wait_until(lambda: not host.rings())

    played(script, worker="--chunk-ms 80 --load-ms 20000 --slow-height 144")
