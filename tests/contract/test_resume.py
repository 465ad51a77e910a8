"""A host that is killed is followed by one that goes on: same look, seed, cue and panic state."""

import asyncio
import signal
import socket
from dataclasses import replace
from functools import reduce

import pytest
from msgspec import structs

from engine.host.cue_list import CueList, loaded
from engine.host.on_air import Models, OnAir, model_to_load, on_air, resumable, resumed, to_record
from engine.host.score import open_score
from engine.host.show_model import ShowModel
from engine.protocol.beat import BeatClock
from engine.protocol.beat_commands import ListenTo, SetQuantum, SetTempo
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.cues import CueSpec
from engine.protocol.messages import ChangeModel, Go, HardCut, LoadCues, SetParameters, StandBy
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.values import Look, ModelChoice
from tests.host_process import attached, host_process, is_live, wait_until

SHOW = Show(
    name="Night",
    presets=(Preset(name="Sea", prompt="slow sea"), Preset(name="Fire", prompt="fast fire")),
    cues=(Cue(name="a", preset="Sea"), Cue(name="b", preset="Fire"), Cue(name="c", preset="Sea")),
)
SCORE = open_score(Look(prompt="ink", name="Ink"), show_seed=1)
BEAT = (BeatSettings(quantum_beats=4.0, sound="default"), BeatClock())
HOUSE = ModelChoice()
WIDE, SMALL = ModelChoice(width_px=256, height_px=144), ModelChoice(width_px=128, height_px=128)


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


async def play_on(host, home, dimmer, model=None):
    """Change the model if asked, return what plays when that is kept for a restart."""
    async with attached(host) as client:
        await client.state(is_live)
        if model is not None:
            await client.ask(ChangeModel(model=model))
            await client.state(lambda s: s.worker.choice == model)
        await client.ask(SetParameters(values={"dimmer": dimmer}))  # so that a record is written
        state = await client.state(lambda s: s.live["dimmer"] == dimmer)
    journal = home / "autosave" / f"on-air-{host.port}.jsonl"
    assert wait_until(lambda: f'"dimmer":{dimmer}'.encode() in journal.read_bytes())
    return state.worker.choice


def test_the_model_that_was_changed_to_comes_back_after_every_kill(night, segue_home):
    with host_process(*night) as host:
        asyncio.run(play_on(host, segue_home, 0.4, WIDE))
        host.end(signal.SIGKILL)
    with host_process(*night, "--resume") as second:
        assert asyncio.run(play_on(second, segue_home, 0.3)) == WIDE
        second.end(signal.SIGKILL)
    with host_process(*night, "--resume") as third:
        assert asyncio.run(play_on(third, segue_home, 0.2)) == WIDE


def test_a_show_that_is_edited_after_the_kill_plays_the_model_that_it_names_now(night, segue_home):
    with host_process(*night) as host:
        asyncio.run(play_on(host, segue_home, 0.4, WIDE))
        host.end(signal.SIGKILL)
    save_show(replace(SHOW, model=SMALL), night[1])
    with host_process(*night, "--resume") as second:
        assert asyncio.run(play_on(second, segue_home, 0.3)) == SMALL


def test_a_model_that_a_window_saved_is_not_the_last_word(night, segue_home):
    with host_process(*night) as host:
        asyncio.run(play_on(host, segue_home, 0.4, WIDE))
        save_show(replace(SHOW, model=WIDE), night[1])
        asyncio.run(play_on(host, segue_home, 0.3, SMALL))  # by a remote: the show keeps WIDE
        host.end(signal.SIGKILL)
    with host_process(*night, "--resume") as second:
        assert asyncio.run(play_on(second, segue_home, 0.2)) == SMALL


def told(*steps):
    """Return the models after steps of what plays and what the file names."""
    return reduce(lambda models, step: models.now(*step), steps, Models(HOUSE, HOUSE))


