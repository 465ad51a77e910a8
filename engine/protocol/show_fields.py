"""Read typed fields out of one TOML file, and say exactly where a wrong one stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import tomlkit
import tomlkit.exceptions

from engine.errors import ShowError

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")
_UNCHANGED = "nothing was changed"


def read_text(path: Path) -> str:
    """Return the text of a show file.

    Raises:
        ShowError: it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ShowError(
            f"{path}: byte {error.start} is not UTF-8, expected a TOML text; {_UNCHANGED}"
        ) from error
    except OSError as error:
        raise ShowError(f"{path}: {error.strerror}, expected a TOML file; {_UNCHANGED}") from error


def parse(path: Path) -> tomlkit.TOMLDocument:
    """Return the file as a document that keeps comments, order and unknown fields.

    Raises:
        ShowError: no such file, or no TOML; the message has file and line.
    """
    text = read_text(path)
    try:
        return tomlkit.parse(text)
    except tomlkit.exceptions.ParseError as error:
        shown = text.splitlines()[error.line - 1].strip() if text.splitlines() else ""
        reason = str(error).split(" at line")[0].rstrip(".")
        raise ShowError(
            f"{path} line {error.line}: {reason}, got {shown!r}, "
            f"expected TOML with every key once; {_UNCHANGED}"
        ) from error


@dataclass(frozen=True, slots=True)
class Fields:
    """One table of a file: `table` is its name ("" for the file itself), `index` in an array."""

    path: Path
    values: Mapping[str, object]
    table: str = ""
    index: int = 0

    def fail(self, key: str, expected: str) -> Never:
        """Raise the sentence for field `key`: file, line, field, value, expectation."""
        field = f"{self.table}.{key}" if self.table and key else key or self.table
        where = f"{self.path} line {line_of(read_text(self.path), self.table, self.index, key)}"
        got = f"got {self.values[key]!r}" if key in self.values else "it is missing"
        raise ShowError(f"{where}: field {field!r}: {got}, expected {expected}; {_UNCHANGED}")

    def string(self, key: str, default: str | None = None) -> str:
        """Return a text; without `default` the field is required."""
        value = self.values.get(key, default)
        return value if isinstance(value, str) else self.fail(key, "a text in quotes")

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """Return a whole number in [low, high]."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(key, f"a whole number from {low} to {high}")
        return int(value)

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """Return a number in [low, high]; a whole one will do."""
        value = self.values.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            self.fail(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def boolean(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        return value if isinstance(value, bool) else self.fail(key, "true or false")

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of `choices`."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in choices:
            self.fail(key, f"one of {', '.join(choices)}")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; absent is empty."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(key, 'a list of texts, like ["embers", "tide"]')
        return tuple(value)

    def child(self, key: str) -> Fields:
        """Return the table `key`; absent is empty."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.fail(key, f"a table [{key}]")
        return Fields(self.path, value, key)

    def children(self, key: str) -> list[Fields]:
        """Return the tables of the array `key`; absent is empty."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fail(key, f"tables [[{key}]]")
        return [Fields(self.path, item, key, index) for index, item in enumerate(value)]

    def remarks(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Return a sentence for each field that nobody reads, so that a typo shows."""
        text = read_text(self.path)
        return tuple(
            f"{self.path.name} line {line_of(text, self.table, self.index, key)}: "
            f"field {key!r} is not known here and was left alone"
            for key in self.values
            if key not in known
        )


def line_of(text: str, table: str, index: int, key: str) -> int:
    """Return the line (from 1) of `key` in the `index`-th `[table]`, or the nearest thing to it."""
    wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    dotted = re.compile(rf"\s*{re.escape(table)}\s*(\.\s*{re.escape(key)})?\s*=")
    current, seen, nearest = "", -1, 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.fullmatch(line)
        if header:
            current = header.group(1).strip("\"'")
            seen += current == table
            if current == table and seen == index:
                nearest = number
        elif current == table and (not table or seen == index) and key and wanted.match(line):
            return number
        elif table and not current and dotted.match(line):
            nearest = number
    return nearest
