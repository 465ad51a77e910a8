"""Look whether a model is whole: files, sizes, checksums, headers. One sentence a problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.errors import ConfigError
from engine.model_store.catalogue import HubFile, Model
from engine.model_store.checksums import sum_of
from engine.model_store.odd_files import oddity
from engine.model_store.store import Manifest, Store, StoredFile, expected_sizes, read_manifest
from engine.model_store.weights_header import Header, HeaderError, check_torch_file, read_header
from engine.protocol.model_reports import ModelChecked

_TORCH = (".pt", ".pth")
_INDEX = ".safetensors.index.json"
_MAX_NAMED = 3

OnBytes = Callable[[str, int, int], None]
"""Hears file, bytes read and size while a checksum is made."""


def check_model(model: Model, store: Store, on_bytes: OnBytes) -> ModelChecked:
    """Check a model of the catalogue, without the models that it needs."""
    folder = store.folder(model)
    if model.built_in is not None:
        return _checked(model.name, folder, _look_at_all(folder))
    return _checked(model.name, folder, _look_at_model(model, folder, on_bytes))


def check_folder(folder: Path, catalogue: tuple[Model, ...], on_bytes: OnBytes) -> ModelChecked:
    """Check any folder: against its manifest, else a model whose files it has, else by headers.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is neither a model nor a folder; `segue models list` names the models"
        )
    manifest = read_manifest(folder)
    for model in catalogue:
        paths = [file.path for file in model.files]
        is_named = manifest is not None and manifest.name == model.name
        if is_named or (paths and all((folder / path).is_file() for path in paths)):
            return _checked(model.name, folder, _look_at_model(model, folder, on_bytes))
    return _checked(folder.name, folder, _look_at_all(folder))


# What is found comes as (problem, fact), one of them empty.
_Found = Iterator[tuple[str, str]]


def _checked(name: str, folder: Path, found: _Found) -> ModelChecked:
    pairs = list(found)
    return ModelChecked(
        name=name,
        folder=str(folder),
        problems=tuple(problem for problem, _ in pairs if problem),
        facts=tuple(fact for _, fact in pairs if fact),
    )


def _look_at_model(model: Model, folder: Path, on_bytes: OnBytes) -> _Found:
    manifest = read_manifest(folder)
    sizes = expected_sizes(model, manifest)
    for file in model.files:
        path, size = folder / file.path, sizes[file.path]
        if not path.is_file():
            yield f"{file.path} is missing; run `segue models pull {model.name}`", ""
        elif size is not None and path.stat().st_size != size:
            got = path.stat().st_size
            yield f"{file.path} has {got} bytes, expected {size}; {_remedy(model)}", ""
        else:
            yield from _look_at_bytes(model, file, path, manifest, on_bytes)
            yield from _look_inside(path, file.path, file)


def _look_at_bytes(
    model: Model, file: HubFile, path: Path, manifest: Manifest | None, on_bytes: OnBytes
) -> _Found:
    pulled = {stored.path: stored for stored in manifest.files} if manifest else {}
    kind, value = _known_sum(file, pulled.get(file.path))
    if not value:
        yield "", f"{file.path}: no checksum is known"
        return
    size = path.stat().st_size
    found = sum_of(path, kind, lambda done: on_bytes(file.path, done, size))
    if found != value:
        yield f"{file.path} has checksum {found}, expected {value}; {_remedy(model)}", ""
    else:
        origin = "as published" if file.sha256 else "as the hub gave it"
        yield "", f"{file.path}: {size} bytes, checksum {origin}"


def _known_sum(file: HubFile, stored: StoredFile | None) -> tuple[str, str]:
    if file.sha256 is not None:
        return "sha256", file.sha256
    kind, _, value = (stored.checksum if stored else "").partition(":")
    return kind, value


def _look_at_all(folder: Path) -> _Found:
    """Read the headers of whatever weights are there."""
    paths = [p for p in sorted(folder.rglob("*")) if p.suffix in (".safetensors", *_TORCH)]
    if not paths:
        yield f"{folder} has no weights: no .safetensors, .pt or .pth file", ""
    for path in paths:
        yield from _look_inside(path, str(path.relative_to(folder)), None)
    for index in sorted(folder.rglob(f"*{_INDEX}")):
        yield from _look_at_index(index, str(index.relative_to(folder)))


def _look_at_index(index: Path, shown: str) -> _Found:
    """Say which of the shards that an index names are missing."""
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        missing = [name for name in names if not (index.parent / Path(name).name).is_file()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        yield f"{shown} is no index of shards; get the file again", ""
        return
    if missing:
        named = ", ".join(missing[:_MAX_NAMED]) + (", …" if len(missing) > _MAX_NAMED else "")
        count = f"{len(missing)} of the {len(names)} shards"
        yield f"{count} that {shown} names are missing ({named}); get them too", ""


def _look_inside(path: Path, shown: str, file: HubFile | None) -> _Found:
    try:
        if path.suffix in _TORCH:
            check_torch_file(path)
        elif path.suffix == ".safetensors":
            yield from _look_at_header(read_header(path), shown, file)
    except HeaderError as error:
        yield f"{shown} {oddity(path) or error}; get the file again", ""
    except OSError as error:
        yield f"{shown} cannot be read ({error.strerror}); get the file again", ""


def _look_at_header(header: Header, shown: str, file: HubFile | None) -> _Found:
    mark = file.mark if file else None
    if mark is not None:
        found = header.find(mark.name)
        if found is None:
            yield f"{shown} is of another model: it has no {mark.name}", ""
            return
        if found.shape != mark.shape:
            got, expected = list(found.shape), list(mark.shape)
            yield f"{shown} is of another model: {mark.name} is {got}, expected {expected}", ""
            return
    count = f"{len(header.tensors)} tensors, {header.num_parameters:,} parameters"
    yield "", f"{shown}: {count}, {header.dtypes}"


def _remedy(model: Model) -> str:
    return f"delete it and run `segue models pull {model.name}`"
