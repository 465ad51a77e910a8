"""The source `visuals` in the real host: its player may die, and goes when the host goes."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field

import pytest

from engine.errors import SourceError
from engine.host.sources.kinds import make_source
from engine.protocol import frame_ring
from engine.protocol.frame_ring import RingReader
from engine.protocol.messages import EngineState, NoticeRaised, SelectSource
from engine.protocol.values import SourceSpec
from tests.host_process import attached, host_process, is_running, running, wait_until, worker_pids

DANCER = SourceSpec(kind="visuals", address="dancer")


def players(host_pid: int) -> list[int]:
    return running("engine.visuals.player", worker_pids(host_pid))


def newest_index(host_pid: int) -> int:
    """Return the number of the newest frame that the source delivered."""
    (path,) = frame_ring.ring_folder().glob(f"segue-{host_pid}-*-input.ring")
    ring = RingReader(str(path))
    frame = ring.latest()
    ring.close()
    assert frame is not None
    return frame.meta.media_index


@dataclass
class Evening:
    """What was seen of one host."""

    states: list[EngineState] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    left_players: list[int] = field(default_factory=list)
    rings_before: list[str] = field(default_factory=list)
    rings_after: list[str] = field(default_factory=list)


async def play(host, seen: Evening) -> None:
    async with attached(host) as client:

        async def see(wanted):
            seen.states.append(await client.state(wanted))

        await client.ask(SelectSource(source=DANCER))
        await see(lambda s: s.source.status == "live" and s.source.delivered > 20)
        seen.indices.append(newest_index(host.pid))
        os.kill(players(host.pid)[0], signal.SIGKILL)
        await see(lambda s: s.source.status == "stalled")
        standing = seen.states[-1].source.delivered
        await see(lambda s: s.source.status == "live" and s.source.delivered > standing + 5)
        seen.indices.append(newest_index(host.pid))
        await client.ask(SelectSource(source=SourceSpec(kind="visuals", address="slow gurgl")))
        await see(lambda s: s.source.status == "failed")
        seen.texts = [e.text for e in client.events if isinstance(e, NoticeRaised)]


@pytest.fixture(scope="module")
def evening():
    """Play, kill the player, ask for nonsense, and kill the host."""
    seen = Evening()
    with host_process("--no-take", "--model-size", "160x96") as host:
        asyncio.run(play(host, seen))
        seen.rings_before, mine = host.rings(), worker_pids(host.pid)
        host.end(signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, mine)) and not host.rings(), timeout_s=10)
        seen.left_players = [pid for pid in mine if is_running(pid)]
        seen.rings_after = host.rings()
    return seen


def test_it_is_drawn_in_the_shape_that_the_model_wants(evening):
    live = evening.states[0].source
    assert (live.spec, live.message) == (DANCER, "")
    assert live.width_px / live.height_px == pytest.approx(160 / 96, rel=0.05)


def test_a_killed_player_comes_back_and_the_picture_goes_on_from_where_it_was(evening):
    before, after = evening.indices
    assert 0 < after - before < 16 * 5, "it began anew, or left out the time that it was away"
    assert any("its player was killed by signal 9" in text for text in evening.texts)
    assert any("visuals 'dancer' is back" in text for text in evening.texts)


def test_words_that_mean_nothing_are_refused_in_the_sentence_of_the_player(evening):
    refused = evening.states[-1].source
    assert "'gurgl' means nothing here" in refused.message
    assert sum("'gurgl'" in text for text in evening.texts) == 1


def test_a_host_that_is_killed_leaves_neither_a_player_nor_a_ring(evening):
    assert any("visuals" in ring for ring in evening.rings_before)
    assert evening.left_players == []
    assert evening.rings_after == []


def test_an_interrupted_source_leaves_neither_a_process_nor_a_ring():
    source = make_source(DANCER)
    source.interrupt()
    with pytest.raises(SourceError, match="did not start"):
        source.open()
    assert players(os.getpid()) == []
    assert list(frame_ring.ring_folder().glob(f"segue-{os.getpid()}-*-visuals.ring")) == []
