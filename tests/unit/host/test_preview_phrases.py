"""What remotes prepare: every row, presets, prompts, and takes that go back again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RemoteProtocolError
from engine.host.remote.phrases import Stage
from engine.host.remote.preview_phrases import PREVIEW_PRESSES, step
from engine.protocol.messages import HardCut, QueuePrompt, SoftCut
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, defaults
from engine.protocol.preview import Preview, look_of
from engine.protocol.values import Look, WeightedPrompt
from tests.fakes import engine_state

SEA = Look(prompt="slow sea", name="Sea", parameters={"saturation": 1.5}, seed=7)
STAGE = Stage(pads=(PadSpec(name="Sea", look=SEA),))
ON_AIR = engine_state(
    prompt_now=(WeightedPrompt(text="fire", weight=1.0),), look_name="Fire", seed=3, live=defaults()
)
READY = Preview(is_open=True, name="Sea", prompt="slow sea", values=SEA.parameters, seed=7)
KEPT = [row for row in PARAMETERS.values() if row.in_preset]


def play(preview, address, *arguments, state=ON_AIR):
    return step(preview, state, address, arguments, STAGE)


def test_a_preset_is_prepared_and_its_prompt_encoded_without_a_cut():
    done = play(Preview(), "/preview/preset", "Sea")
    assert look_of(done.preview) == SEA
    assert done.preview.is_open
    assert done.commands == (QueuePrompt(text="slow sea"),)
    assert play(READY, "/preview/preset", 1).commands == ()  # it stands by already


def test_it_opens_with_what_is_on_air_and_closes_with_what_was_prepared():
    opened = play(Preview(), "/preview/open", 1)
    assert (opened.preview.name, opened.preview.prompt) == ("Fire", "fire")
    closed = play(READY, "/preview/open", 0)
    assert (closed.preview.is_open, closed.preview.prompt) == (False, "slow sea")
    assert closed.commands == ()
    assert play(closed.preview, "/preview/open", 1).preview == READY


@given(st.sampled_from(KEPT), st.floats(0, 1))
def test_every_row_that_presets_keep_can_be_prepared(row, norm):
    value = row.from_norm(norm)
    done = play(READY, f"/preview/{row.id}", value)
    assert done.preview.values[row.id] == row.clean(value)
    assert done.commands == ()


@pytest.mark.parametrize(
    ("how", "cut"),
    [
        ("hard", HardCut(look=SEA)),
        ("pre_roll", HardCut(look=SEA, pre_roll_chunks=1)),
        ("pre_roll/3", HardCut(look=SEA, pre_roll_chunks=3)),
        ("soft", SoftCut(look=SEA, num_chunks=4)),
        ("soft/9", SoftCut(look=SEA, num_chunks=9)),
    ],
)
def test_a_take_goes_to_the_preview_and_the_next_one_back(how, cut):
    done = play(READY, f"/preview/take/{how}", 1)
    assert done.commands == (cut, QueuePrompt(text="fire"))
    back = play(done.preview, "/preview/take/hard").commands[0].look
    assert (back.prompt, back.name, back.seed) == ("fire", "Fire", 3)


@pytest.mark.parametrize("address", PREVIEW_PRESSES)
def test_a_button_that_is_let_go_takes_nothing(address):
    assert play(READY, address.replace("<chunks>", "2"), 0.0) is None


@pytest.mark.parametrize(
    ("address", "arguments", "said"),
    [
        ("/preview/take/hard", [], "nothing is prepared; choose a preset"),
        ("/preview/take/wipe", [], "does not exist"),
        ("/preview/take", [], "does not exist"),
        ("/preview/take/soft/x", [], "a whole number"),
        ("/preview/take/hard", [1, 2], "nothing or one number"),
        ("/preview/preset", ["Fog"], "a preset by name or number, 1 to 1"),
        ("/preview/preset", [], "got nothing, expected one value"),
        ("/preview/prompt", [3], "expected a text"),
        ("/preview/open", ["yes"], "expected a number"),
        ("/preview/dimmer", [0.5], "does not exist"),  # panic controls are never prepared
        ("/preview/saturation", ["loud"], "got 'loud', expected a number from 0 to 2"),
        ("/preview/saturation/norm", [0.5], "does not exist"),
        ("/preview", [1], "does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(address, arguments, said):
    with pytest.raises(RemoteProtocolError, match=said):
        play(Preview(), address, *arguments)