@pytest.mark.parametrize(
    ("models", "in_file", "loaded"),
    [
        (told((WIDE, HOUSE)), HOUSE, WIDE),  # changed to
        (told((WIDE, HOUSE)), SMALL, SMALL),  # and edited
        (told((WIDE, HOUSE), (WIDE, WIDE)), WIDE, WIDE),  # changed to, and saved by the window
        (told((WIDE, HOUSE), (WIDE, WIDE)), HOUSE, HOUSE),  # and edited back
        (told((WIDE, HOUSE), (WIDE, WIDE), (SMALL, WIDE)), WIDE, SMALL),  # and changed by a remote
        (told((HOUSE, SMALL)), SMALL, SMALL),  # edited while another one played
        (told((HOUSE, SMALL), (WIDE, SMALL)), SMALL, WIDE),  # and then changed
        (told((HOUSE, SMALL), (HOUSE, HOUSE)), HOUSE, HOUSE),  # edited, and the edit taken back
        (Models(WIDE, HOUSE).now(WIDE, HOUSE), HOUSE, WIDE),  # of a host that was resumed itself
    ],
)
def test_the_last_word_names_the_model_that_is_loaded(models, in_file, loaded):
    moment = on_air(SCORE, CueList(), BEAT, "Night", models=models, is_over=False)
    assert model_to_load(moment, in_file) == loaded


@pytest.mark.parametrize(("model", "loaded"), [(None, HOUSE), (WIDE, WIDE)])
def test_records_of_an_older_segue_name_the_model_only_when_it_was_changed(model, loaded):
    moment = OnAir(show="n", look=Look(prompt="y"), panic={}, model=model)
    assert model_to_load(moment, HOUSE) == loaded


def test_the_model_of_a_show_is_read_when_its_file_changed_and_can_be_read(tmp_path):
    save_show(SHOW, tmp_path)
    names = ShowModel(load_show(tmp_path), lambda model: structs.replace(model, device="cpu"))
    assert names() == structs.replace(HOUSE, device="cpu")
    save_show(replace(SHOW, model=WIDE), tmp_path)
    assert names() == structs.replace(WIDE, device="cpu")
    (tmp_path / "show.toml").write_text("[model", encoding="utf-8")
    assert names() == structs.replace(WIDE, device="cpu")
    (tmp_path / "show.toml").unlink()
    assert names() == structs.replace(WIDE, device="cpu")


def test_what_cannot_be_resumed_is_none():
    models = Models(HOUSE, HOUSE)
    moment = on_air(SCORE, CueList(), BEAT, "Night", models=models, is_over=False)
    assert resumable(to_record(moment), "Night") == moment
    over = on_air(SCORE, CueList(), BEAT, "Night", models=models, is_over=True)
    for record in (None, b"", b"{}", b"\xff", to_record(over)):
        assert resumable(record, "Night") is None
    assert resumable(to_record(moment), "Another") is None
    look = Look(prompt="x", parameters={"nope": 1.0})
    for broken in (
        {"look": look}, {"clock": BeatClock(bpm=9.0)}, {"beat": BeatSettings(sound="a\0b")},
        {"beat": BeatSettings(quantum_beats=3.0)},
    ):  # fmt: skip
        assert resumable(to_record(structs.replace(moment, **broken)), "Night") is None


def test_a_list_that_has_changed_meanwhile_is_resumed_as_far_as_it_is_the_same():
    cues = loaded(CueList(), "n", tuple(CueSpec(name=n, look=Look(prompt=n)) for n in "xyz"))
    moment = OnAir(show="n", look=Look(prompt="y"), panic={}, cue="gone", standby="z")
    assert (resumed(cues, moment).queued, resumed(cues, moment).standby) == ("", "z")
    there = OnAir(show="n", look=Look(prompt="y"), panic={}, cue="y", standby="gone")
    assert (resumed(cues, there).queued, resumed(cues, there).standby) == ("y", "")
