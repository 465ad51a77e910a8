"""Modulators in a show's file."""

from __future__ import annotations

import pytest

from engine.errors import ShowError
from engine.protocol.modulators import Modulator
from engine.protocol.show import FieldError, Show
from engine.protocol.show_file import load_show, save_show

SLOW = Modulator(parameter="saturation", shape="triangle", beats=16.0, depth=-0.5, offset=0.25)
FAST = Modulator(parameter="control_amount", shape="square", beats=0.0, hz=2.5, depth=1.0)


def written(tmp_path, text, schema=1):
    (tmp_path / "show.toml").write_text(f'schema_version = {schema}\nname = "S"\n{text}')
    return tmp_path


def test_modulators_come_back_as_they_were_saved(tmp_path):
    save_show(Show(name="S", modulators=(SLOW, FAST)), tmp_path)
    assert load_show(tmp_path).modulators == (SLOW, FAST)
    text = (tmp_path / "show.toml").read_text()
    assert "hz = 2.5" in text
    assert text.count("beats") == 1
    save_show(Show(name="S"), tmp_path)
    assert "modulator" not in (tmp_path / "show.toml").read_text()


def test_a_file_written_by_hand_needs_only_the_parameter(tmp_path):
    folder = written(tmp_path, '[[modulator]]\nparameter = "dimmer"\nshap = "saw"\n')
    show = load_show(folder)
    assert show.modulators == (Modulator(parameter="dimmer"),)
    assert any("'shap' is not known" in remark for remark in show.remarks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('parameter = "loudness"', r"line 4: field 'modulator.parameter': got 'loudness'"),
        ('shape = "saw"', "field 'modulator.parameter': it is missing"),
        ('parameter = "dimmer"\ndepth = 2', "line 5: field 'modulator.depth': got 2"),
        ('parameter = "dimmer"\nbeats = 1\nhz = 1', "a rate in beats or in hz, not both"),
        ('parameter = "dimmer"\nhz = 0', "expected above 0, up to 20"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(tmp_path, text, said):
    with pytest.raises(ShowError, match=said):
        load_show(written(tmp_path, f"[[modulator]]\n{text}\n"))


def test_a_newer_show_keeps_what_we_do_not_know(tmp_path):
    folder = written(
        tmp_path,
        '[[modulator]]\nparameter = "dimmer"\n[[modulator]]\nparameter = "hue"\n',
        schema=99,
    )
    show = load_show(folder)
    assert show.modulators == (Modulator(parameter="dimmer"),)
    assert show.read_only


def test_a_show_cannot_be_made_with_what_cannot_be():
    with pytest.raises(FieldError, match=r"modulator.depth: got 3.0, expected -1 to 1"):
        Show(name="S", modulators=(Modulator(parameter="dimmer", depth=3.0),))
