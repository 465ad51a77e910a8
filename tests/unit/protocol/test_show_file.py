import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, ExitCode, ShowError
from engine.protocol import atomic_file
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import Binding, ControlKind, Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.values import Cut, ModelChoice, OutputSpec, SourceSpec

FIRST_LIGHT = Path(__file__).parents[3] / "presets" / "first-light"


SHOW_TEXT = """# a show
schema_version = 1
name = "Evening"
presets = ["embers", "tide", "wires"]

[source]
kind = "none"  # for now

[output]
width_px = 1280
height_px = 720
rate_numerator = 30

[model]
width_px = 256
device = "auto"
"""


def preset_text(name):
    return f'''schema_version = 1
name = "{name}"
prompt = "slow {name}"
colour = "#ff5a1f"
cut = "soft"
chunks = 2
'''


@pytest.fixture
def folder(tmp_path):
    show = tmp_path / "show"
    show.mkdir()
    (show / "show.toml").write_text(SHOW_TEXT)
    for name in ("embers", "tide", "wires"):
        (show / f"{name}.toml").write_text(preset_text(name))
    return show


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def texts(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---------------------------------------------------------------- round trip

NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text.strip())
TEXTS = st.text(max_size=40)


def values_of(row):
    if row.kind == "continuous":
        return st.floats(row.low, row.high)
    return st.integers(int(row.low), int(row.high)).map(float)


PARAMETER_SETS = st.fixed_dictionaries(
    {}, optional={row.id: values_of(row) for row in PARAMETERS.values()}
)
PRESETS = st.builds(
    Preset,
    name=NAMES,
    prompt=TEXTS,
    parameters=PARAMETER_SETS,
    seed=st.none() | st.integers(0, 2**63 - 1),
    cut=st.sampled_from([Cut.HARD, Cut.SOFT]),
    chunks=st.integers(1, 64),
    colour=st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
    picture=TEXTS,
)
BINDINGS = st.builds(
    Binding,
    kind=st.sampled_from(ControlKind),
    channel=st.integers(1, 16),
    number=st.integers(0, 127),
    target=st.sampled_from(["cut:hard", "cut:soft", "parameter:dimmer"])
    | NAMES.map(lambda name: f"preset:{name}"),
    port=TEXTS,
)
SHOWS = st.builds(
    Show,
    name=NAMES,
    presets=st.lists(PRESETS, max_size=4, unique_by=lambda preset: preset.name).map(tuple),
    source=st.builds(SourceSpec, kind=st.sampled_from(["none", "pattern", "ndi"]), address=TEXTS),
    output=st.builds(
        OutputSpec,
        width_px=st.integers(32, 1920).map(lambda half: half * 2),
        rate_numerator=st.sampled_from([25, 30, 60]),
        ndi_name=NAMES,
        ndi=st.booleans(),
    ),
    model=st.builds(ModelChoice, name=NAMES, width_px=st.just(512)),
    bindings=st.lists(BINDINGS, max_size=3).map(tuple),
    soft_cut_chunks=st.integers(1, 64),
)


@settings(max_examples=40, deadline=None)
@given(show=SHOWS, changed=SHOWS)
def test_every_show_comes_back_as_it_was_saved_also_over_an_older_one(
    tmp_path_factory, show, changed
):
    folder = tmp_path_factory.mktemp("round-trip")
    saved = save_show(show, folder)
    assert load_show(folder) == show
    save_show(replace(changed, files=saved.files, folder=folder))
    assert load_show(folder) == changed


def test_the_factory_show_loads_and_saving_it_unchanged_touches_no_byte(tmp_path):
    folder = shutil.copytree(FIRST_LIGHT, tmp_path / "show")
    show = load_show(folder)
    before = texts(folder)
    save_show(show)
    assert texts(folder) == before
    assert len(show.presets) >= 8
    assert show.remarks == ()


def test_comments_order_and_unknown_fields_stay_when_a_field_changes(folder):
    edit(folder / "embers.toml", 'name = "embers"', 'author = "me"  # keep\nname = "embers"')
    show = load_show(folder)
    first = replace(show.presets[0], prompt="slow blue smoke")
    save_show(replace(show, presets=(first, *show.presets[1:])))
    text = (folder / "embers.toml").read_text()
    assert 'author = "me"  # keep' in text
    assert 'prompt = "slow blue smoke"' in text


