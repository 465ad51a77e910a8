"""Show and engine agree on what is set, whoever sets it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from app.core.beat_keep import (
    as_changed,
    as_found,
    change_text,
    missing,
    set_there,
    to_repeat,
    to_set,
)
from engine.protocol.beat import QUANTA, BeatClock, BeatState
from engine.protocol.beat_commands import JoinLink, ListenTo, SetQuantum, SetTempo
from engine.protocol.beat_settings import BeatSettings

BEATS = st.sampled_from([beats for beats, _ in QUANTA])
INPUTS = st.sampled_from(["", "default", "Scarlett"])
said = st.builds(
    BeatSettings,
    quantum_beats=st.none() | BEATS, link=st.none() | st.booleans(), sound=st.none() | INPUTS,
)  # fmt: skip
engines = st.builds(
    BeatState,
    quantum_beats=BEATS, link=st.sampled_from(["off", "alone", "2 peers"]), device=INPUTS,
)  # fmt: skip


def obeyed(beat, commands):
    """An engine that does as it is told."""
    for command in commands:
        match command:
            case SetQuantum():
                beat = structs.replace(beat, quantum_beats=command.quantum_beats)
            case JoinLink():
                beat = structs.replace(beat, link="alone" if command.is_joined else "off")
            case ListenTo():
                beat = structs.replace(beat, device=command.device)
    return beat


@given(said, engines)
def test_an_engine_that_was_told_has_what_the_show_says_and_the_rest_as_it_was(show, engine):
    after = set_there(obeyed(engine, to_set(engine, show)))
    for name in show.__struct_fields__:
        wanted = getattr(show, name)
        assert getattr(after, name) == (
            wanted if wanted is not None else getattr(set_there(engine), name)
        )
    assert to_set(obeyed(engine, to_set(engine, show)), show) == ()


@given(said, engines)
def test_a_show_that_an_engine_plays_already_changes_nothing_there(show, engine):
    found = as_found(show, engine)
    assert to_set(engine, found) == ()
    for name in show.__struct_fields__:
        is_said = getattr(show, name) is not None or getattr(set_there(engine), name)
        assert (getattr(found, name) is not None) == bool(is_said)


@given(said, st.lists(engines, min_size=1, max_size=5))
def test_whoever_sets_something_the_show_follows_and_undo_goes_all_the_way_back(show, states):
    first = states[0]
    show = as_found(show, first)
    past = []
    for before, now in pairwise(states):
        was, show = as_changed(show, before, now)
        assert to_set(now, show) == ()
        if was != show:
            past.append(was)
    engine = states[-1]
    for was in reversed(past):
        engine = obeyed(engine, to_set(engine, was))
    changed = [
        name
        for name in show.__struct_fields__
        if any(getattr(set_there(one), name) != getattr(set_there(first), name) for one in states)
    ]
    for name in changed:
        assert getattr(set_there(engine), name) == getattr(set_there(first), name)


@given(engines, engines)
def test_an_engine_that_began_anew_gets_back_what_a_hand_had_set_or_had_switched_off(before, now):
    clock = BeatClock(bpm=120.0, beat=32.0, at_s=100.0, source="tap")
    tempo, *rest = to_repeat(structs.replace(before, clock=clock), now)
    assert tempo == SetTempo(bpm=120.0, beat=32.0, at_s=100.0)
    assert set_there(obeyed(now, rest)) == set_there(before)
    assert to_repeat(now, now) == ()


def test_link_that_is_not_offered_stays_in_the_show_and_is_said():
    show, here = BeatSettings(link=True), BeatState(link="")
    assert as_found(show, here) == show
    assert as_changed(show, BeatState(link="off"), here)[1] == show
    assert "pip install aalink" in missing(show, here)[0]
    assert missing(show, BeatState(link="alone")) == ()


def test_an_input_that_is_not_here_is_said_once_it_is_known():
    assert missing(BeatSettings(), BeatState(device="x", sound="opening")) == ()
    assert missing(BeatSettings(), BeatState(device="x", sound="no x")) == ("no x",)
    heard = BeatState(device="x", sound="X", levels={"bass": 0.1})
    assert missing(BeatSettings(), heard) == ()


def test_a_change_is_told_in_words():
    was = BeatSettings(quantum_beats=0.0, link=False, sound="")
    assert change_text(was, structs.replace(was, quantum_beats=8.0)) == "cuts wait for: 2 bars"
    assert change_text(was, structs.replace(was, link=True)) == "following Link"
    assert change_text(was, structs.replace(was, sound="default")) == "sound of the default input"
    assert change_text(structs.replace(was, sound="x"), was) == "no sound"
