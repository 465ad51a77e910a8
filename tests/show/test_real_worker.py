"""The real worker in the real host: an untrained model, small enough to be quick."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from msgspec import structs

from engine.host.replay import replay_file
from engine.host.take import read_take
from engine.protocol.messages import (
    ChangeModel,
    HardCut,
    NoticeRaised,
    SelectSource,
    SetParameters,
    SoftCut,
    StopEngine,
)
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.values import Look, ModelChoice, SourceSpec
from tests.host_process import attached, host_process, worker_pids

MODEL = ("--model", "untrained", "--model-size", "64x64", "--device", "cpu", "--threads", "1")
FIRE = Look(prompt="fire", name="Fire")
WIDE = ModelChoice(name="untrained", width_px=96, height_px=64, device="cpu")
DEPTH = float(CONTROL_KINDS.index("depth"))


def notices_of(client):
    return [e.text for e in client.events if isinstance(e, NoticeRaised)]


def heard(client, words):
    return any(words in text for text in notices_of(client))


def is_silhouette(state):
    return state.live["control_kind"] == 0 and "control_kind" not in state.pending


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A show with a source, cuts, a killed worker, other models: its notices, end and takes."""
    folder = tmp_path_factory.mktemp("takes")

    async def script(host):
        async with attached(host) as client:
            await client.ask(SelectSource(source=SourceSpec(kind="pattern")))
            values = {"control_amount": 0.7, "input_amount": 0.4, "steps": 2}
            await client.ask(SetParameters(values=values))
            await client.state(lambda s: s.source.status == "live" and s.chunk_index >= 1)
            await client.ask(SetParameters(values={"control_kind": DEPTH}))
            await client.state(lambda s: heard(client, "control map depth") and is_silhouette(s))
            await client.ask(HardCut(look=FIRE))
            landed = await client.state(lambda s: s.look_name == "Fire")
            await client.state(lambda s: s.chunk_index > landed.chunk_index)
            os.kill(worker_pids(host.pid)[0], signal.SIGKILL)
            await client.state(lambda s: s.worker.restarts == 1 and s.worker.status == "live")
            back = await client.state(lambda s: s.worker.status == "live")
            await client.ask(SoftCut(num_chunks=2, look=Look(prompt="sea")))
            await client.state(lambda s: s.prompt_now[0].text == "sea" and not s.cut.soft_chunks)
            last = (await client.state()).chunk_index
            await client.state(lambda s: s.chunk_index >= last + 2)
            await client.ask(ChangeModel(model=structs.replace(WIDE, name="nobody")))
            await client.state(lambda s: heard(client, "nobody") and s.worker.coming is None)
            await client.ask(ChangeModel(model=WIDE))
            wide = await client.state(lambda s: s.worker.choice == WIDE)
            await client.state(lambda s: s.chunk_index >= wide.chunk_index + 3)
            await client.ask(StopEngine())
            return back, notices_of(client)

    with host_process(*MODEL, "--takes", str(folder), fake=False) as host:
        back, notices = asyncio.run(script(host))
        assert host.process.wait(30) == 0
    return back, notices, *sorted(folder.iterdir())


def test_a_killed_worker_is_back_with_the_same_look(night):
    back, notices, *_ = night
    assert (back.look_name, back.prompt_now[0].text) == ("Fire", "fire")
    assert any("killed by signal 9" in text for text in notices)
    assert any("back with the same look" in text for text in notices)


def test_a_control_map_without_its_weights_is_refused_with_what_to_do(night):
    text = next(text for text in night[1] if "control map depth" in text)
    assert "depth_anything_v2_vits.pth is missing; run `segue models pull" in text
    assert text.endswith("the silhouette stays")


def test_every_reset_of_the_night_has_a_reason_and_there_is_no_other(night):
    chunks = read_take(night[2]).chunks
    reasons = [c.plan.reset_reason for c in chunks if c.report.resets and c.plan.reset_reason]
    assert "first chunk of the show" in reasons
    assert "hard cut" in reasons
    assert "killed by signal 9" in reasons
    assert all(c.plan.reset_reason or c.plan.source_cut or c.plan.cut == "soft"
               for c in chunks if c.report.resets)  # fmt: skip


def test_the_source_conditioned_the_night(night):
    chunks = read_take(night[2]).chunks
    seen = [c for c in chunks if c.condition() is not None]
    assert len(seen) >= 3
    assert all(c.report.input_last is not None for c in seen)


def test_the_night_is_played_again_bit_for_bit(night):
    verdict = replay_file(night[2])
    assert verdict.is_same, str(verdict)
    assert verdict.chunks >= 6


def test_a_model_that_does_not_exist_is_told_and_the_show_goes_on(night):
    text = next(text for text in night[1] if "nobody" in text)
    assert "model 'nobody' does not exist" in text
    assert text.endswith("untrained at 64x64 plays on")


def test_a_model_of_another_size_plays_on_with_the_source_and_is_played_again_bit_for_bit(night):
    before, after = read_take(night[2]), read_take(night[3])
    assert after.header.worker.model == WIDE
    first = after.chunks[0]
    assert first.plan.reset_reason == "the model was changed to untrained"
    assert first.plan.text == before.chunks[-1].plan.text
    assert all(chunk.condition() is not None for chunk in after.chunks[1:])
    verdict = replay_file(night[3])
    assert verdict.is_same, str(verdict)
    assert verdict.chunks >= 2
