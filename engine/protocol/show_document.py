"""Write shows into TOML documents: comments, order and unknown fields stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tomlkit
import tomlkit.items
from tomlkit.container import Container

from engine.protocol.beat_settings import BeatSettings
from engine.protocol.guides import NO_GUIDES
from engine.protocol.parameters import PARAMETERS, Kind, Parameter
from engine.protocol.show import DEFAULT_COLOUR, SCHEMA_VERSION, Binding, Cue, Preset, Show
from engine.protocol.show_beat import beat_in_toml
from engine.protocol.show_cues import CUE_KEYS, cue_in_toml
from engine.protocol.show_fields import parse
from engine.protocol.show_guides import guides_in_toml
from engine.protocol.show_modulators import is_known, modulator_in_toml
from engine.protocol.values import Cut, ModelChoice, OutputSpec, SourceSpec


def _document(path: Path) -> tomlkit.TOMLDocument:
    document = parse(path) if path.is_file() else tomlkit.document()
    if "schema_version" not in document:
        document["schema_version"] = SCHEMA_VERSION
    return document


def preset_text(preset: Preset, path: Path) -> str:
    """Return what `path` says after `preset` is written into it.

    Raises:
        ShowError: what is there now is no TOML; it is not overwritten.
    """
    document = _document(path)
    _put(document, "name", preset.name, None)
    _put(document, "prompt", preset.prompt, None)
    _put(document, "colour", preset.colour, DEFAULT_COLOUR)
    _put(document, "picture", preset.picture, "")
    _put(document, "cut", preset.cut.value, Cut.HARD.value)
    _put(document, "chunks", preset.chunks, 4)
    _put(document, "seed", preset.seed, None)
    table = _table(document, "parameters", bool(preset.parameters))
    if table is not None:
        for key in [key for key in table if key in PARAMETERS and key not in preset.parameters]:
            del table[key]
        for key, value in preset.parameters.items():
            _put(table, key, _value_in_toml(PARAMETERS[key], value), None)
    folder = path.parent
    _put_table(
        document, "guides",
        guides_in_toml(preset.guides, folder), guides_in_toml(NO_GUIDES, folder),
    )  # fmt: skip
    return tomlkit.dumps(document)


def show_text(show: Show, path: Path) -> str:
    """Return what `path` (the show.toml) says after `show` is written into it.

    Raises:
        ShowError: what is there now is no TOML; it is not overwritten.
    """
    document = _document(path)
    _put(document, "name", show.name, None)
    _put(document, "presets", [show.files[preset.name] for preset in show.presets], [])
    _put(document, "soft_cut_chunks", show.soft_cut_chunks, 4)
    source = {"kind": show.source.kind, "address": _relative(show.source, path.parent)}
    _put_table(document, "source", source, {"kind": "none", "address": ""})
    _put_table(document, "output", _values_of(show.output), _values_of(OutputSpec()))
    _put_table(document, "model", _values_of(show.model), _values_of(ModelChoice()))
    _put_rows(document, "midi", [_binding_in_toml(binding) for binding in show.bindings])
    newer = [row for row in _plain_rows(document.get("modulator", [])) if not is_known(row)]
    _put_rows(document, "modulator", [modulator_in_toml(one) for one in show.modulators] + newer)
    _put_beat(document, show.beat)
    _put_cues(document, show.cues)
    return tomlkit.dumps(document)


def _put_beat(document: tomlkit.TOMLDocument, settings: BeatSettings) -> None:
    before = _plain(document.get("beat", {}))
    beat, sound = beat_in_toml(settings, before if isinstance(before, dict) else {})
    _put_table(document, "beat", beat, dict.fromkeys(beat))
    _put_table(document, "sound", sound, dict.fromkeys(sound))


def _values_of(spec: OutputSpec | ModelChoice) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__struct_fields__}


def _relative(source: SourceSpec, target: Path) -> str:
    """Media inside the show's folder travels with it; media elsewhere keeps its full path."""
    path = Path(source.address)
    if source.kind == "file" and path.is_absolute() and path.is_relative_to(target):
        return path.relative_to(target).as_posix()
    return source.address


