"""What cuts wait for, Link and the sound input in a show's file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, ShowError
from engine.protocol.beat import QUANTA
from engine.protocol.beat_settings import BeatSettings, check_input
from engine.protocol.modulators import Modulator
from engine.protocol.show import FieldError, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.show_zip import export_show, import_show

BAR = BeatSettings(quantum_beats=4.0, link=True, sound="Scarlett 2i2")
INPUTS = st.text(st.characters(categories=["L", "N", "P"]), max_size=12).map(check_input)
SETTINGS = st.builds(
    BeatSettings,
    quantum_beats=st.sampled_from([None, *(beats for beats, _ in QUANTA)]),
    link=st.sampled_from([None, False, True]),
    sound=st.none() | INPUTS,
)


def written(folder, text, schema=1):
    (folder / "show.toml").write_text(f'schema_version = {schema}\nname = "S"\n{text}')
    return folder


@settings(max_examples=60, deadline=None)
@given(st.lists(SETTINGS, min_size=1, max_size=4))
def test_settings_come_back_as_they_were_saved_also_over_others(tmp_path_factory, saved):
    folder = tmp_path_factory.mktemp("show")
    for one in saved:
        save_show(Show(name="S", beat=one), folder)
        assert load_show(folder).beat == one


def test_the_file_says_it_in_a_performers_words(tmp_path):
    save_show(Show(name="S", beat=BAR), tmp_path)
    text = (tmp_path / "show.toml").read_text()
    assert '[beat]\nwait = "bar"\nlink = true' in text
    assert '[sound]\ninput = "Scarlett 2i2"' in text


def test_an_old_show_says_nothing_and_saving_it_adds_nothing(tmp_path):
    folder = written(tmp_path, "soft_cut_chunks = 6\n")
    before = (folder / "show.toml").read_bytes()
    show = load_show(folder)
    assert show.beat == BeatSettings()
    save_show(show)
    assert (folder / "show.toml").read_bytes() == before


def test_comments_and_fields_that_we_do_not_know_stay(tmp_path):
    folder = written(
        tmp_path, '[beat]  # ours\nwait = "beat"  # tight\nswing = 0.3\n[sound]\ngate = 2\n'
    )
    show = load_show(folder)
    assert any("'swing' is not known here" in remark for remark in show.remarks)
    save_show(replace(show, beat=BAR))
    text = (folder / "show.toml").read_text()
    for kept in ("[beat]  # ours", 'wait = "bar"  # tight', "swing = 0.3", "gate = 2"):
        assert kept in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[beat]\nwait = 4", "line 4: field 'beat.wait': got 4, expected one of off, beat, bar"),
        ('[beat]\nwait = ["bar"]', r"line 4: field 'beat.wait': got \['bar'\]"),
        ('[beat]\nwait = "3 bars"', "line 4: field 'beat.wait': got '3 bars'"),
        ('[beat]\nlink = "yes"', "line 4: field 'beat.link': got 'yes', expected true or false"),
        ("beat = 4", "line 3: field 'beat': got 4, expected a table"),
        ("[sound]\ninput = true", "line 4: field 'sound.input': got True, expected a text"),
        ('[sound]\ninput = "a\\u0000b"', "line 4: field 'sound.input'.*a part of a name in one"),
        ("[[sound]]\ninput = 'x'", "field 'sound'.*expected a table"),
    ],
)
def test_a_wrong_field_is_named_with_its_line_and_nothing_changes(tmp_path, text, said):
    folder = written(tmp_path, f"{text}\n")
    with pytest.raises(ShowError, match=said):
        load_show(folder)


@pytest.mark.parametrize("wait", ["'chorus'", "['bar', 'beat']", "3"])
def test_a_newer_show_keeps_what_only_it_knows_in_a_copy(tmp_path, wait):
    (tmp_path / "new").mkdir()
    folder = written(
        tmp_path / "new",
        f'[beat]\nwait = {wait}\nlink = true\n[[modulator]]\nparameter = "hue"\n'
        '[[modulator]]\nparameter = "dimmer"\n',
        schema=9,
    )
    show = load_show(folder)
    assert show.beat == BeatSettings(link=True)
    faster = (Modulator(parameter="dimmer", beats=1.0),)
    heard = replace(show, beat=BeatSettings(link=False), modulators=faster)
    copy = save_show(heard, tmp_path / "copy")
    text = (tmp_path / "copy" / "show.toml").read_text()
    assert f"wait = {wait}" in text
    assert 'parameter = "hue"' in text
    assert load_show(copy.folder).beat == BeatSettings(link=False)
    assert load_show(copy.folder).modulators == faster


def test_settings_travel_in_the_zip(tmp_path):
    save_show(Show(name="S", beat=BAR), tmp_path / "show")
    export_show(tmp_path / "show", tmp_path / "s.zip")
    assert import_show(tmp_path / "s.zip", tmp_path / "shows").beat == BAR


def test_a_show_cannot_be_made_that_waits_for_what_nobody_counts():
    with pytest.raises(FieldError, match=r"beat.wait: got 3.0, expected one of 0, 1, 4, 8, 16"):
        Show(name="S", beat=BeatSettings(quantum_beats=3.0))


@pytest.mark.parametrize("name", ["a\0b", "two\nlines", "x" * 201])
def test_a_name_that_no_input_has_is_refused(name):
    with pytest.raises(ConfigError, match="segue doctor` lists the inputs"):
        check_input(name)
