import pytest

from app.core import cue_edits as cues
from app.core.cue_view import CueLight, countdown_text, cue_views, lit, neighbour, time_text
from engine.errors import ConfigError
from engine.protocol.cues import CueState
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.values import Cut, WeightedPrompt
from tests.fakes import engine_state

SEA = Preset(name="Sea", prompt="slow sea", cut=Cut.SOFT, chunks=6, parameters={"saturation": 1.2})
FIRE = Preset(name="Fire", prompt="fast fire")
SHOW = Show(name="S", presets=(SEA, FIRE))


def names(show):
    return [cue.name for cue in show.cues]


def test_cues_are_named_after_their_preset_and_put_after_another():
    show, _ = cues.with_cue(SHOW, "Sea")
    show, _ = cues.with_cue(show, "Fire")
    show, cue = cues.with_cue(show, "Sea", after="Sea")
    assert cue.name == "Sea 2"
    assert names(show) == ["Sea", "Sea 2", "Fire"]


def test_cues_move_within_their_list_change_and_go():
    show = cues.with_all_pads(SHOW)
    assert names(show) == ["Sea", "Fire"]
    assert cues.with_all_pads(show) == show
    assert names(cues.moved(show, "Sea", 5)) == ["Fire", "Sea"]
    assert names(cues.moved(show, "Sea", -5)) == ["Sea", "Fire"]
    renamed = cues.with_changed(show, "Sea", Cue(name="Intro", preset="Sea"))
    assert names(renamed) == ["Intro", "Fire"]
    assert names(cues.without_cue(show, "Sea")) == ["Fire"]
    with pytest.raises(ConfigError, match="every name once"):
        cues.with_changed(show, "Sea", Cue(name="Fire", preset="Sea"))
    with pytest.raises(ConfigError, match="no cue 'x'"):
        cues.moved(show, "x", 1)


def test_a_snapshot_is_a_preset_and_a_cue_that_goes_to_it():
    prompt = (WeightedPrompt(text="fast mint aurora", weight=1.0),)
    state = engine_state(prompt_now=prompt, seed=5)
    show, preset = cues.with_snapshot(cues.with_all_pads(SHOW), state, after="Sea")
    assert preset.prompt == "fast mint aurora"
    assert names(show) == ["Sea", "Mint Aurora", "Fire"]
    assert show.presets[-1] == preset


def test_a_view_says_how_a_cue_comes_and_lights_it():
    cue = Cue(name="Intro", preset="Sea", fade_s=2, follow_s=95, rows=("saturation",))
    show = Show(name="S", presets=(SEA, FIRE), cues=(cue, Cue(name="b", preset="Fire")))
    state = CueState(names=("Intro", "b"), on_air="Intro", standby="b", follow_in_s=12.2)
    first, second = cue_views(show, state)
    assert first.how == "soft 6 · fade 2 s · 1 row · → 1:35"
    assert (first.light, second.light) == (CueLight.ON_AIR, CueLight.STANDBY)
    assert countdown_text(state) == "goes in 12 s"
    gone = CueState(names=("Intro", "b"), on_air="Intro", queued="b", moves_in_s=1.24)
    assert countdown_text(gone) == "moves in 1.2 s"
    assert [view.light for view in lit((first, second), gone)] == [CueLight.ON_AIR, CueLight.QUEUED]
    assert lit((first, second), state) == (first, second)
    assert [time_text(s) for s in (0.5, 7, 9.97, 61)] == ["0.5 s", "7 s", "0:10", "1:01"]


def test_standby_moves_within_the_list():
    state = CueState(names=("a", "b", "c"), standby="b")
    assert [neighbour(state, by) for by in (-1, 1, 9)] == ["a", "c", "c"]
    at_end = CueState(names=("a", "b"), standby="")
    assert (neighbour(at_end, -1), countdown_text(at_end)) == ("b", "end of the list")
    assert neighbour(CueState(), 1) == ""
