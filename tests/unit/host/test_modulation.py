"""Where modulators have parameters at a moment."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.host.beat_desk import BeatDesk
from engine.host.modulation import Modulation, applied, sampled, wave
from engine.protocol.beat import BeatClock
from engine.protocol.beat_commands import SetModulators, SetTempo
from engine.protocol.modulators import (
    ENVELOPES,
    MAX_MODULATORS,
    MODULATED,
    SHAPES,
    WAVES,
    Modulator,
    check_modulators,
    modulator_text,
)
from engine.protocol.parameters import PARAMETERS, Applies, defaults
from tests.fakes import Notices, chunk_plan

CLOCK = BeatClock(bpm=120.0, beat=0.0, at_s=0.0)
modulators = st.builds(
    Modulator,
    parameter=st.sampled_from(MODULATED),
    shape=st.sampled_from(SHAPES),
    beats=st.sampled_from([0.0, 0.25, 1.0, 4.0, 16.0]),
    hz=st.floats(0.01, 20),
    depth=st.floats(-1, 1),
    offset=st.floats(0, 1),
)


def shape(name, at):
    return wave(Modulator(parameter="dimmer", shape=name), at)


def values_of(*modulators, at_s=0.0, clock=CLOCK, applies=Applies.FRAME, **base):
    modulation = Modulation(modulators=modulators, clock=clock)
    return sampled(modulation, {**defaults(), **base}, at_s, applies)


@pytest.mark.parametrize(
    ("name", "quarters"),
    [
        ("sine", (0, 1, 0, -1)),
        ("triangle", (0, 1, 0, -1)),
        ("saw", (-1, -0.5, 0, 0.5)),
        ("square", (1, 1, -1, -1)),
        ("swell", (0, 0.25, 0.5, 0.75)),
    ],
)
def test_the_shapes_are_what_their_table_says(name, quarters):
    for turn in (0, 7, -3):
        said = [shape(name, turn + quarter / 4) for quarter in range(4)]
        assert said == pytest.approx(quarters, abs=1e-9)


def test_decay_begins_at_the_top_and_dies_away():
    steps = [shape("decay", n / 20) for n in range(20)]
    assert steps[0] == 1.0
    assert all(b < a for a, b in pairwise(steps))
    assert steps[-1] < 0.01


def test_random_holds_for_a_cycle_and_differs_between_cycles_and_parameters():
    held = {shape("random", 3 + n / 10) for n in range(10)}
    assert len(held) == 1
    drawn = [shape("random", n) for n in range(200)]
    assert len(set(drawn)) == 200
    assert min(drawn) < -0.8
    assert max(drawn) > 0.8
    assert shape("random", 5) == shape("random", 5.5)


@given(st.sampled_from((*WAVES, *ENVELOPES)), st.floats(-1e4, 1e4))
@settings(max_examples=150, deadline=None)
def test_no_shape_leaves_its_travel(name, num_cycles):
    low = -1.0 if name in WAVES else 0.0
    assert low - 1e-6 <= shape(name, num_cycles) <= 1.0


@given(st.lists(modulators, max_size=5), st.floats(0, 1e5), st.sampled_from(list(Applies)))
@settings(max_examples=150, deadline=None)
def test_what_comes_out_is_a_value_of_the_row_and_of_no_other_row(several, at_s, applies):
    said = values_of(*several, at_s=at_s, applies=applies)
    wanted = {m.parameter for m in several if PARAMETERS[m.parameter].applies is applies}
    assert set(said) == wanted
    for key, value in said.items():
        row = PARAMETERS[key]
        assert row.low <= value <= row.high
        assert row.clean(value) == value


def test_a_wave_in_beats_follows_the_tempo_and_one_in_hertz_the_time():
    by_beat = Modulator(parameter="saturation", beats=4.0, depth=0.5)
    by_time = Modulator(parameter="saturation", beats=0.0, hz=0.25, depth=0.5)
    assert values_of(by_beat, at_s=0.5) == {"saturation": pytest.approx(2.0)}
    fast = BeatClock(bpm=240.0)
    assert values_of(by_beat, at_s=0.25, clock=fast) == {"saturation": pytest.approx(2.0)}
    assert values_of(by_time, at_s=1.0, clock=fast) == {"saturation": pytest.approx(2.0)}


def test_without_a_beat_waves_in_beats_stand():
    one = Modulator(parameter="dimmer", shape="saw", depth=0.5)
    values = {values_of(one, at_s=at_s, clock=BeatClock())["dimmer"] for at_s in (0.0, 0.7, 9.1)}
    assert len(values) == 1


def test_several_on_one_parameter_add_up_and_the_ends_hold():
    up = Modulator(parameter="dimmer", shape="square", depth=0.25)
    assert values_of(up, up, dimmer=0.25) == {"dimmer": pytest.approx(0.75)}
    assert values_of(up, up, up, up, dimmer=0.25) == {"dimmer": 1.0}


def test_where_nothing_moves_the_values_are_the_same_mapping():
    base = defaults(Applies.FRAME)
    assert applied(Modulation(), base, 1.0, Applies.FRAME) is base


def test_a_chunk_is_planned_with_the_values_in_the_middle_of_its_time_on_air():
    desk = BeatDesk(Notices(), clock=lambda: 100.0)
    desk.answer(SetTempo(bpm=60.0))
    one = Modulator(parameter="input_amount", shape="saw", beats=8.0, depth=0.5)
    desk.answer(SetModulators(modulators=(one,)))
    base = chunk_plan(3, parameters={**defaults(Applies.CHUNK), "input_amount": 0.5})
    plan = desk.modulated(base, 100.0, 1.0, 1.5)  # seen from 101.5 to 102.5 s: beat 2
    assert plan.parameters["input_amount"] == pytest.approx(0.5 + 0.5 * (2 * 2 / 8 - 1))
    assert desk.moved_now(defaults(Applies.FRAME)) == {
        "input_amount": plan.parameters["input_amount"]
    }
    assert base.parameters["input_amount"] == 0.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameter": "black"}, "parameter is 'black', expected one of"),
        ({"shape": "wobble"}, "shape is 'wobble'"),
        ({"depth": 1.5}, "depth is 1.5, expected -1 to 1"),
        ({"offset": float("nan")}, "offset is nan, expected 0 to 1"),
        ({"beats": 0.0}, "hz is 0.0, expected above 0, up to 20, or beats above 0"),
    ],
)
def test_what_cannot_be_is_refused_and_those_before_run_on(changes, said):
    desk = BeatDesk(Notices())
    good = Modulator(parameter="dimmer")
    desk.answer(SetModulators(modulators=(good,)))
    with pytest.raises(ConfigError, match=said):
        desk.answer(SetModulators(modulators=(Modulator(**{"parameter": "dimmer", **changes}),)))
    assert desk.modulators == (good,)


def test_too_many_are_refused():
    with pytest.raises(ConfigError, match="at most 32 can run"):
        check_modulators((Modulator(parameter="dimmer"),) * (MAX_MODULATORS + 1))


def test_a_modulator_is_told_in_a_line():
    one = Modulator(parameter="saturation", beats=1.0)
    assert modulator_text(one) == "Saturation · sine · 1 beat · +25%"


def test_what_follows_sound_goes_by_its_level_and_rests_in_silence():
    one = Modulator(parameter="dimmer", shape="bass", depth=-0.8)
    loud = Modulation(modulators=(one,), levels={"bass": 0.5, "onset": 1.0})
    base = defaults(Applies.FRAME)
    assert sampled(loud, base, 3.0, Applies.FRAME) == {"dimmer": pytest.approx(0.6)}
    silent = Modulation(modulators=(one,))
    assert sampled(silent, base, 3.0, Applies.FRAME) == {"dimmer": 1.0}
    assert modulator_text(one) == "Dimmer · bass · -80%"


def test_following_sound_that_nobody_listens_to_is_said_once():
    notices = Notices()
    desk = BeatDesk(notices)
    desk.answer(SetModulators(modulators=(Modulator(parameter="dimmer"),)))
    assert notices.texts == []
    for depth in (0.1, 0.2):
        one = Modulator(parameter="dimmer", shape="onset", depth=depth)
        desk.answer(SetModulators(modulators=(one,)))
    (text,) = notices.texts
    assert "press SOUND" in text
