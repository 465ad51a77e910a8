"""What `segue models --json` prints, one JSON object a line; the window reads the same lines."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec


class ModelState(StrEnum):
    """Where a model's files are."""

    BUILT_IN = "built in"
    HERE = "here"
    PARTLY = "partly here"
    NOT_HERE = "not here"


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """Under what the weights may be used.

    Attributes:
        name: SPDX identifier.
        title: its full name.
        statement: what it means for a performer, in plain words.
        link: where its text is.
        is_commercial: it allows paid shows.
    """

    name: str
    title: str
    statement: str
    link: str
    is_commercial: bool

    @property
    def text(self) -> str:
        """What is shown and accepted."""
        return f"{self.title} ({self.name})\n{self.statement}\n{self.link}\n"

    @property
    def text_sha256(self) -> str:
        """Names exactly this text, so that another one has to be accepted anew."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class ModelListed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One model of the list.

    Attributes:
        total_bytes: of its own files; 0: the hub tells when asked.
        is_exact: the files' sizes are known to the byte; False: rounded, from the model's page.
        here_bytes: of them on this disk, finished or not.
        gpu: GPU memory it needs, in words.
        needs: names of the models whose files it uses too.
        is_accepted: this licence text was accepted here.
        folder: where it is, or would be.
        sizes: that it plays well at, WIDTHxHEIGHT in pixels, its own first; none: it makes no
            pictures by itself.
        control: the row whose files make `NAME-vace` of it, which takes control; empty: none.
    """

    name: str
    summary: str
    state: ModelState
    total_bytes: int
    is_exact: bool
    here_bytes: int
    gpu: str
    licence: Licence
    is_accepted: bool
    needs: tuple[str, ...]
    folder: str
    sizes: tuple[str, ...] = ()
    control: str = ""


class LicenceAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pull that went no further, because this has to be accepted first."""

    name: str
    licence: Licence


class PullProgressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How far a pull is; `left_s` is None while it cannot be told."""

    name: str
    file: str
    step: str  # downloading, checking
    done_bytes: int
    total_bytes: int
    rate_bytes_s: float
    left_s: float | None = None


class PullNoticed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something to know while a pull goes on, in one sentence."""

    name: str
    sentence: str


class ModelPulled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A model is here, whole and checked; `sent_bytes` came over the network this time."""

    name: str
    folder: str
    total_bytes: int
    sent_bytes: int


class ModelChecked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a check found: a sentence for each problem, and what was looked at."""

    name: str
    folder: str
    problems: tuple[str, ...]
    facts: tuple[str, ...]


class ModelsFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The command ended with this sentence and exit code."""

    sentence: str
    exit_code: int


Report = (
    ModelListed | LicenceAsked | PullProgressed | PullNoticed | ModelPulled | ModelChecked
    | ModelsFailed
)  # fmt: skip

_DECODER: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def to_line(report: Report) -> str:
    """Return a report as one line of JSON, without the end of line."""
    return msgspec.json.encode(report).decode()


def from_line(line: str | bytes) -> Report | None:
    """Return the report of a line; None when it is none, as a library's warning on stdout."""
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError:
        return None
