"""What an address means: every row of the parameter table, presses, and what does not fit."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.errors import EngineError, RemoteProtocolError
from engine.host.remote.facts import facts
from engine.host.remote.osc import last_values
from engine.host.remote.osc_codec import OscMessage
from engine.host.remote.phrases import PRESSES, Question, Stage, is_below, read
from engine.protocol.beat_commands import (
    AlignBar,
    JoinLink,
    ListenTo,
    NudgeBeat,
    SetQuantum,
    SetTempo,
    TapBeat,
)
from engine.protocol.messages import (
    Back,
    CancelCut,
    Go,
    HardCut,
    HoldFollow,
    QueuePrompt,
    SetParameters,
    SoftCut,
    StandBy,
    StartRecording,
    StopRecording,
    WorkerState,
)
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, Kind
from engine.protocol.values import Cut, Look, ModelChoice
from tests.fakes import engine_state

INK, FIRE = Look(prompt="ink", name="Ink"), Look(prompt="fire", name="Fire")
STAGE = Stage(
    pads=(
        PadSpec(name="Ink", look=INK),
        PadSpec(name="Fire", look=FIRE, cut=Cut.SOFT, num_chunks=6),
    ),
    cues=("One", "Two"),
    targets={"dimmer": 0.5},
    on_air=INK,
)
rows = st.sampled_from(list(PARAMETERS.values()))


def test_a_model_is_named_with_its_size_and_keeps_what_is_not_said():
    plays = ModelChoice(name="house", device="cpu", latents_per_chunk=1)
    stage = Stage(model=plays)
    same = read("/model", ["house 256x144"], stage)
    assert same.model == structs.replace(plays, width_px=256, height_px=144)
    other = read("/model", [" longlive-1.3b  832x480 "], stage)
    assert other.model == ModelChoice(
        name="longlive-1.3b", width_px=832, height_px=480, device="cpu"
    )


def test_the_model_that_is_told_can_be_asked_for():
    model = ModelChoice(name="krea-14b-vace", width_px=832, height_px=480)
    told = facts(engine_state(worker=WorkerState(choice=model, coming=model)), ())
    assert read("/model", [told["/model"]], STAGE).model == model
    assert told["/model/coming"] == told["/model"] == "krea-14b-vace 832x480"


@pytest.mark.parametrize(
    "said", ["", "house", "house big", "house 256", "house 256x", "256x144", "house 0x9", 3.0]
)
def test_a_model_without_a_size_is_refused(said):
    with pytest.raises(RemoteProtocolError, match="/model"):
        read("/model", [said], STAGE)


@given(rows, st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_row_takes_a_number_and_keeps_its_range(row, value):
    command = read(f"/{row.id}", [value], STAGE)
    assert command == SetParameters(values={row.id: row.clean(value)})


@given(rows, st.floats(0, 1))
def test_every_row_takes_a_fader_without_a_scale(row, norm):
    assert read(f"/{row.id}/norm", [norm], STAGE) == SetParameters(
        values={row.id: row.from_norm(norm)}
    )


@pytest.mark.parametrize("row", [row for row in PARAMETERS.values() if row.kind is Kind.CHOICE])
def test_a_choice_is_taken_by_name(row):
    for index, name in enumerate(row.choices):
        assert read(f"/{row.id}", [name], STAGE) == SetParameters(values={row.id: float(index)})


def test_steps_of_an_encoder_add_to_where_the_row_goes():
    assert read("/dimmer/step", [-0.25], STAGE) == SetParameters(values={"dimmer": 0.25})
    assert read("/dimmer/step", [9], STAGE) == SetParameters(values={"dimmer": 1.0})


@pytest.mark.parametrize(
    ("address", "arguments", "command"),
    [
        ("/go", [], Go()),
        ("/go", [1.0], Go()),
        ("/back", [True], Back()),
        ("/cut/hard", [], HardCut(look=INK)),
        ("/cut/soft", [], SoftCut(num_chunks=4)),
        ("/cut/soft/9", [], SoftCut(num_chunks=9)),
        ("/cut/cancel", [1], CancelCut()),
        ("/cut/pre_roll", [], HardCut(look=INK, pre_roll_chunks=1)),
        ("/cut/pre_roll/3", [1], HardCut(look=INK, pre_roll_chunks=3)),
        ("/preset/2/pre_roll", [], HardCut(look=FIRE, pre_roll_chunks=1)),
        ("/preset/2/pre_roll/2", [], HardCut(look=FIRE, pre_roll_chunks=2)),
        ("/beat/earlier", [], NudgeBeat(by_beats=0.02)),
        ("/beat/later", [1], NudgeBeat(by_beats=-0.02)),
        ("/beat/link", [1], JoinLink(is_joined=True)),
        ("/beat/wait", ["2 bars"], SetQuantum(quantum_beats=8.0)),
        ("/sound", ["default"], ListenTo(device="default")),
        ("/recording", [1], StartRecording()),
        ("/recording", [0], StopRecording()),
        ("/preset", [2], SoftCut(look=FIRE, num_chunks=6)),
        ("/preset", ["Ink"], HardCut(look=INK)),
        ("/preset/1", [], HardCut(look=INK)),
        ("/preset/2/hard", [1.0], HardCut(look=FIRE)),
        ("/preset/1/soft/3", [], SoftCut(look=INK, num_chunks=3)),
        ("/standby", ["Two"], StandBy(cue="Two")),
        ("/standby/1", [], StandBy(cue="One")),
        ("/hold", [1], HoldFollow(is_held=True)),
        ("/prompt", ["ink in water"], QueuePrompt(text="ink in water")),
        ("/panic/clear", [], SetParameters(values={"freeze": 0.0, "black": 0.0, "dimmer": 1.0})),
    ],
)  # fmt: skip
def test_an_address_is_a_command(address, arguments, command):
    assert read(address, arguments, STAGE) == command


def test_a_cut_takes_the_prompt_in_standby_when_there_is_one():
    stage = Stage(on_air=INK, has_standby=True)
    assert read("/cut/hard", [], stage) == HardCut()
    assert read("/cut/soft/2", [], stage) == SoftCut(num_chunks=2)


@pytest.mark.parametrize("address", PRESSES)
@pytest.mark.parametrize("zero", [0, 0.0, False])
def test_a_button_that_is_let_go_does_nothing(address, zero):
    pressed = address.replace("<number>", "1").replace("<chunks>", "3")
    assert read(pressed, [1], STAGE) is not None
    assert read(pressed, [zero], STAGE) is None


def test_a_question_mark_asks_instead_of_setting():
    assert read("/dimmer", ["?"], STAGE) == Question("/dimmer")
    assert read("/", ["?"], STAGE) == Question("")
    assert is_below("/cue/standby", "/cue")
    assert is_below("/cue/standby", "")
    assert not is_below("/cuedo", "/cue")


@pytest.mark.parametrize(
    ("address", "arguments", "word"),
    [
        ("/dimer", [1], "'/dimer' does not exist"),
        ("/dimmer", [], "got nothing, expected one value"),
        ("/dimmer", ["loud"], "got 'loud', expected a number from 0 to 1"),
        ("/dimmer", [math.nan], "got nan"),
        ("/dimmer/norm/x", [1], "does not exist"),
        ("/control_kind", ["edgy"], "or one of silhouette"),
        ("/preset", [3], "by name or number, 1 to 2"),
        ("/preset/0", [], "1 to 2"),
        ("/preset/x", [], "a whole number"),
        ("/cut/soft/-1", [], "a whole number"),
        ("/cut/pre_roll/1/2", [], "does not exist"),
        ("/preset/1/pre_roll/x", [], "a whole number"),
        ("/sound", [1], "expected a text"),
        ("/beat/wait", ["3 bars"], "expected beats or one of off, beat, bar, 2 bars, 4 bars"),
        ("/recording", ["on"], "expected a number"),
        ("/standby", ["Three"], "a cue by name or number, 1 to 2"),
        ("/go", [1, 2], "nothing or one number"),
        ("/go", ["now"], "expected a number"),
        ("/prompt", [3], "expected a text"),
        ("", [], "does not exist"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(address, arguments, word):
    with pytest.raises(RemoteProtocolError, match=word):
        read(address, arguments, STAGE)


def test_without_presets_the_refusal_says_so():
    with pytest.raises(RemoteProtocolError, match="none exist"):
        read("/preset/1", [], Stage())


anything = st.text(max_size=12) | st.integers() | st.floats() | st.booleans() | st.none()


@given(
    st.lists(st.sampled_from([*PARAMETERS, "cut", "soft", "preset", "go", "1", "", "x"])),
    st.lists(anything, max_size=3),
)
def test_nothing_that_comes_breaks_it(parts, arguments):
    with suppress(EngineError):
        read("/" + "/".join(parts), arguments, STAGE)


sent = st.lists(
    st.tuples(
        st.builds(
            OscMessage,
            st.sampled_from(["/segue/dimmer", "/segue/dimmer/norm", "/segue/steps", "/segue/go"]),
            st.tuples(st.integers(0, 9)) | st.just(("?",)),
        ),
        st.sampled_from([("a", 1), ("b", 1)]),
    )
)


@given(sent)
def test_of_values_that_wait_the_last_of_each_sender_is_kept_and_nothing_else_is_lost(came):
    kept = last_values(came)
    is_value = [m.address != "/segue/go" and m.arguments != ("?",) for m, _ in kept]
    rows = [(m.address, s) for (m, s), value in zip(kept, is_value, strict=True) if value]
    assert len(rows) == len(set(rows))
    others = [one for one, value in zip(kept, is_value, strict=True) if not value]
    assert others == [o for o in came if o[0].address == "/segue/go" or o[0].arguments == ("?",)]
    assert last_of(kept) == last_of(came)


def last_of(messages):
    return {(m.address, s): m for m, s in messages if m.arguments != ("?",)}


def test_the_beat_is_tapped_set_and_waited_for():
    assert read("/beat/tap", [], STAGE) == TapBeat()
    assert read("/beat/tap", [0], STAGE) is None  # a button that was let go
    assert read("/beat/bar", [1], STAGE) == AlignBar()
    assert read("/beat/bpm", [128], STAGE) == SetTempo(bpm=128.0)
    assert read("/beat/wait", [4], STAGE) == SetQuantum(quantum_beats=4.0)
