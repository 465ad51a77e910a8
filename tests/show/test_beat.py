"""The beat in the real host: who says it, and cuts that are seen on it."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.host.take import read_take
from engine.protocol.beat import BeatClock
from engine.protocol.beat_commands import (
    HearBeat,
    NudgeBeat,
    SetModulators,
    SetQuantum,
    SetTempo,
    TapBeat,
)
from engine.protocol.messages import CommandRefused, CutLanded, HardCut, NoticeRaised, StopEngine
from engine.protocol.modulators import Modulator
from engine.protocol.values import Look
from tests.host_process import attached, host_process

FIRE = Look(prompt="fire", name="Fire")
PERIOD_S = 0.75  # of the twelve frames of a chunk, at sixteen a second


@pytest.fixture(scope="module")
def host():
    with host_process("--no-take", worker="--chunk-ms 60") as process:
        yield process


def played(host, script):
    async def run():
        async with attached(host) as client:
            await client.state(lambda s: s.playout.mode == "live" and s.chunk_index > 3)
            return await script(client)

    return asyncio.run(run())


def test_a_cut_is_seen_on_the_bar_as_nearly_as_chunks_lie_to_it(host):
    async def script(client):
        await client.ask(SetTempo(bpm=240.0))
        await client.ask(SetQuantum(quantum_beats=4.0))
        before = await client.state(lambda s: s.beat.lookahead_s > 0)
        answer = await client.ask(HardCut(look=FIRE))
        asked_s = time.monotonic()
        landed = await client.wait_for(lambda e: isinstance(e, CutLanded))
        after = await client.state(lambda s: s.beat.hit_beat is not None)
        await client.ask(SetQuantum(quantum_beats=0.0))
        return before.beat, answer.effect, asked_s, landed, after

    before, effect, asked_s, landed, after = played(host, script)
    beat = after.beat
    assert effect.startswith("hard cut on ")
    assert beat.hit_beat % 4 == 0
    seen_s = beat.clock.when_s(beat.hit_beat) + beat.hit_late_s
    assert after.playout.chunk_shown >= landed.chunk_index
    assert 0 < before.lookahead_s < 5
    assert seen_s > asked_s
    assert abs(beat.hit_late_s) <= 2 * PERIOD_S  # a busy machine may hold one chunk up


def test_midi_clock_takes_over_from_taps_and_hands_the_beat_back(host):
    async def script(client):
        for _ in range(3):
            await client.ask(TapBeat())
            await asyncio.sleep(0.3)
        tapped = (await client.state(lambda s: s.beat.clock.source == "tap")).beat
        heard = BeatClock(bpm=140.0, beat=8.0, at_s=time.monotonic(), source="Drums")
        await client.ask(HearBeat(clock=heard))
        midi = (await client.state(lambda s: s.beat.clock.source == "midi clock")).beat
        await client.ask(HearBeat(clock=BeatClock()))
        own = (await client.state(lambda s: s.beat.clock.source == "fixed")).beat
        return tapped, midi, own, [e.text for e in client.events if isinstance(e, NoticeRaised)]

    tapped, midi, own, said = played(host, script)
    assert 60 < tapped.clock.bpm < 220
    assert (midi.clock.bpm, midi.detail) == (140.0, "Drums")
    assert own.clock.bpm == 140.0
    assert own.clock.beat_at(1e4) == pytest.approx(midi.clock.beat_at(1e4), abs=1e-3)
    assert "midi clock fell silent: the beat goes on with fixed at 140.0 bpm" in said


def test_what_cannot_be_is_refused_and_changes_nothing(host):
    async def script(client):
        before = (await client.state()).beat
        commands = [SetTempo(bpm=1.0), SetQuantum(quantum_beats=3.0), NudgeBeat(by_beats=9.0),
                    HearBeat(clock=BeatClock(bpm=float("inf")))]  # fmt: skip
        answers = [await client.ask(command) for command in commands]
        return before, answers, (await client.state()).beat

    before, answers, after = played(host, script)
    assert all(isinstance(answer, CommandRefused) for answer in answers)
    assert (after.clock, after.quantum_beats) == (before.clock, before.quantum_beats)


def has_moved(states):
    # Before its first chunk a row has not moved, and half of the throws are 0.
    amounts = {state.modulated.get("input_amount", 0.0) for state in states}
    return len(amounts) > 1 and len({state.modulated["dimmer"] for state in states}) > 6


def test_modulators_move_chunk_and_frame_rows_and_the_take_has_what_went_into_plans(tmp_path):
    waves = (
        Modulator(parameter="input_amount", shape="random", beats=0.0, hz=19.0, depth=0.5),
        Modulator(parameter="dimmer", shape="saw", beats=0.0, hz=0.7, depth=-0.5),
    )

    async def script(client):
        await client.ask(SetModulators(modulators=waves))
        seen = [await client.state(lambda s: s.modulated) for _ in range(12)]
        while not has_moved(seen):
            seen.append(await client.state(lambda s: s.modulated))
        await client.ask(SetModulators(modulators=()))
        calm = await client.state(lambda s: not s.modulated)
        await client.state(lambda s: s.chunk_index > calm.chunk_index + 1)
        await client.ask(StopEngine())
        return seen

    with host_process("--takes", str(tmp_path), worker="--chunk-ms 60") as host:
        seen = played(host, script)
        assert host.process.wait(30) == 0
    (folder,) = tmp_path.iterdir()
    amounts = [chunk.plan.parameters["input_amount"] for chunk in read_take(folder).chunks]
    assert has_moved(seen)
    assert {state.live["dimmer"] for state in seen} == {1.0}
    shown = {state.modulated.get("input_amount", amounts[0]) for state in seen}
    assert len(shown) > 1
    assert shown <= set(amounts)
    assert amounts[0] == amounts[-1] == 0.0
