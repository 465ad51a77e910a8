"""Where user data lives."""

from __future__ import annotations

from pathlib import Path

from engine.protocol import places


def test_the_variable_moves_everything(monkeypatch, tmp_path):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path))
    folders = [places.takes_folder(), places.recordings_folder(), places.shows_folder()]
    assert {folder.parent for folder in folders} == {tmp_path}
    assert places.autosave_folder() == tmp_path / "autosave"


def test_without_the_variable_it_is_the_systems_place_for_user_data(monkeypatch):
    monkeypatch.delenv(places.HOME_VARIABLE, raising=False)
    assert places.home().is_absolute()
    assert places.home().name == "segue"


def test_a_relative_or_tilde_path_becomes_absolute(monkeypatch):
    monkeypatch.setenv(places.HOME_VARIABLE, "~/stick")
    assert places.home() == Path.home() / "stick"


def test_asking_makes_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "none"))
    places.takes_folder()
    assert not (tmp_path / "none").exists()
