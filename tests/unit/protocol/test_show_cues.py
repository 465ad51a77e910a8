"""The cue list in a show's file: round trips, what is kept, what is refused and where."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ShowError
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.values import Cut

PRESETS = (
    Preset(name="Sea", prompt="slow sea", parameters={"saturation": 1.2, "control_amount": 0.4}),
    Preset(name="Fire", prompt="fast fire", cut=Cut.SOFT, chunks=7, seed=3),
)
NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text.strip())
CUES = st.builds(
    Cue,
    name=NAMES,
    preset=st.sampled_from(["Sea", "Fire"]),
    cut=st.none() | st.sampled_from(Cut),
    chunks=st.none() | st.integers(1, 64),
    fade_s=st.floats(0, 600),
    rows=st.none() | st.lists(st.sampled_from(sorted(PARAMETERS)), max_size=3).map(tuple),
    follow_s=st.none() | st.floats(0, 86400),
    note=st.text(max_size=20),
)
LISTS = st.lists(CUES, max_size=5, unique_by=lambda cue: cue.name).map(tuple)

COMMENTED = """name = "Evening"
presets = ["sea", "fire"]

[[cue]]  # doors
preset = "Sea"
smoke = true

[[cue]]
name = "Drop"  # the drums
preset = "Fire"
follow_s = 30
"""


@pytest.fixture
def evening(tmp_path):
    save_show(Show(name="Evening", presets=PRESETS), tmp_path)
    (tmp_path / "show.toml").write_text(COMMENTED)
    return tmp_path


@settings(max_examples=40, deadline=None)
@given(cues=LISTS, changed=LISTS)
def test_every_cue_list_comes_back_as_it_was_saved_also_over_an_older_one(
    tmp_path_factory, cues, changed
):
    folder = tmp_path_factory.mktemp("cues")
    saved = save_show(Show(name="S", presets=PRESETS, cues=cues), folder)
    assert load_show(folder).cues == cues
    save_show(replace(saved, cues=changed))
    assert load_show(folder).cues == changed


def test_moving_and_editing_cues_keeps_comments_and_fields_nobody_knows(evening):
    show = load_show(evening)
    assert show.remarks == ("show.toml line 6: field 'smoke' is not known here and was left alone",)
    sea, drop = show.cues
    save_show(replace(show, cues=(replace(drop, note="now"), sea)))
    text = (evening / "show.toml").read_text()
    assert "[[cue]]  # doors" in text
    assert "smoke = true" in text
    assert "# the drums" in text
    assert text.index("Drop") < text.index("doors")


def test_a_cue_is_its_preset_less_what_the_mask_leaves_out(evening):
    show = load_show(evening)
    cue = Cue(name="x", preset="Sea", rows=("saturation", "steps"), fade_s=2.0)
    spec = cue.spec(show.preset("Sea"))
    assert spec.look.parameters == {"saturation": 1.2}
    assert (spec.look.name, spec.look.prompt, spec.cut) == ("Sea", "slow sea", Cut.HARD)
    as_preset = Cue(name="y", preset="Fire").spec(show.preset("Fire"))
    assert (as_preset.cut, as_preset.num_chunks, as_preset.look.seed) == (Cut.SOFT, 7, 3)
    assert Cue(name="z", preset="Fire", cut=Cut.HARD).spec(show.preset("Fire")).cut is Cut.HARD


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('preset = "Fire"', 'preset = "Ice"', "line 10: field 'cue.preset': got 'Ice', expected"),
        ("follow_s = 30", 'follow_s = "soon"', "line 11: field 'cue.follow_s': got 'soon'"),
        ("follow_s = 30", "follow_s = -1", "expected a number from 0 to 86400"),
        ("follow_s = 30", 'rows = ["hue"]', "field 'cue.rows': got ['hue'], expected a list of"),
        ("follow_s = 30", 'cut = "slow"', "expected one of preset, none, hard, soft"),
        ('"Drop"', '"Sea"', "field 'cue': got"),
        ('"Drop"', '" "', "field 'cue.name': got ' '"),
    ],
)
def test_a_broken_cue_is_refused_with_its_line(evening, old, new, said):
    path = evening / "show.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ShowError) as refusal:
        load_show(evening)
    assert said in str(refusal.value)


def test_a_cue_of_a_newer_segue_may_name_rows_that_we_do_not_have(evening):
    path = evening / "show.toml"
    path.write_text("schema_version = 99\n" + path.read_text() + 'rows = ["hue", "saturation"]\n')
    show = load_show(evening)
    assert show.read_only
    assert show.cues[1].rows == ("saturation",)
