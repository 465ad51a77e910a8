"""The pictures of a preset: in its file, in the show's folder, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShowError
from engine.protocol.guides import NO_GUIDES, names_of, pictures_of, with_pictures
from engine.protocol.show import Preset, Show
from engine.protocol.show_file import load_show, save_show
from engine.protocol.values import Guides, Mask

TABLE = """
[guides]  # for the second half
references = ["images/face.png", "images/hat.png"]
first_frame = "images/start.png"
last_frame = "images/end.png"
last_frame_chunk = 6
mask = "image"
mask_image = "images/stage.png"
mask_inverted = true
"""
NAMES = ("face", "hat", "start", "end", "stage")


def write_show(folder, table=TABLE, pictures=NAMES):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "show.toml").write_text(
        'schema_version = 1\nname = "Night"\npresets = ["one"]\n', encoding="utf-8"
    )
    (folder / "one.toml").write_text(
        f'schema_version = 1\nname = "One"\nprompt = "fire"\n{table}', encoding="utf-8"
    )
    for name in pictures:
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / f"{name}.png").write_bytes(name.encode())
    return folder


def test_a_preset_has_its_pictures_by_full_path(tmp_path):
    folder = write_show(tmp_path / "night")
    show = load_show(folder)
    images = folder / "images"
    assert show.presets[0].guides == Guides(
        references=(str(images / "face.png"), str(images / "hat.png")),
        first_frame=str(images / "start.png"),
        last_frame=str(images / "end.png"),
        last_frame_chunk=6,
        mask=Mask(kind="image", image=str(images / "stage.png"), inverted=True),
    )
    assert show.remarks == ()
    assert show.presets[0].look().guides == show.presets[0].guides
    assert show.guides == (show.presets[0].guides,)


def test_a_preset_without_pictures_says_so_to_a_cut(tmp_path):
    show = load_show(write_show(tmp_path / "night", table="", pictures=()))
    assert show.presets[0].look().guides == NO_GUIDES
    assert show.guides == ()


def test_saving_changes_nothing_where_nothing_changed(tmp_path):
    folder = write_show(tmp_path / "night")
    before = (folder / "one.toml").read_bytes()
    save_show(load_show(folder))
    assert (folder / "one.toml").read_bytes() == before


def test_a_missing_picture_is_a_remark_with_its_line(tmp_path):
    folder = write_show(tmp_path / "night", pictures=("face", "hat", "start", "stage"))
    (said,) = load_show(folder).remarks
    assert said.startswith("one.toml line 8: field guides.last_frame: there is no picture")
    assert str(folder / "images" / "end.png") in said


@pytest.mark.parametrize(
    ("wrong", "line", "field", "expected"),
    [
        ('references = "a.png"', 6, "references", "a list of texts"),
        ('references = ["a", "b", "c", "d", "e"]', 6, "references", "at most 4 pictures"),
        ('references = ["../a.png"]', 6, "references", "a picture in the show's folder"),
        ('references = [""]', 6, "references", "a picture in the show's folder"),
        ('first_frame = "/etc/a.png"', 6, "first_frame", "a picture in the show's folder"),
        ('mask = "stencil"', 6, "mask", "one of none, image, person, luminance"),
        ('mask = "image"', 5, "mask_image", "the path of a picture"),
        ("mask_inverted = 1", 6, "mask_inverted", "true or false"),
        ("last_frame_chunk = 65", 6, "last_frame_chunk", "a whole number from 1 to 64"),
    ],
)
def test_a_broken_field_is_named_with_its_line(tmp_path, wrong, line, field, expected):
    folder = write_show(tmp_path / "night", table=f"\n[guides]\n{wrong}\n", pictures=())
    with pytest.raises(ShowError) as refused:
        load_show(folder)
    said = str(refused.value)
    assert f"one.toml line {line}: field 'guides.{field}'" in said
    assert expected in said
    assert said.endswith("nothing was changed")


def test_an_unknown_field_is_kept_and_remarked(tmp_path):
    folder = write_show(tmp_path / "night", table='\n[guides]\nmusk = "person"\n', pictures=())
    show = load_show(folder)
    assert "line 6: field 'musk' is not known here" in show.remarks[0]
    person = Guides(mask=Mask(kind="person"))
    save_show(replace(show, presets=(replace(show.presets[0], guides=person),)))
    text = (folder / "one.toml").read_text()
    assert 'musk = "person"' in text
    assert 'mask = "person"' in text


def test_pictures_from_elsewhere_come_into_the_folder_of_the_show(tmp_path):
    (tmp_path / "desk").mkdir()
    for folder, content in ((tmp_path / "desk", b"mine"), (tmp_path, b"another")):
        (folder / "face.png").write_bytes(content)
    guides = Guides(
        references=(str(tmp_path / "desk" / "face.png"), str(tmp_path / "face.png")),
        first_frame=str(tmp_path / "face.png"),
    )
    show = Show(name="Night", presets=(Preset(name="One", prompt="fire", guides=guides),))
    saved = save_show(show, tmp_path / "night")
    images = tmp_path / "night" / "images"
    assert (images / "face.png").read_bytes() == b"mine"
    assert (images / "face-2.png").read_bytes() == b"another"
    assert saved.presets[0].guides.first_frame == str(images / "face-2.png")
    assert load_show(tmp_path / "night").presets == saved.presets
    assert sorted(path.name for path in images.iterdir()) == ["face-2.png", "face.png"]


def test_saving_again_copies_nothing_again(tmp_path):
    folder = write_show(tmp_path / "night")
    save_show(save_show(load_show(folder)))
    assert len(list((folder / "images").iterdir())) == len(NAMES)


def test_a_copy_of_a_show_takes_its_pictures_along(tmp_path):
    saved = save_show(load_show(write_show(tmp_path / "night")), tmp_path / "copy")
    assert all(path.startswith(str(tmp_path / "copy")) for _, path in pictures_of(
        saved.presets[0].guides))  # fmt: skip
    assert load_show(tmp_path / "copy").remarks == ()


def test_a_picture_that_is_gone_leaves_a_readable_show_that_says_so(tmp_path):
    guides = Guides(references=(str(tmp_path / "gone.png"),))
    show = Show(name="Night", presets=(Preset(name="One", prompt="fire", guides=guides),))
    save_show(show, tmp_path / "night")
    (said,) = load_show(tmp_path / "night").remarks
    assert str(tmp_path / "night" / "images" / "gone.png") in said


texts = st.sampled_from(["", "a.png", "b.png", "c.png"])
any_guides = st.builds(
    lambda references, first, last, kind, image, inverted: Guides(
        references=tuple(references), first_frame=first, last_frame=last,
        mask=Mask(kind=kind, image=image, inverted=inverted),
    ),
    st.lists(st.sampled_from(["a.png", "b.png"]), max_size=3), texts, texts,
    st.sampled_from(["none", "image", "person", "luminance"]),
    st.just("m.png"), st.booleans(),
)  # fmt: skip


@given(any_guides)
def test_renaming_touches_every_picture_that_is_used_and_no_other(guides):
    renamed = with_pictures(guides, lambda role, name: f"{role.name}/{name}")
    wanted = tuple((role, f"{role.name}/{name}") for role, name in pictures_of(guides))
    assert pictures_of(renamed) == wanted
    assert names_of(renamed) == names_of(guides)
