"""Shows as one file: what goes in comes out elsewhere, and nothing else ever does."""

import stat
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import main as segue
from engine.errors import ShowError
from engine.protocol import show_zip
from engine.protocol.show import Cue, Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.show_zip import export_show, import_show
from engine.protocol.values import SourceSpec

PRESETS = (Preset(name="Sea", prompt="slow sea", picture="sea.jpg"),)
SHOW_TOML = 'name = "S"\npresets = ["a"]\n'
PRESET_TOML = 'name = "A"\nprompt = "x"\n'


@pytest.fixture
def evening(tmp_path):
    """A show with a picture beside it and a film elsewhere."""
    film = tmp_path / "films" / "rain.mp4"
    film.parent.mkdir()
    film.write_bytes(b"not really a film")
    source = SourceSpec(kind="file", address=str(film))
    show = Show(name="Evening", presets=PRESETS, source=source, cues=(Cue(name="a", preset="Sea"),))
    folder = save_show(show, tmp_path / "evening").folder
    (folder / "sea.jpg").write_bytes(b"picture")
    (folder / ".show.toml.x.tmp").write_text("half")
    (folder / "link").symlink_to("/etc/hostname")
    return folder


def a_zip(path, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_a_show_comes_out_elsewhere_as_it_went_in_with_its_media(evening, tmp_path):
    packed = export_show(evening, tmp_path / "out" / "evening")
    shows = tmp_path / "other machine" / "shows"
    show = import_show(packed, shows)
    assert replace(show, source=SourceSpec()) == replace(load_show(evening), source=SourceSpec())
    assert show.source.address == str(shows / "evening" / "media" / "rain.mp4")
    names = {path.relative_to(show.folder).as_posix() for path in show.folder.rglob("*")}
    assert names == {"show.toml", "sea.toml", "sea.jpg", "media", "media/rain.mp4"}
    again = import_show(packed, shows)  # beside, never over
    assert again.folder.name == "evening-2"


def test_an_export_without_its_film_is_one_sentence_and_leaves_the_old_zip(evening, tmp_path):
    packed = export_show(evening, tmp_path / "e.zip")
    before = packed.read_bytes()
    (tmp_path / "films" / "rain.mp4").unlink()
    with pytest.raises(ShowError, match=r"No such file.*rain.mp4.*nothing was changed"):
        export_show(evening, packed)
    assert packed.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "name",
    ["../evil.toml", "/etc/evil", "a/../../evil", "C:evil", "a\\..\\evil", "a//b", "./a", "x\x01y",
     "a/b/c/d/e/f/g/h/i", "n" * 300, "nul:", " lead"],
)  # fmt: skip
def test_names_that_leave_the_folder_are_refused_and_nothing_is_left(tmp_path, name):
    packed = a_zip(tmp_path / "s.zip", {"show.toml": SHOW_TOML, "a.toml": PRESET_TOML})
    with zipfile.ZipFile(packed, "a") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = info.orig_filename = name
        archive.writestr(info, "evil")
    shows = tmp_path / "shows"
    with pytest.raises(ShowError, match="plain files inside the show's folder"):
        import_show(packed, shows)
    assert not shows.exists() or list(shows.iterdir()) == []


def test_links_twins_and_floods_are_refused(tmp_path, monkeypatch):
    link = a_zip(tmp_path / "link.zip", {"show.toml": SHOW_TOML})
    with zipfile.ZipFile(link, "a") as archive:
        info = zipfile.ZipInfo("a.toml")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ShowError, match="plain files"):
        import_show(link, tmp_path / "shows")
    twins = a_zip(tmp_path / "twins.zip", {"show.toml": SHOW_TOML, "A.toml": "", "a.toml": ""})
    with pytest.raises(ShowError, match=r"'a.toml' twice"):
        import_show(twins, tmp_path / "shows")
    monkeypatch.setattr(show_zip, "MAX_FILES", 1)
    with pytest.raises(ShowError, match="holds 3 files, at most 1"):
        import_show(twins, tmp_path / "shows")
    monkeypatch.setattr(show_zip, "MAX_FILES", 9)
    monkeypatch.setattr(show_zip, "MAX_BYTES", 40)
    flood = a_zip(tmp_path / "flood.zip", {"show.toml": SHOW_TOML, "a.toml": PRESET_TOML * 99})
    with pytest.raises(ShowError, match="at most 40 are unpacked"):
        import_show(flood, tmp_path / "shows")


