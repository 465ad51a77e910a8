"""The table `[guides]` of a preset: pictures that steer it, by paths relative to the show.

    [guides]
    references = ["images/mask.png"]
    first_frame = "images/start.jpg"
    last_frame = "images/end.jpg"
    last_frame_chunk = 4
    mask = "image"                   # or person, luminance
    mask_image = "images/stage.png"
    mask_inverted = false

Pictures lie in the folder of the show and travel with it. In memory their paths are full ones. A
picture that is missing is a remark: the show opens, and cuts to its preset are refused until the
picture is there.
"""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from engine.protocol.atomic_file import write_bytes_atomically
from engine.protocol.guides import (
    MASK_KINDS,
    MAX_LAST_FRAME_CHUNK,
    MAX_REFERENCES,
    NO_GUIDES,
    pictures_of,
    with_pictures,
)
from engine.protocol.show_fields import Fields, line_of, read_text
from engine.protocol.values import Guides, Mask

IMAGES = "images"  # where pictures from elsewhere are copied to, below the show
GUIDE_KEYS = (
    "references", "first_frame", "last_frame", "last_frame_chunk",
    "mask", "mask_image", "mask_inverted",
)  # fmt: skip
_PICTURE_KEYS = ("references", "first_frame", "last_frame", "mask_image")


def read_guides(fields: Fields, folder: Path) -> Guides:
    """Return what the table says, with full paths.

    Raises:
        ShowError: a field holds what it cannot, or names a picture outside the show's folder.
    """
    references = fields.strings("references")
    if len(references) > MAX_REFERENCES:
        fields.fail("references", f"at most {MAX_REFERENCES} pictures")
    kind = fields.choice("mask", MASK_KINDS, "none")
    image = fields.string("mask_image", "")
    if kind == "image" and not image:
        fields.fail("mask_image", "the path of a picture, relative to the show, white is redrawn")
    default = NO_GUIDES.last_frame_chunk
    return Guides(
        mask=Mask(
            kind=kind,
            image=_within(fields, "mask_image", image, folder),
            inverted=fields.boolean("mask_inverted", False),
        ),
        references=tuple(_within(fields, "references", name, folder) for name in references),
        first_frame=_within(fields, "first_frame", fields.string("first_frame", ""), folder),
        last_frame=_within(fields, "last_frame", fields.string("last_frame", ""), folder),
        last_frame_chunk=fields.integer("last_frame_chunk", 1, MAX_LAST_FRAME_CHUNK, default),
    )


def _within(fields: Fields, key: str, name: str, folder: Path) -> str:
    """Return the full path of a picture of the show; empty stays empty."""
    is_listed = key == "references"
    if not name and not is_listed:
        return ""
    path = (folder / name).resolve()
    root = folder.resolve()
    if not name or Path(name).is_absolute() or not path.is_relative_to(root) or path == root:
        fields.fail(key, "a picture in the show's folder, by its path from there")
    return str(folder / Path(name))


def missing_pictures(fields: Fields, guides: Guides) -> tuple[str, ...]:
    """Return a sentence for each picture that is not there."""
    text = read_text(fields.path)
    sentences = []
    for key in _PICTURE_KEYS:
        line = line_of(text, fields.table, fields.index, key)
        where = f"{fields.path.name} line {line}: field {fields.table}.{key}"
        sentences += [
            f"{where}: there is no picture {path}; put it there before you cut to the preset"
            for path in _paths(guides, key)
            if not Path(path).is_file()
        ]
    return tuple(sentences)


def _paths(guides: Guides, key: str) -> tuple[str, ...]:
    named = {
        "references": guides.references,
        "first_frame": (guides.first_frame,),
        "last_frame": (guides.last_frame,),
        "mask_image": (guides.mask.image,) if guides.mask.kind == "image" else (),
    }
    return tuple(path for path in named[key] if path)


# ---------------------------------------------------------------- writing


def guides_in_toml(guides: Guides, folder: Path) -> dict[str, object]:
    """Return the table's fields; pictures below `folder` by their path from there."""

    def relative(role: object, name: str) -> str:
        path = Path(name)
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else name

    stored = with_pictures(guides, relative)
    return {
        "references": list(stored.references),
        "first_frame": stored.first_frame,
        "last_frame": stored.last_frame,
        "last_frame_chunk": stored.last_frame_chunk,
        "mask": stored.mask.kind,
        "mask_image": stored.mask.image,
        "mask_inverted": stored.mask.inverted,
    }


def bring_pictures(guides: Guides, target: Path) -> Guides:
    """Copy pictures from elsewhere into `target` and return the guides with their new paths.

    A picture that is gone keeps the place that it should have: the show stays readable and says
    what is missing.

    Raises:
        OSError: the disk refuses; every file there is whole.
    """
    brought: dict[str, str] = {}
    for _, name in pictures_of(guides):
        path = Path(name)
        if not path.is_relative_to(target):
            brought[name] = str(_brought(path, target / IMAGES))
    return with_pictures(guides, _renamer(brought))


def _renamer(names: Mapping[str, str]) -> Callable[[object, str], str]:
    return lambda role, name: names.get(name, name)


def _brought(path: Path, folder: Path) -> Path:
    for number in count(1):
        place = folder / (path.name if number == 1 else f"{path.stem}-{number}{path.suffix}")
        if not path.is_file():
            return place
        if not place.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(place, path.read_bytes())
            return place
        if filecmp.cmp(path, place, shallow=False):
            return place
    raise AssertionError("count ends never")