def test_an_unknown_field_is_remarked_on_with_its_line_so_that_a_typo_shows(folder):
    edit(folder / "embers.toml", "colour =", "color =")
    assert load_show(folder).remarks == (
        "embers.toml line 4: field 'color' is not known here and was left alone",
    )


def test_a_video_beside_the_show_is_stored_relative_and_travels_with_the_folder(folder):
    show = load_show(folder)
    clip = SourceSpec(kind="file", address=str(folder / "media" / "clip.mp4"))
    save_show(replace(show, source=clip))
    assert 'address = "media/clip.mp4"' in (folder / "show.toml").read_text()
    moved = folder.rename(folder.parent / "moved")
    assert load_show(moved).source.address == str(moved / "media" / "clip.mp4")


def test_a_preset_that_is_new_gets_a_file_of_its_own_and_overwrites_nobody(folder):
    show = load_show(folder)
    (folder / "new-look.toml").write_text("# somebody's notes\n")
    saved = save_show(replace(show, presets=(*show.presets, Preset(name="New look!", prompt="x"))))
    assert saved.files["New look!"] == "new-look-2"
    assert (folder / "new-look.toml").read_text() == "# somebody's notes\n"


def test_a_look_carries_name_prompt_parameters_and_pinned_seed():
    preset = Preset(name="A", prompt="slow smoke", parameters={"steps": 3.0}, seed=7)
    look = preset.look()
    assert (look.name, look.prompt, look.parameters, look.seed) == (
        "A",
        "slow smoke",
        {"steps": 3.0},
        7,
    )


# ---------------------------------------------------------------- broken files

# file, text, what is wrong instead of it, expectation; the last line of the wrong text is the one
# that the message must name.
BROKEN = [
    ("show.toml", 'name = "Evening"', 'name = "Evening', "TOML"),
    ("show.toml", 'name = "Evening"', "name = 7", "a text in quotes"),
    ("show.toml", '"tide", ', '"tyde", ', "there is no 'tyde.toml'"),
    ("show.toml", '"tide", ', '"../tide", ', "names of preset files"),
    ("show.toml", '"tide", ', '"embers", ', "every name once"),
    ("show.toml", "width_px = 1280", "width_px = 1281", "an even number of pixels"),
    ("show.toml", "height_px = 720", "height_px = true", "a whole number from 64 to 4320"),
    ("show.toml", "rate_numerator = 30", "rate_numerator = 90", "24000/1001 to 60/1"),
    ("show.toml", "width_px = 256", "width_px = 250", "divisible by 16"),
    ("show.toml", 'device = "auto"', 'device = "tpu"', "one of auto, cpu, cuda"),
    (
        "show.toml",
        'kind = "none"',
        'kind = "vhs"',
        "one of none, pattern, visuals, file, camera, ndi",
    ),
    ("show.toml", 'kind = "none"', 'kind = "file"\naddress = ""', "path of a video file"),
    ("embers.toml", "schema_version = 1", "schema_version = 0", "a whole number from 1"),
    ("embers.toml", 'cut = "soft"', 'cut = "wipe"', "one of hard, soft"),
    ("embers.toml", "chunks = 2", "chunks = 0", "a whole number from 1 to 64"),
    ("embers.toml", '"#ff5a1f"', '"red"', "#rrggbb"),
    ("embers.toml", "chunks = 2", "[parameters]\nsteps = 9", "number from 0 to 8"),
    ("embers.toml", "chunks = 2", '[parameters]\npacing = "jump"', "one of repeat, blend"),
    ("embers.toml", "chunks = 2", "[parameters]\nspeed = 9", "one of the parameters"),
    ("embers.toml", "chunks = 2", "parameters = 3", "a table [parameters]"),
    ("embers.toml", "chunks = 2", "chunks = 2\nchunks = 3", "every key once"),
]


