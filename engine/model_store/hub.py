"""Talk to a hub: ask for a file, and get the bytes of it that are not here yet.

Only public parts of huggingface_hub are used: addresses, metadata, errors, login and the HTTP
client. Its own download throws away what came when it is interrupted (since 1.x, pull request 4228
there), which 28 GB do not allow, so the bytes are appended here, with HTTP ranges. Its hf-xet is
not used: it keeps a second cache of the same bytes and cannot go on from a file.

`HF_ENDPOINT` names another hub, `HF_TOKEN` or `hf auth login` say who we are; a token is never
sent to the storage that a hub redirects to, another host.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx2  # the HTTP client of huggingface_hub, whose errors it lets through
from huggingface_hub import (
    get_hf_file_metadata,
    get_session,
    get_token,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from engine.errors import DownloadError
from engine.model_store.catalogue import HubFile

_LOGIN = "log in with `hf auth login`, or set HF_TOKEN"
_RETRIED = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file as the hub has it."""

    size_bytes: int
    etag: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a connection is made again that brings nothing, and what silence means."""

    tries: int = 6
    pause_s: float = 2.0
    timeout_s: float = 30.0


class _CutError(Exception):
    """The connection ended or the hub is busy: worth another try."""


class Hub:
    """A hub, asked by whoever is logged in."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        self._pause = Event()  # never set: waiting on it is a pause that Ctrl-C ends

    def look_up(self, file: HubFile) -> Remote:
        """Ask for size, checksum and commit of a file.

        Raises:
            DownloadError: no network, no access, no such file, or no hub.
        """
        url = self._url(file, file.revision)
        with _plain_errors(file, self._endpoint):
            found = get_hf_file_metadata(
                url, token=get_token() or False, timeout=self._patience.timeout_s
            )
        if found.size is None or found.etag is None or found.commit_hash is None:
            raise DownloadError(
                f"{file.path}: {self._endpoint} tells no size, checksum or commit, so it is no "
                "hub; check HF_ENDPOINT"
            )
        return Remote(size_bytes=found.size, etag=found.etag, commit=found.commit_hash)

    def fetch(
        self,
        file: HubFile,
        remote: Remote,
        part: Path,
        on_size: Callable[[int], None],
        on_notice: Callable[[str], None],
    ) -> int:
        """Append to `part` what is missing; returns how many bytes came.

        A cut connection is made again from where it ended; the tries count from the last byte that
        came. `on_size` hears how large `part` has become.

        Raises:
            DownloadError: no network, no access, or cut too often. What came is kept.
            OSError: the disk is full.
        """
        came, left = 0, self._patience.tries
        while (have := _size(part)) < remote.size_bytes:
            try:
                came += self._append(file, remote, part, on_size, on_notice)
            except _CutError as cut:
                left = self._patience.tries if _size(part) > have else left - 1
                came += max(_size(part) - have, 0)
                if left < 1:
                    raise DownloadError(
                        f"{file.path}: the connection to {self._endpoint} was lost ({cut}); "
                        f"{_size(part)} of {remote.size_bytes} bytes are kept, run it again"
                    ) from cut
                on_notice(f"{file.path}: {cut}; going on from byte {_size(part)}")
                self._pause.wait(self._patience.pause_s)
        return came

    def _append(
        self,
        file: HubFile,
        remote: Remote,
        part: Path,
        on_size: Callable[[int], None],
        on_notice: Callable[[str], None],
    ) -> int:
        have = _size(part)
        with _plain_errors(file, self._endpoint), self._open(file, remote, have) as response:
            if have and response.status_code != httpx2.codes.PARTIAL_CONTENT:
                on_notice(f"{file.path}: the storage cannot go on from the middle; starting over")
                have = 0
            with part.open("r+b" if have else "wb") as out:
                out.seek(have)
                size = have
                for block in response.iter_raw():  # as it comes, so that a cut loses nothing
                    size += out.write(block)
                    out.flush()  # nor does a kill
                    on_size(size)
        if size > remote.size_bytes:
            part.unlink()
            raise DownloadError(
                f"{file.path}: got {size} bytes, expected {remote.size_bytes}; run it again"
            )
        return size - have

    @contextmanager
    def _open(self, file: HubFile, remote: Remote, have: int) -> Iterator[httpx2.Response]:
        headers = {"Accept-Encoding": "identity"}  # ranges count the bytes of the file itself
        if have:
            headers["Range"] = f"bytes={have}-"
        if token := get_token():
            headers["Authorization"] = f"Bearer {token}"
        url = self._url(file, remote.commit)
        timeout = self._patience.timeout_s
        try:
            with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
                if response.status_code in _RETRIED:
                    raise _CutError(f"the hub answers {response.status_code}")
                hf_raise_for_status(response)
                yield response
        except httpx2.TransportError as error:
            raise _CutError(_first_line(error)) from error

    def _url(self, file: HubFile, revision: str) -> str:
        return hf_hub_url(file.repo, file.path, revision=revision, endpoint=self._endpoint)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _plain_errors(file: HubFile, endpoint: str) -> Iterator[None]:
    """Turn what the client raises into one sentence that says what to do."""
    page = f"{endpoint}/{file.repo}"
    try:
        yield
    except GatedRepoError as error:
        raise DownloadError(
            f"{file.repo}: its owner gives access by name only; agree on {page}, then {_LOGIN}"
        ) from error
    except (RevisionNotFoundError, EntryNotFoundError) as error:
        raise DownloadError(
            f"{file.repo}: {page} has no {file.path} at revision {file.revision}; "
            "Segue's catalogue is older than the hub, update Segue"
        ) from error
    except HfHubHTTPError as error:
        raise DownloadError(_refusal(error.response.status_code, file.repo, page)) from error
    except OfflineModeIsEnabled as error:
        raise DownloadError(
            f"{file.repo}: HF_HUB_OFFLINE forbids the network; unset it to pull"
        ) from error
    except FileMetadataError as error:
        raise DownloadError(
            f"{file.repo}: {endpoint} does not answer as a hub does; check HF_ENDPOINT"
        ) from error
    except httpx2.HTTPError as error:
        raise DownloadError(
            f"{file.repo}: {endpoint} cannot be reached ({_first_line(error)}); "
            "connect to the network and run it again, what came is kept"
        ) from error


def _refusal(status: int, repo: str, page: str) -> str:
    if status in (401, 404):
        return (
            f"{repo}: the hub answers {status}: {page} is private, gone, or your login is no "
            f"longer valid; {_LOGIN}"
        )
    if status == 403:
        return (
            f"{repo}: the hub answers 403: you may not read {page}; ask for access, then {_LOGIN}"
        )
    return f"{repo}: the hub answers {status}; try again later, what came is kept"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
