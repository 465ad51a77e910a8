"""Where models lie on the disk. No network.

    <root>/NAME/                 a whole model, each file under its path in its repository
    <root>/NAME/segue-model.json what it is made of: sizes, checksums, commits
    <root>/.partial/NAME/        what has come of it so far; PATH.part is a file under way
    <root>/.locks/NAME           held by the pull that runs
    <root>/licences.json         which licence texts were accepted, and when

A model appears by one rename, so what is in `<root>/NAME` was whole and checked at that moment.
"""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout  # comes with huggingface_hub

from engine.errors import DownloadError, WeightsError
from engine.model_store.catalogue import Model
from engine.protocol.atomic_file import write_atomically
from engine.protocol.model_reports import Licence, ModelState

MANIFEST = "segue-model.json"
PART = ".part"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a whole model, as it was when it came; ``checksum`` is KIND:VALUE or empty."""

    path: str
    size_bytes: int
    checksum: str
    repo: str
    commit: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole model is made of."""

    name: str
    files: tuple[StoredFile, ...]
    licence: str
    pulled: str


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """One licence text that was accepted, for one model."""

    model: str
    licence: str
    text_sha256: str
    date: str


class Store:
    """The folder of all models."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, model: Model) -> Path:
        """Return where a whole model is, or would be."""
        return model.built_in or self.root / model.name

    def partial(self, model: Model) -> Path:
        """Return where the files of a model come together."""
        return self.root / ".partial" / model.name

    def state(self, model: Model) -> ModelState:
        """Return where a model's files are, by their names and sizes."""
        if model.built_in is not None:
            return ModelState.BUILT_IN
        sizes = expected_sizes(model, self.manifest(model))
        folder = self.folder(model)
        if all(_has(folder / path, size) for path, size in sizes.items()):
            return ModelState.HERE
        return ModelState.PARTLY if self.here_bytes(model) else ModelState.NOT_HERE

    def here_bytes(self, model: Model) -> int:
        """Return how many bytes of a model are on the disk, finished or not."""
        if model.built_in is not None:
            return sum(path.stat().st_size for path in model.built_in.iterdir())
        places = [
            place
            for file in model.files
            for place in (
                self.folder(model) / file.path,
                self.partial(model) / file.path,
                self.partial(model) / f"{file.path}{PART}",
            )
        ]
        return sum(place.stat().st_size for place in places if place.is_file())

    def manifest(self, model: Model) -> Manifest | None:
        """Return what a whole model was made of; None when that is not known."""
        return read_manifest(self.folder(model))

    # ------------------------------------------------------------ pulling

    @contextmanager
    def lock(self, model: Model) -> Iterator[None]:
        """Keep other pulls of this model out.

        Raises:
            DownloadError: another one runs, or the folder cannot be written.
        """
        path = self.root / ".locks" / model.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, timeout=0)
            lock.acquire()
        except Timeout as error:
            raise DownloadError(
                f"{model.name}: another pull of it runs; wait for it or end it"
            ) from error
        except OSError as error:
            raise DownloadError(
                f"{model.name}: {self.root} cannot be written ({error.strerror}); "
                "own that folder or choose another with --folder"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def reopen(self, model: Model) -> Path:
        """Return the partial folder, with what a damaged model still has moved into it."""
        partial, folder = self.partial(model), self.folder(model)
        partial.mkdir(parents=True, exist_ok=True)
        for file in model.files:
            old, new = folder / file.path, partial / file.path
            if old.is_file() and not new.exists():
                new.parent.mkdir(parents=True, exist_ok=True)
                old.replace(new)
        return partial

    def finish(self, model: Model, files: tuple[StoredFile, ...]) -> Path:
        """Let a model appear whole, by one rename."""
        partial, folder = self.partial(model), self.folder(model)
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        manifest = Manifest(name=model.name, files=files, licence=model.licence.name, pulled=today)
        write_atomically(partial / MANIFEST, _json(manifest))
        if folder.exists():
            shutil.rmtree(folder)  # what was good of it has been moved out by `reopen`
        os.replace(partial, folder)
        return folder

    # ------------------------------------------------------------ licences

    def has_accepted(self, model: Model) -> bool:
        """Return whether this very licence text was accepted for this model."""
        wanted = (model.name, model.licence.text_sha256)
        return any((a.model, a.text_sha256) == wanted for a in self.acceptances())

    def accept(self, model: Model, licence: Licence) -> None:
        """Record that a licence text was accepted, today."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        new = Acceptance(
            model=model.name, licence=licence.name, text_sha256=licence.text_sha256, date=now
        )
        self.root.mkdir(parents=True, exist_ok=True)
        write_atomically(self._licences, _json((*self.acceptances(), new)))

    def acceptances(self) -> tuple[Acceptance, ...]:
        """Return what was accepted, oldest first.

        Raises:
            WeightsError: the record is damaged.
        """
        try:
            text = self._licences.read_bytes()
        except FileNotFoundError:
            return ()
        try:
            return msgspec.json.decode(text, type=tuple[Acceptance, ...])
        except msgspec.DecodeError as error:
            raise WeightsError(
                f"{self._licences} is damaged ({error}); delete it and accept the licences again"
            ) from error

    @property
    def _licences(self) -> Path:
        return self.root / "licences.json"


def expected_sizes(model: Model, manifest: Manifest | None) -> dict[str, int | None]:
    """Return each file's size: the catalogue's, else as it was pulled, else None."""
    pulled = {file.path: file.size_bytes for file in manifest.files} if manifest else {}
    return {
        file.path: pulled.get(file.path) if file.size_bytes is None else file.size_bytes
        for file in model.files
    }


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder; None when there is none that can be read."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def _has(path: Path, size: int | None) -> bool:
    return path.is_file() and (size is None or path.stat().st_size == size)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