@pytest.mark.parametrize(("name", "old", "new", "expected"), BROKEN)
def test_a_broken_file_says_file_line_and_expectation_and_changes_nothing(
    folder, name, old, new, expected
):
    edit(folder / name, old, new)
    before = texts(folder)
    line = (folder / name).read_text().partition(new)[0].count("\n") + 1 + new.count("\n")
    with pytest.raises(ShowError) as caught:
        load_show(folder)
    message = str(caught.value)
    assert f"{name} line {line}:" in message
    assert expected in message
    assert "nothing was changed" in message
    assert texts(folder) == before


def test_a_missing_field_says_so(folder):
    edit(folder / "embers.toml", "prompt = ", "promt = ")
    with pytest.raises(ShowError, match=r"embers\.toml line 1: field 'prompt': it is missing"):
        load_show(folder)


def test_a_wrong_midi_row_is_named_by_its_own_line(folder):
    rows = '\n[[midi]]\ntarget = "cut:hard"\n\n[[midi]]\nnumber = 3\ntarget = "cut:wipe"\n'
    path = folder / "show.toml"
    path.write_text(path.read_text() + rows)
    line = path.read_text().splitlines().index('target = "cut:wipe"') + 1
    with pytest.raises(ShowError, match=f"line {line}: field 'midi.target': got 'cut:wipe'"):
        load_show(folder)


def test_a_missing_show_a_binary_file_and_a_folder_without_show_are_usage_errors(folder):
    for path in (folder / "nowhere", folder.parent):
        with pytest.raises(ShowError, match=r"no show\.toml"):
            load_show(path)
    (folder / "show.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ShowError, match="not UTF-8") as caught:
        load_show(folder)
    assert caught.value.exit_code is ExitCode.USAGE


def test_saving_over_a_file_that_was_broken_meanwhile_refuses_and_keeps_it(folder):
    show = load_show(folder)
    (folder / "show.toml").write_text("name = ")
    before = texts(folder)
    with pytest.raises(ShowError, match="line 1"):
        save_show(replace(show, name="Other"))
    assert texts(folder) == before


def test_a_newer_show_opens_read_only_with_what_is_known_and_is_never_written(folder):
    edit(folder / "show.toml", "schema_version = 1", "schema_version = 2")
    edit(folder / "embers.toml", "schema_version = 1", "schema_version = 2")
    edit(folder / "embers.toml", "chunks = 2", "[parameters]\nwarp = 0.5\nsteps = 3")
    show = load_show(folder)
    assert show.read_only
    assert dict(show.presets[0].parameters) == {"steps": 3.0}
    before = texts(folder)
    with pytest.raises(ShowError, match="newer Segue"):
        save_show(show)
    assert texts(folder) == before


def test_a_preset_refuses_what_no_file_could_say():
    with pytest.raises(ConfigError, match="colour"):
        Preset(name="A", prompt="", colour="red")
    with pytest.raises(ConfigError, match="every name once"):
        Show(name="S", presets=(Preset(name="A", prompt=""), Preset(name="A", prompt="")))


# ---------------------------------------------------------------- crashes while saving

CRASH = """
import os, sys
from dataclasses import replace
from engine.protocol import atomic_file
from engine.protocol.show_file import load_show, save_show
left = int(sys.argv[2])
def crash(*_):
    global left
    left -= 1
    if left < 0:
        os._exit(9)  # as kill -9 between write and rename
    return real(*_)
real = atomic_file.os.replace
atomic_file.os.replace = crash
show = load_show(sys.argv[1])
presets = tuple(replace(p, prompt="new " + p.prompt) for p in show.presets)
save_show(replace(show, name="New", presets=presets))
"""


@pytest.mark.parametrize("renames", [0, 2])
def test_a_crash_between_write_and_rename_leaves_every_file_old_or_new(folder, renames):
    old = load_show(folder)
    run = subprocess.run([sys.executable, "-c", CRASH, folder, str(renames)], timeout=60)
    assert run.returncode == 9
    show = load_show(folder)
    assert show.name == old.name  # show.toml is written last
    new = [a.prompt == f"new {b.prompt}" for a, b in zip(show.presets, old.presets, strict=True)]
    assert new == [index < renames for index in range(len(new))]


def test_a_full_disk_keeps_the_old_file_and_leaves_no_temporary_one(tmp_path, monkeypatch):
    path = tmp_path / "show.toml"
    path.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_file.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["show.toml"]
