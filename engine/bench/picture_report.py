"""The numbers of the proof: lines with goals, as a table, as JSON and inside a document.

PURE, except for reading and writing the files that are named.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.errors import ConfigError

BEGIN_MARK: Final = "<!-- segue bench --picture: begin -->"
END_MARK: Final = "<!-- segue bench --picture: end -->"

_NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One number of the proof.

    `ceiling` is the same measure on the renderer's own clips; `low` and `high` bound the goal.
    """

    key: str
    label: str
    value: float
    ceiling: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.low is None and self.high is None:
            return None
        return self._margin() >= 0

    def goal(self) -> str:
        """Return the goal as people write it."""
        match (self.low, self.high):
            case (None, None):
                return ""
            case (low, None):
                return f"≥ {_number(low)}"
            case (None, high):
                return f"≤ {_number(high)}"
            case (low, high):
                return f"{_number(low)} to {_number(high)}"

    def verdict(self) -> str:
        """Return met or missed, and by how much; empty without a goal."""
        if self.is_met is None:
            return ""
        return f"{'met' if self.is_met else 'MISSED'} by {abs(self._margin()):.3f}"

    def _margin(self) -> float:
        """Return how far inside its goal the value is; negative outside."""
        margins = []
        if self.low is not None:
            margins.append(self.value - self.low)
        if self.high is not None:
            margins.append(self.high - self.value)
        return min(margins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of the proof found. `details` is for the JSON: by prompt, by chunk."""

    name: str
    lines: tuple[Line, ...]
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A whole run: what was measured, on what, and its parts."""

    setting: dict[str, Any]  # model, size, device, chunks: plain values
    parts: tuple[Part, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `values_of` reads them back."""
        parts = [
            {
                "name": part.name,
                "lines": [_as_row(line) for line in part.lines],
                "details": part.details,
            }
            for part in self.parts
        ]
        return {"setting": self.setting, "parts": parts}

    def missed(self) -> list[Line]:
        """Return the lines whose goal is missed."""
        return [line for part in self.parts for line in part.lines if line.is_met is False]


def _as_row(line: Line) -> dict[str, Any]:
    return asdict(line) | {"verdict": line.verdict()}


def values_of(path: Path) -> dict[str, float]:
    """Read key → value of an earlier run's JSON.

    Raises:
        ConfigError: the file is not there or is no such JSON.
    """
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))["parts"]
        return {line["key"]: float(line["value"]) for part in parts for line in part["lines"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} cannot be compared with ({type(error).__name__}: {error}); give a file that "
            "`segue bench --picture --json` wrote"
        ) from error


def text_table(parts: Sequence[Part], floor: dict[str, float]) -> str:
    """Return the table for a terminal."""
    rows = [("", "model", "renderer", *(("before",) if floor else ()), "goal", "")]
    for part in parts:
        rows.append((part.name, *[""] * (len(rows[0]) - 1)))
        rows += [("  " + row[0], *row[1:]) for row in _rows(part, floor)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_aligned(row, widths) for row in rows)


def markdown_table(parts: Sequence[Part], floor: dict[str, float]) -> str:
    """Return the table for a document."""
    heads = ("", "model", "renderer", *(("first version",) if floor else ()), "goal", "")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for part in parts:
        lines.append(f"| **{part.name}** " + "| " * (len(heads) - 1) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in _rows(part, floor)]
    return "\n".join(lines)


def write_markdown(path: Path, text: str) -> None:
    """Put `text` between the two marks of a document.

    Raises:
        ConfigError: the document is not there or lacks the marks; it is as it was.
    """
    before, after = check_marks(path)
    path.write_text(f"{before}\n\n{text}\n\n{after}", encoding="utf-8")


def check_marks(path: Path) -> tuple[str, str]:
    """Return what stands before and behind the table, marks included.

    Raises:
        ConfigError: the document is not there or lacks the marks.
    """
    document = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = document.partition(BEGIN_MARK)
    _, end, after = rest.partition(END_MARK)
    if not begin or not end:
        raise ConfigError(
            f"{path}: the table goes between {BEGIN_MARK} and {END_MARK}, each on its own line; "
            "put both there first"
        )
    return before + begin, end + after


def _rows(part: Part, floor: dict[str, float]) -> list[tuple[str, ...]]:
    rows = []
    for line in part.lines:
        known = floor.get(line.key)
        earlier = ((_number(known) if known is not None else _NONE),) if floor else ()
        ceiling = _NONE if line.ceiling is None else _number(line.ceiling)
        value = _number(line.value)
        rows.append((line.label, value, ceiling, *earlier, line.goal(), line.verdict()))
    return rows


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join((first, *others)).rstrip()


def _number(value: float | None) -> str:
    assert value is not None
    if abs(value) < 0.1 and value != 0:
        return f"{value:.3f}"
    return f"{value:.2f}"
