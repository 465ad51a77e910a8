"""A show as one file: its folder as a zip, with media that lay elsewhere brought in.

A zip comes from anywhere, so nothing in it is trusted: names that leave the folder, links, too many
files and too many bytes are refused before anything is written, bytes are counted again while
they are unpacked, and the show is read before it takes its place. What was refused leaves nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath
from tempfile import mkstemp

from engine.errors import ShowError
from engine.protocol.atomic_file import sync_folder
from engine.protocol.show import Show
from engine.protocol.show_document import show_text
from engine.protocol.show_file import SHOW_FILE, load_show
from engine.protocol.values import SourceSpec

MAX_FILES = 2000
MAX_BYTES = 4 * 2**30
MAX_DEPTH = 8
MAX_NAME_CHARACTERS = 200
MEDIA = "media"  # where a source from elsewhere is put in the zip
_BLOCK_BYTES = 2**20
_RESERVED = frozenset('<>:"|?*\\')  # what some file system reads as something else
_DAMAGED = (  # what zipfile raises of bytes that are no zip, or not a whole one
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError,
    struct.error,
)  # fmt: skip


# ---------------------------------------------------------------- out


def export_show(folder: str | Path, target: str | Path) -> Path:
    """Write the show in `folder` as the zip `target` and return its path; replaces in one step.

    Raises:
        ShowError: no show, its source is gone, or the disk refuses; `target` is as it was.
    """
    show = load_show(folder)
    path = Path(target).absolute()
    path = path if path.suffix.lower() == ".zip" else path.with_name(f"{path.name}.zip")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, half = mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise ShowError(f"{path}: cannot be written ({error.strerror}); choose another") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _fill(archive, show)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(half, 0o644)
        os.replace(half, path)
    except OSError as error:
        raise ShowError(
            f"{path}: export failed ({error.strerror}: {error.filename}); nothing was changed"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(half)
    sync_folder(path.parent)
    return path


def _fill(archive: zipfile.ZipFile, show: Show) -> None:
    assert show.folder is not None  # it was loaded
    root = show.folder
    text = (root / SHOW_FILE).read_text(encoding="utf-8")
    source = Path(show.source.address)
    if show.source.kind == "file" and not source.resolve().is_relative_to(root.resolve()):
        inside = f"{MEDIA}/{source.name}"
        archive.write(source, inside)
        moved = replace(show, source=SourceSpec(kind="file", address=inside))
        text = show_text(moved, root / SHOW_FILE)
    archive.writestr(SHOW_FILE, text)
    for path in _files_of(root):
        archive.write(path, path.relative_to(root).as_posix())


def _files_of(root: Path) -> Iterator[Path]:
    """Yield what belongs to a show, less its show.toml: no links, nothing hidden."""
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.is_file() and not path.is_symlink() and not hidden and path != root / SHOW_FILE:
            yield path


# ---------------------------------------------------------------- in


def import_show(archive: str | Path, shows: str | Path) -> Show:
    """Unpack a show into a new folder of `shows` and return it.

    Raises:
        ShowError: it is no zip, holds what it may not, is no show, or the disk refuses; nothing is
            left behind.
    """
    path = Path(archive)
    target = _free(Path(shows).absolute(), _folder_name(path.stem))
    half = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(path) as opened:
            entries = _checked(path, opened.infolist())
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            _unpack(path, opened, entries, half)
        load_show(half)
        half.rename(target)
    except _DAMAGED as error:
        raise ShowError(f"{path}: {error}; expected a zip that Segue exported") from error
    except OSError as error:
        raise ShowError(
            f"{path}: import failed ({error.strerror or error}); nothing was changed"
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_show(target)


def _checked(path: Path, infos: list[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return the files of the show by their place in its folder."""
    files = [info for info in infos if not info.is_dir()]
    if len(files) > MAX_FILES:
        raise ShowError(f"{path}: holds {len(files)} files, at most {MAX_FILES} are unpacked")
    num_bytes = sum(info.file_size for info in files)
    if num_bytes > MAX_BYTES:
        raise ShowError(f"{path}: holds {num_bytes} bytes, at most {MAX_BYTES} are unpacked")
    places = [_place(path, info) for info in files]
    folded = [str(place).casefold() for place in places]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        raise ShowError(f"{path}: holds {twice[0]!r} twice, expected every file once")
    root = _root(path, places)
    return {
        place.relative_to(root): info
        for place, info in zip(places, files, strict=True)
        if place.is_relative_to(root)
    }


def _place(path: Path, info: zipfile.ZipInfo) -> PurePosixPath:
    name = info.orig_filename  # as it is written, before Python makes it harmless
    place = PurePosixPath(name)
    parts = name.split("/")
    mode = info.external_attr >> 16
    is_link = bool(mode) and not (stat.S_ISREG(mode) or stat.S_IFMT(mode) == 0)
    bad_parts = any(part in ("", ".", "..") or part != part.strip() for part in parts)
    bad_letters = any(letter in _RESERVED or ord(letter) < 32 for letter in name)
    too_long = len(name) > MAX_NAME_CHARACTERS or len(parts) > MAX_DEPTH
    if place.is_absolute() or is_link or bad_parts or bad_letters or too_long:
        raise ShowError(
            f"{path}: holds {name[:MAX_NAME_CHARACTERS]!r}, expected plain files inside the show's "
            f"folder; it was not made by Segue, nothing was unpacked"
        )
    return place


def _root(path: Path, places: list[PurePosixPath]) -> PurePosixPath:
    """Return where the show lies: at the top, or in the one folder that a file manager zipped."""
    found = [place.parent for place in places if place.name == SHOW_FILE and len(place.parts) <= 2]
    if PurePosixPath() in found:
        return PurePosixPath()
    if len(found) != 1:
        raise ShowError(f"{path}: {len(found)} folders with a {SHOW_FILE} in it, expected one show")
    return found[0]


def _unpack(
    path: Path, opened: zipfile.ZipFile, entries: dict[PurePosixPath, zipfile.ZipInfo], to: Path
) -> None:
    left_bytes = MAX_BYTES
    for place, info in entries.items():
        target = to / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as packed, target.open("xb") as file:
            while block := packed.read(_BLOCK_BYTES):
                left_bytes -= len(block)  # the sizes that a zip states may be lies
                if left_bytes < 0:
                    raise ShowError(f"{path}: unpacks to more than {MAX_BYTES} bytes; refused")
                file.write(block)


def _folder_name(stem: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in " -_" else "-" for letter in stem)
    return kept.strip(" -")[:60] or "show"


def _free(shows: Path, name: str) -> Path:
    numbered = (shows / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(place for place in numbered if not place.exists())
