import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.cue_form import CueForm, cue_of, form_of
from engine.errors import ConfigError
from engine.protocol.show import Cue, Preset
from engine.protocol.values import Cut

SEA = Preset(name="Sea", prompt="sea", parameters={"saturation": 1.0, "steps": 2.0})


@given(
    st.builds(
        Cue,
        name=st.just("a"),
        preset=st.just("Sea"),
        cut=st.none() | st.sampled_from(Cut),
        chunks=st.none() | st.integers(1, 64),
        fade_s=st.integers(0, 6000).map(lambda tenths: tenths / 10),
        rows=st.none() | st.just(("steps",)) | st.just(()),
        follow_s=st.none() | st.integers(0, 9999).map(float),
        note=st.text("abc ", max_size=9).map(str.strip),
    )
)
def test_a_form_says_its_cue_and_gives_it_back(cue):
    assert cue_of(form_of(cue), SEA) == cue


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1:30", 90.0), ("1,5", 1.5), ("2 s", 2.0), ("", None)]
)
def test_times_are_written_as_people_write_them(text, seconds):
    assert cue_of(CueForm(name="a", preset="Sea", follow=text), SEA).follow_s == seconds


def test_a_mask_of_everything_is_no_mask():
    assert cue_of(CueForm(name="a", preset="Sea", rows=("steps", "saturation")), SEA).rows is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"follow": "soon"}, "Then after: got 'soon', expected seconds, or minutes like 1:30"),
        ({"follow": "-3"}, "Then after: got '-3'"),
        ({"fade": "700"}, "Fade: got 700.0, expected 0 to 600 s"),
        ({"fade": "inf"}, "Fade: got 'inf'"),
        ({"chunks": "2.5"}, "Chunks: got '2.5', expected a whole number"),
        ({"chunks": "99"}, "Chunks: got 99, expected 1 to 64"),
        ({"name": " "}, "Name: got ''"),
    ],
)
def test_a_field_that_cannot_be_is_one_sentence(changes, said):
    with pytest.raises(ConfigError) as refusal:
        cue_of(CueForm(**{"name": "a", "preset": "Sea", **changes}), SEA)
    assert said in str(refusal.value)
