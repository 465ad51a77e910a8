"""A proof made in pieces: the parts of several runs, read back from their JSON and put together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.bench.picture_report import Line, Part, Proof
from engine.errors import ConfigError

_MACHINE = ("device", "dtype", "torch")
"""Settings that parts may differ in: pictures are the same but for rounding. All are named."""


def read_proof(path: Path) -> Proof:
    """Read what an earlier run wrote with `--json`.

    Raises:
        ConfigError: the file is not there or no run wrote it.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        parts = tuple(
            Part(
                name=part["name"],
                lines=tuple(_line(row) for row in part["lines"]),
                details=part["details"],
            )
            for part in whole["parts"]
        )
        return Proof(setting=dict(whole["setting"]), parts=parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} holds no parts to merge ({type(error).__name__}: {error}); give files that "
            "`segue bench --picture --json` wrote"
        ) from error


def merged(pieces: Sequence[tuple[Path, Proof]]) -> Proof:
    """Put the parts of at least one run together; of a part that was played again, the last.

    Raises:
        ConfigError: the runs are not of one model at one size.
    """
    first, proof = pieces[0]
    parts: dict[str, Part] = {}
    for path, piece in pieces:
        keys = sorted((proof.setting.keys() | piece.setting.keys()) - {*_MACHINE})
        apart = [key for key in keys if proof.setting.get(key) != piece.setting.get(key)]
        if apart:
            was, is_ = ([s.get(key) for key in apart] for s in (proof.setting, piece.setting))
            raise ConfigError(
                f"{path} is of another run than {first}: {', '.join(apart)} {_said(is_)}, there "
                f"{_said(was)}; merge parts that were played alike"
            )
        parts |= {part.name: part for part in piece.parts}
    machines = _machines([piece for _, piece in pieces])
    return Proof(setting=proof.setting | machines, parts=tuple(parts.values()))


def _machines(pieces: Sequence[Proof]) -> dict[str, str]:
    """Return what the pieces were played on, each machine named once."""
    seen = {
        key: dict.fromkeys(piece.setting[key] for piece in pieces if key in piece.setting)
        for key in _MACHINE
    }
    return {key: _said(list(names)) for key, names in seen.items() if names}


def _line(row: dict[str, object]) -> Line:
    # The verdict is written for people and follows from the rest.
    return Line(**{key: value for key, value in row.items() if key != "verdict"})  # type: ignore[arg-type]


def _said(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
