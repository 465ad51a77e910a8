from dataclasses import replace

import msgspec
import pytest

from app.core.autosave import Autosave, from_record, look_on_air, offer, to_record
from app.session_store import FIRST_SHOW
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.show import Binding, ControlKind, Cue
from engine.protocol.show_file import load_show
from engine.protocol.values import Look, WeightedPrompt
from tests.fakes import engine_state

SHOW = load_show(FIRST_SHOW)
SAVED = Autosave(at="21:43", show=SHOW, is_saved=True, look=Look(prompt="sea"), engine_pid=7)


def changed(**changes):
    return msgspec.structs.replace(SAVED, **changes)


def test_a_record_comes_back_as_it_was_with_all_of_its_show():
    binding = Binding(kind=ControlKind.NOTE, channel=2, number=36, target="cut:hard", port="pads")
    cue = Cue(name="a", preset=SHOW.presets[0].name, rows=("steps",), follow_s=3.0)
    beat = BeatSettings(quantum_beats=4.0, link=False, sound="Scarlett 2i2")
    show = replace(SHOW, cues=(cue,), bindings=(binding,), beat=beat)
    back = from_record(to_record(changed(show=show)))
    assert back == changed(show=show)
    assert (back.show.folder, back.show.files) == (show.folder, show.files)


@pytest.mark.parametrize("record", [None, b"", b"{", b"\xff", b'{"version": 9}', b"[]"])
def test_what_is_no_record_is_never_in_the_way(record):
    assert from_record(record) is None


def test_a_record_of_another_version_or_with_what_cannot_be_is_none():
    assert from_record(to_record(changed(version=2))) is None
    broken = to_record(SAVED).replace(b'"hard"', b'"none"')
    assert from_record(broken) is None


@pytest.mark.parametrize(
    ("is_saved", "was_closed", "pid", "words"),
    [
        (True, False, 7, None),
        (False, False, 7, "unsaved changes of First Light"),
        (True, False, 8, "on air"),
        (False, False, 8, "unsaved changes of First Light and"),
        (False, True, 8, "unsaved changes"),
        (True, True, 8, None),
    ],
)
def test_what_is_offered_is_what_would_be_lost(is_saved, was_closed, pid, words):
    made = offer(changed(is_saved=is_saved), was_closed=was_closed, engine_pid=pid)
    if words is None:
        assert made is None
    else:
        assert made.text.startswith("Recover the set of 21:43?")
        assert words in made.text
        assert made.with_look is (pid == 8 and not was_closed)


def test_the_look_on_air_is_kept_with_its_seed_and_without_panic_controls():
    parts = (WeightedPrompt(text="a", weight=0.3), WeightedPrompt(text="b", weight=0.7))
    look = look_on_air(engine_state(prompt_now=parts, seed=5, look_name="B"))
    assert (look.prompt, look.seed, look.name) == ("b", 5, "B")
    assert "saturation" in look.parameters
    assert "black" not in look.parameters
    assert look_on_air(engine_state()) is None
