"""Bring a model here: licence, room, bytes, checksum, and one rename at the end."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ConfigError, DownloadError, EngineError, WeightsError
from engine.model_store.catalogue import HubFile, Model
from engine.model_store.checksums import Checksum, checksum_of, sum_of
from engine.model_store.hub import Hub, Remote
from engine.model_store.pace import Pace
from engine.model_store.store import PART, Store, StoredFile
from engine.protocol.model_reports import ModelPulled, ModelState, PullNoticed, PullProgressed

SPARE_BYTES = 500_000_000
"""Left free on the disk: a show that records needs it."""
_EVERY_S = 0.25

Say = Callable[[PullProgressed | PullNoticed | ModelPulled], None]


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that `folder` is, or would be, on."""
    return shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free


@dataclass(slots=True)
class Puller:
    """Pulls models into a store.

    Attributes:
        say: hears what happens.
        free: free bytes of a folder's disk.
    """

    store: Store
    hub: Hub
    say: Say
    free: Callable[[Path], int] = free_bytes
    _sent_bytes: int = field(default=0, init=False)

    def pull(self, models: tuple[Model, ...]) -> None:
        """Pull each model that is not here, in this order; with all of them here, no network.

        Raises:
            ConfigError: a licence was not accepted; nothing was started.
            DownloadError: no network, no access, no room, or another pull runs.
            WeightsError: what came is not what was announced.
        """
        for model in models:
            if model.built_in is None and not self.store.has_accepted(model):
                raise ConfigError(
                    f"{model.name}: its licence {model.licence.name} has to be accepted first: "
                    f"`segue models pull {model.name}` shows it, --accept-licence accepts it"
                )
        for model in models:
            self._pull_one(model)

    def _pull_one(self, model: Model) -> None:
        self._sent_bytes = 0
        if not self._is_here(model):
            with self.store.lock(model):
                if not self._is_here(model):  # another pull may have ended while we waited
                    self._bring(model)
        self.say(
            ModelPulled(
                name=model.name,
                folder=str(self.store.folder(model)),
                total_bytes=self.store.here_bytes(model),
                sent_bytes=self._sent_bytes,
            )
        )

    def _is_here(self, model: Model) -> bool:
        return self.store.state(model) in (ModelState.HERE, ModelState.BUILT_IN)

    def _bring(self, model: Model) -> None:
        remotes = {file: self.hub.look_up(file) for file in model.files}
        for file, remote in remotes.items():
            _refuse_another(model, file, remote)
        folder = self.store.reopen(model)
        self._need_room(model, folder, remotes)
        progress = _Progress(model.name, sum(r.size_bytes for r in remotes.values()), self.say)
        try:
            stored = tuple(self._file(model, file, remotes[file], progress) for file in model.files)
            self.store.finish(model, stored)
        except OSError as error:
            raise _disk_trouble(model, error) from error

    def _need_room(self, model: Model, folder: Path, remotes: dict[HubFile, Remote]) -> None:
        total = sum(remote.size_bytes for remote in remotes.values())
        missing = total - self.store.here_bytes(model)
        free = self.free(folder)
        if missing + SPARE_BYTES > free:
            raise DownloadError(
                f"{model.name}: {missing / 1e9:.1f} GB have to come and {SPARE_BYTES / 1e9:.1f} GB "
                f"stay free, but the disk of {self.store.root} has {free / 1e9:.1f} GB; free some, "
                "or choose another disk with --folder"
            )

    def _file(self, model: Model, file: HubFile, remote: Remote, progress: _Progress) -> StoredFile:
        whole = self.store.partial(model) / file.path
        expected = checksum_of(file.sha256, remote.etag)
        if not (whole.is_file() and whole.stat().st_size == remote.size_bytes):
            whole.unlink(missing_ok=True)
            whole.parent.mkdir(parents=True, exist_ok=True)
            part = self._fetch(file, remote, whole, progress)
            if expected is not None:
                _compare(model, file, part, expected, progress)
            part.replace(whole)
            _etag_of(part).unlink()
        progress.end_file(remote.size_bytes)
        return StoredFile(
            path=file.path,
            size_bytes=remote.size_bytes,
            checksum=f"{expected.kind}:{expected.value}" if expected else "",
            repo=file.repo,
            commit=remote.commit,
        )

    def _fetch(self, file: HubFile, remote: Remote, whole: Path, progress: _Progress) -> Path:
        """Go on from what is here if it is of the same file, which the ETag beside it tells."""
        part = whole.with_name(whole.name + PART)
        etag = _etag_of(part)
        if not (etag.is_file() and etag.read_text() == remote.etag):
            part.write_bytes(b"")
            etag.write_text(remote.etag)
        progress.begin(file.path, "downloading")
        self._sent_bytes += self.hub.fetch(file, remote, part, progress.note, progress.notice)
        return part


def _etag_of(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _compare(
    model: Model, file: HubFile, part: Path, expected: Checksum, progress: _Progress
) -> None:
    progress.begin(file.path, "checking")
    found = sum_of(part, expected.kind, progress.note)
    if found != expected.value:
        part.unlink()
        raise WeightsError(
            f"{model.name}: {file.path} came with checksum {found}, expected {expected.value}; "
            "it was deleted, pull it again"
        )


class _Progress:
    """Says how far a pull is, a few times a second."""

    def __init__(self, name: str, total_bytes: int, say: Say) -> None:
        self._name, self._total, self._say = name, total_bytes, say
        self._before = 0  # bytes of the files that are done
        self._file = self._step = ""
        self._pace = Pace()
        self._said_s = 0.0

    def begin(self, file: str, step: str) -> None:
        """Start a step of a file."""
        self._file, self._step = file, step
        self._pace = Pace()
        self._said_s = 0.0

    def note(self, done_bytes: int) -> None:
        """Take in how far the step is."""
        now_s = time.monotonic()
        done = self._before + done_bytes
        self._pace.note(done, now_s)
        if now_s - self._said_s < _EVERY_S and done < self._total:
            return
        self._said_s = now_s
        self._say(
            PullProgressed(
                name=self._name,
                file=self._file,
                step=self._step,
                done_bytes=done,
                total_bytes=self._total,
                rate_bytes_s=self._pace.rate_bytes_s(),
                left_s=self._pace.left_s(self._total),
            )
        )

    def notice(self, sentence: str) -> None:
        """Pass something to know on."""
        self._say(PullNoticed(name=self._name, sentence=sentence))

    def end_file(self, size_bytes: int) -> None:
        """Count a file as done."""
        self._before += size_bytes


def _refuse_another(model: Model, file: HubFile, remote: Remote) -> None:
    """Refuse before the first byte what the catalogue knows to be another file."""
    is_sha256 = len(remote.etag) == 64
    if file.size_bytes not in (None, remote.size_bytes):
        what = f"{remote.size_bytes} bytes, expected {file.size_bytes}"
    elif file.sha256 is not None and is_sha256 and remote.etag != file.sha256:
        what = f"checksum {remote.etag}, expected {file.sha256}"
    else:
        return
    raise WeightsError(
        f"{model.name}: the hub has another {file.path} than Segue knows: {what}; "
        "nothing was downloaded, update Segue"
    )


def _disk_trouble(model: Model, error: OSError) -> EngineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"{model.name}: the disk became full; what came is kept, free some and run it again"
        )
    return DownloadError(
        f"{model.name}: writing failed ({error.strerror or error}); what came is kept, run it again"
    )