def _value_in_toml(row: Parameter, value: float) -> object:
    if row.kind is Kind.CHOICE:
        return row.choices[int(value)]
    if row.kind is Kind.SWITCH:
        return value >= 0.5
    return int(value) if row.kind is Kind.INTEGER else float(value)


def _put(table: Container | tomlkit.items.Table, key: str, value: object, default: object) -> None:
    """Write a field only where it says something new: formatting and comments stay."""
    if key not in table:
        if value != default:
            table[key] = value
    elif value is None:
        del table[key]
    elif _plain(table[key]) != value or isinstance(value, bool) != isinstance(
        _plain(table[key]), bool
    ):
        table[key] = value


def _plain(item: object) -> object:
    return item.unwrap() if isinstance(item, tomlkit.items.Item) else item


def _table(document: tomlkit.TOMLDocument, key: str, wanted: bool) -> tomlkit.items.Table | None:
    if key not in document and wanted:
        document[key] = tomlkit.table()
    table = document.get(key)
    return table if isinstance(table, tomlkit.items.Table) else None


def _put_table(
    document: tomlkit.TOMLDocument,
    key: str,
    values: Mapping[str, object],
    defaults: Mapping[str, object],
) -> None:
    table = _table(document, key, wanted=values != defaults)
    if table is not None:
        for name, value in values.items():
            _put(table, name, value, defaults[name])


def _put_rows(document: tomlkit.TOMLDocument, key: str, rows: list[dict[str, object]]) -> None:
    if _plain(document.get(key, [])) == rows:
        return
    array = tomlkit.aot()
    for row in rows:
        array.append(tomlkit.item(row))
    if rows:
        document[key] = array
    else:
        document.remove(key)


def _binding_in_toml(binding: Binding) -> dict[str, object]:
    row: dict[str, object] = {
        "kind": binding.kind.value,
        "channel": binding.channel,
        "number": binding.number,
        "target": binding.target,
    }
    return {**row, "port": binding.port} if binding.port else row


def _put_cues(document: tomlkit.TOMLDocument, cues: tuple[Cue, ...]) -> None:
    """Write the cue list; the table of a cue that stays keeps its comments and unknown fields."""
    rows = [cue_in_toml(cue) for cue in cues]
    old = document.get("cue", [])
    if [{k: v for k, v in row.items() if k in CUE_KEYS} for row in _plain_rows(old)] == rows:
        return
    kept = {str(row.get("name", row.get("preset"))): row for row in old}
    rows = [_with_newer_rows(kept.get(cue.name), row) for cue, row in zip(cues, rows, strict=True)]
    if _plain_rows(old) == rows:
        return
    array = tomlkit.aot()
    for cue, row in zip(cues, rows, strict=True):
        array.append(_cue_table(kept.get(cue.name), row))
    if "cue" in document:
        document.remove("cue")
    if rows:
        document["cue"] = array


def _with_newer_rows(old: tomlkit.items.Table | None, row: dict[str, object]) -> dict[str, object]:
    """Keep parameters in a mask that only a newer Segue has."""
    asked = old.get("rows", []) if old is not None else []
    newer = [str(name) for name in asked if name not in PARAMETERS]
    mask = row.get("rows")
    return {**row, "rows": [*mask, *newer]} if newer and isinstance(mask, list) else row


def _plain_rows(rows: object) -> list[dict[str, object]]:
    plain = _plain(rows)
    return plain if isinstance(plain, list) else []


def _cue_table(old: tomlkit.items.Table | None, row: dict[str, object]) -> tomlkit.items.Table:
    table = tomlkit.table() if old is None else old
    for key in [key for key in CUE_KEYS if key in table and key not in row]:
        del table[key]
    for key, value in row.items():
        _put(table, key, value, None)
    return table
