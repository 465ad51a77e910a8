"""A hub on loopback: answers as huggingface.co does, and fails in the ways that networks do.

`/REPO/resolve/REVISION/PATH` answers with X-Repo-Commit, X-Linked-ETag and X-Linked-Size and
redirects to a storage on another port, which knows byte ranges.
Source: huggingface_hub 2.4, `get_hf_file_metadata`; the hub's documentation of its error headers.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Request:
    """One request as a server saw it, and how much of the body it sent."""

    server: str
    method: str
    path: str
    range: str
    authorization: str
    sent_bytes: int = 0


@dataclass
class FakeHub:
    """What the servers serve, what goes wrong, and what was asked.

    Attributes:
        files: (repository, path) → bytes.
        answers: (repository, path) → status and headers instead of the file.
        cuts: for each request of the storage in turn, after how many bytes it drops the line;
            -1: it stalls there until `go_on` is set.
        damages: the storage sends these bytes instead.
    """

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, dict[str, str]]] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    damages: dict[str, bytes] = field(default_factory=dict)
    stall_after: int = 0
    knows_ranges: bool = True
    requests: list[Request] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    storage_address: str = ""

    def add(self, repo, path, data):
        """Put a file on the hub."""
        self.files[repo, path] = data

    def asked(self, server="", method=""):
        """Return the requests to a server, of a method."""
        return [r for r in self.requests if server in ("", r.server) and method in ("", r.method)]

    @property
    def sent_bytes(self):
        """How many bytes of files the storage sent."""
        return sum(request.sent_bytes for request in self.asked("storage", "GET"))


def etag_of(data, path):
    """As the hub: sha256 of large files, the git blob id of small text files."""
    if path.endswith((".json", ".txt")):
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return hashlib.sha256(data).hexdigest()


@contextmanager
def serving(hub):
    """Run a hub and its storage."""
    servers = [_Server(("127.0.0.1", 0), _handler(hub, kind)) for kind in (_Hub, _Storage)]
    hub.address, hub.storage_address = (
        f"http://127.0.0.1:{server.server_address[1]}" for server in servers
    )
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(hub, kind):
    return type(kind.__name__, (kind,), {"hub": hub})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub
    name = ""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._take("HEAD")

    def do_GET(self):
        self._take("GET")

    def _take(self, method):
        request = Request(
            self.name, method, self.path, self.headers.get("Range", ""),
            self.headers.get("Authorization", ""),
        )  # fmt: skip
        self.hub.requests.append(request)
        self.answer(request)

    def reply(self, status, headers, length=0):
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


class _Hub(_Handler):
    name = "hub"

    def answer(self, request):
        repo, _, rest = self.path[1:].partition("/resolve/")
        path = rest.partition("/")[2]
        if (repo, path) in self.hub.answers:
            self.reply(*self.hub.answers[repo, path])
            return
        data = self.hub.files.get((repo, path))
        if data is None:
            self.reply(404, {"X-Error-Code": "EntryNotFound"})
            return
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-ETag": f'"{etag_of(data, path)}"',
            "X-Linked-Size": str(len(data)),
            "ETag": f'"{etag_of(data, path)}"',
            "Location": f"{self.hub.storage_address}/{repo}/{path}",
        }
        self.reply(302, headers)


class _Storage(_Handler):
    name = "storage"

    def answer(self, request):
        owner, repo, path = self.path[1:].split("/", 2)
        data = self.hub.damages.get(path, self.hub.files[f"{owner}/{repo}", path])
        start = 0
        if request.range and self.hub.knows_ranges:
            start = int(request.range.removeprefix("bytes=").rstrip("-"))
        body = data[start:]
        headers = {"Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.reply(206 if start else 200, headers, len(body))
        self._send(request, body)

    def _send(self, request, body):
        cut = self.hub.cuts.pop(0) if self.hub.cuts else len(body)
        sent = body[: self.hub.stall_after if cut < 0 else cut]
        self.wfile.write(sent)
        self.wfile.flush()
        request.sent_bytes = len(sent)
        if cut < 0:
            self.hub.stalled.set()
            self.hub.go_on.wait()
        if len(sent) < len(body):
            self.close_connection = True