def test_what_is_no_show_is_one_sentence(tmp_path):
    (tmp_path / "noise.zip").write_bytes(b"PK\x03\x04 nothing")
    broken = a_zip(tmp_path / "broken.zip", {"show.toml": "name = "})
    empty = a_zip(tmp_path / "empty.zip", {"readme.txt": "hi"})
    two = a_zip(tmp_path / "two.zip", {"a/show.toml": SHOW_TOML, "b/show.toml": SHOW_TOML})
    for path, said in (
        (tmp_path / "noise.zip", "expected a zip that Segue exported"),
        (tmp_path / "nowhere.zip", "No such file"),
        (broken, "line 1"),
        (empty, "0 folders with a show.toml"),
        (two, "2 folders with a show.toml"),
    ):
        with pytest.raises(ShowError, match=said):
            import_show(path, tmp_path / "shows")
    assert not (tmp_path / "shows").exists() or list((tmp_path / "shows").iterdir()) == []


def test_a_folder_that_a_file_manager_zipped_is_a_show_too(tmp_path):
    files = {"S/show.toml": SHOW_TOML, "S/a.toml": PRESET_TOML, "__MACOSX/junk": ""}
    show = import_show(a_zip(tmp_path / "my show!.zip", files), tmp_path / "shows")
    assert show.folder.name == "my show"
    assert {path.name for path in show.folder.iterdir()} == {"show.toml", "a.toml"}


@settings(max_examples=60, deadline=None)
@given(
    noise=st.binary(min_size=1, max_size=60),
    at=st.integers(0, 300),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_a_damaged_zip_is_refused_or_whole(tmp_path_factory, noise, at, method):
    folder = tmp_path_factory.mktemp("damaged")
    packed = a_zip(folder / "s.zip", {"show.toml": SHOW_TOML, "a.toml": PRESET_TOML}, method)
    data = bytearray(packed.read_bytes())
    data[at : at + len(noise)] = noise
    packed.write_bytes(data)
    try:
        show = import_show(packed, folder / "shows")
    except ShowError:
        assert not (folder / "shows").exists() or list((folder / "shows").iterdir()) == []
    else:
        assert show.presets[0].name
    assert {path.name for path in folder.iterdir()} <= {"s.zip", "shows"}


def test_the_command_packs_and_unpacks(evening, tmp_path, capsys, segue_home):
    assert segue(["show", "export", str(evening), str(tmp_path / "x.zip")]) == 0
    assert segue(["show", "import", str(tmp_path / "x.zip")]) == 0
    assert load_show(segue_home / "shows" / "x").name == "Evening"
    assert segue(["show", "import", str(tmp_path / "nowhere.zip")]) == 2
    assert "No such file" in capsys.readouterr().err


# ---------------------------------------------------------------- shows of a newer Segue


def test_a_newer_show_saved_elsewhere_keeps_what_is_newer_and_may_then_be_written(tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    (new / "show.toml").write_text(
        'schema_version = 9  # of tomorrow\nname = "N"\npresets = ["a"]\nlasers = 3\n'
        '[[cue]]\npreset = "A"\nrows = ["hue", "saturation"]\nsmoke = true\n'
    )
    (new / "a.toml").write_text(
        'schema_version = 9\nname = "A"\nprompt = "x"\n[parameters]\nhue = 3\nsteps = 2\n'
    )
    before = {path.name: path.read_bytes() for path in new.iterdir()}
    show = load_show(new)
    assert show.read_only
    copy = save_show(replace(show, name="Ours"), tmp_path / "copy")
    cue = replace(copy.cues[0], note="now")
    save_show(replace(load_show(copy.folder), cues=(cue,)))
    text = (tmp_path / "copy" / "show.toml").read_text()
    for kept in ("schema_version = 9  # of tomorrow", "lasers = 3", "smoke = true", '"hue"'):
        assert kept in text
    assert "hue = 3" in (tmp_path / "copy" / "a.toml").read_text()
    found = load_show(tmp_path / "copy")
    assert (found.name, found.read_only, found.cues[0].note) == ("Ours", False, "now")
    assert found.cues[0].rows == ("saturation",)
    assert {path.name: path.read_bytes() for path in new.iterdir()} == before
    with pytest.raises(ShowError, match="or elsewhere: a new folder gets a copy"):
        save_show(show)
