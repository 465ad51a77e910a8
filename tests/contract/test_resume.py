"""A host that is killed is followed by one that goes on: same look, seed, cue and panic state."""

import asyncio
import signal
import socket

import msgspec
import pytest

from engine.host.cue_list import CueList, loaded
from engine.host.on_air import OnAir, on_air, resumable, resumed, to_record
from engine.host.score import open_score
from engine.protocol.beat import BeatClock
from engine.protocol.beat_commands import ListenTo, SetQuantum, SetTempo
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.cues import CueSpec
from engine.protocol.messages import ChangeModel, Go, HardCut, LoadCues, SetParameters, StandBy
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import save_show
from engine.protocol.values import Look, ModelChoice
from tests.host_process import attached, host_process, wait_until

SHOW = Show(
    name="Night",
    presets=(Preset(name="Sea", prompt="slow sea"), Preset(name="Fire", prompt="fast fire")),
    cues=(Cue(name="a", preset="Sea"), Cue(name="b", preset="Fire"), Cue(name="c", preset="Sea")),
)


@pytest.fixture
def night(tmp_path):
    """The arguments of a host of a show on a port of its own."""
    save_show(SHOW, tmp_path / "night")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return ("--show", str(tmp_path / "night"), "--port", str(port))


async def play_to_cue_b(host, home):
    async with attached(host) as client:
        await client.ask(StandBy(cue="b"))
        await client.ask(Go())
        await client.state(lambda s: s.cues.on_air == "b")
        await client.ask(SetTempo(bpm=126.0))
        await client.ask(SetQuantum(quantum_beats=8.0))
        await client.ask(ListenTo(device="theremin"))
        await client.ask(SetParameters(values={"saturation": 1.5, "dimmer": 0.4}))
        state = await client.state(lambda s: s.live["saturation"] == 1.5)
    journal = home / "autosave" / f"on-air-{host.port}.jsonl"
    assert wait_until(lambda: journal.exists() and b'"dimmer":0.4' in journal.read_bytes())
    return state


def test_after_kill_9_the_next_host_begins_with_what_was_on_air(night, segue_home):
    with host_process(*night) as host:
        before = asyncio.run(play_to_cue_b(host, segue_home))
        host.end(signal.SIGKILL)

    async def look():
        async with attached(second) as client:
            state = await client.state(lambda s: s.cues.on_air == "b")
            assert state.prompt_now[0].text == "fast fire"
            assert (state.seed, state.look_name) == (before.seed, "Fire")
            assert (state.live["saturation"], state.live["dimmer"]) == (1.5, 0.4)
            assert state.cues.standby == "c"
            assert (state.beat.quantum_beats, state.beat.device) == (8.0, "theremin")
            assert state.beat.clock.bpm == 126.0
            await client.ask(SetQuantum(quantum_beats=0.0))  # the next cut waits for nothing
            await client.ask(HardCut(look=Look(prompt="by hand")))
            await client.state(lambda s: s.prompt_now[0].text == "by hand")

    with host_process(*night, "--resume") as second:
        asyncio.run(look())
        second.end()
    with host_process(*night, "--resume") as third:  # the second ended: nothing to go on with

        async def afresh():
            async with attached(third) as client:
                state = await client.state(lambda s: s.playout.mode == "live")
                assert state.prompt_now[0].text == "slow sea"
                assert state.live["dimmer"] == 1.0
                await client.ask(LoadCues(cues=()))

        asyncio.run(afresh())


def test_the_model_that_was_changed_to_comes_back(night, segue_home):
    wide = ModelChoice(width_px=256, height_px=144)

    async def change(host):
        async with attached(host) as client:
            await client.state(lambda s: s.playout.mode == "live")
            await client.ask(ChangeModel(model=wide))
            await client.state(lambda s: s.worker.choice == wide)
        journal = segue_home / "autosave" / f"on-air-{host.port}.jsonl"
        assert wait_until(lambda: b'"width_px":256,"height_px":144' in journal.read_bytes())

    async def look(host):
        async with attached(host) as client:
            return await client.state(lambda s: s.playout.mode == "live")

    with host_process(*night) as host:
        asyncio.run(change(host))
        host.end(signal.SIGKILL)
    with host_process(*night, "--resume") as second:
        assert asyncio.run(look(second)).worker.choice == wide
        second.end()


def test_what_cannot_be_resumed_is_none():
    score = open_score(Look(prompt="ink", name="Ink"), show_seed=1)
    beat = (BeatSettings(quantum_beats=4.0, sound="default"), BeatClock())
    moment = on_air(score, CueList(), beat, "Night", is_over=False)
    assert resumable(to_record(moment), "Night") == moment
    over = on_air(score, CueList(), beat, "Night", is_over=True)
    for record in (None, b"", b"{}", b"\xff", to_record(over)):
        assert resumable(record, "Night") is None
    assert resumable(to_record(moment), "Another") is None
    look = Look(prompt="x", parameters={"nope": 1.0})
    for broken in (
        {"look": look}, {"clock": BeatClock(bpm=9.0)}, {"beat": BeatSettings(sound="a\0b")},
        {"beat": BeatSettings(quantum_beats=3.0)},
    ):  # fmt: skip
        assert resumable(to_record(msgspec.structs.replace(moment, **broken)), "Night") is None


def test_a_list_that_has_changed_meanwhile_is_resumed_as_far_as_it_is_the_same():
    cues = loaded(CueList(), "n", tuple(CueSpec(name=n, look=Look(prompt=n)) for n in "xyz"))
    moment = OnAir(show="n", look=Look(prompt="y"), panic={}, cue="gone", standby="z")
    assert (resumed(cues, moment).queued, resumed(cues, moment).standby) == ("", "z")
    there = OnAir(show="n", look=Look(prompt="y"), panic={}, cue="y", standby="gone")
    assert (resumed(cues, there).queued, resumed(cues, there).standby) == ("y", "")
