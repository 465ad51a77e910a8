"""Read and write the file of one controller: TOML, one `[[control]]` a binding.

Reading never changes anything; a broken file is one sentence. Writing keeps comments, order and
fields it does not know. A file of a newer schema is read as well as it can be and never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tomlkit

from app.core.controller import PROGRAMS, SCHEMA_VERSION, Controller
from app.core.midi_binding import MidiBinding, Mode, Press
from app.core.midi_events import MidiKind
from app.core.midi_lights import (
    LightRow,
    Lights,
    Lit,
    Messages,
    Shown,
    Template,
    filled,
    template,
)
from app.core.pickup import Takeover
from engine.errors import ShowError
from engine.protocol.parameters import Kind, Parameter
from engine.protocol.show import FieldError
from engine.protocol.show_fields import Fields, parse

_KEYS = (
    "schema_version", "name", "match", "source", "tried_on_hardware", "based_on", "programs",
    "lights", "light", "control",
)  # fmt: skip
_CONTROL_KEYS = (
    "kind", "channel", "number", "target", "mode", "takeover", "press", "shift", "page", "value",
    "acceleration", "factory",
)  # fmt: skip


def load_controller(path: Path, is_factory: bool = False) -> Controller:
    """Return the map in a file.

    Raises:
        ShowError: missing, no TOML, or a field is wrong: file, line, field, value, expectation.
    """
    fields = Fields(path, parse(path).unwrap())
    is_newer = fields.integer("schema_version", 1, 2**31, SCHEMA_VERSION) > SCHEMA_VERSION
    remarks = [*fields.remarks(_KEYS)]
    bindings: list[MidiBinding] = []
    for row in fields.children("control"):
        remarks += row.remarks((*_CONTROL_KEYS, "numbers", "targets"))
        bindings += _read_controls(row, is_factory, is_newer)
    match = fields.strings("match")
    if not match:
        fields.fail("match", 'a list of device names, like ["APC MINI*"]')
    return Controller(
        name=fields.string("name"),
        match=match,
        bindings=tuple(bindings),
        lights=_read_lights(fields),
        programs=fields.choice("programs", PROGRAMS, "pad"),
        is_tried=fields.boolean("tried_on_hardware", default=False),
        based_on=fields.string("based_on", ""),
        stem=path.stem,
        is_read_only=is_factory or is_newer,
        remarks=tuple(remarks),
    )


def _read_controls(row: Fields, is_factory: bool, is_newer: bool) -> list[MidiBinding]:
    numbers = _numbers(row) if "numbers" in row.values else ()
    targets = row.strings("targets")
    if "numbers" in row.values and len(numbers) != len(targets):
        row.fail("targets", f"one target for each of the {len(numbers)} numbers")
    pairs = tuple(zip(numbers, targets, strict=True)) or (
        (row.integer("number", 0, 2**21, 0), row.string("target")),
    )
    try:
        return [_read_control(row, number, target, is_factory) for number, target in pairs]
    except FieldError as error:
        if is_newer:  # a newer Segue may drive more than we know
            return []
        key = "targets" if error.field == "target" and targets else error.field
        row.fail(key, error.expected)


def _read_control(row: Fields, number: int, target: str, is_factory: bool) -> MidiBinding:
    binding = MidiBinding(
        kind=MidiKind(row.choice("kind", tuple(MidiKind), "cc")),
        channel=row.integer("channel", 1, 16, 1),
        number=number,
        target=target,
        mode=Mode(row.choice("mode", tuple(Mode), Mode.KNOB)),
        takeover=Takeover(row.choice("takeover", tuple(Takeover), Takeover.PICKUP)),
        press=Press(row.choice("press", tuple(Press), Press.ANY)),
        shift=row.boolean("shift", default=False),
        page=row.integer("page", 0, 16, 0),
        acceleration=_number(row, "acceleration", 0.0, 1.0, 0.5),
        is_factory=row.boolean("factory", default=is_factory),
    )
    if "value" not in row.values:
        return binding
    parameter = binding.row
    if parameter is None:
        row.fail("value", "nothing: only a parameter takes a value")
    return _valued(row, binding, parameter)


def _valued(row: Fields, binding: MidiBinding, parameter: Parameter) -> MidiBinding:
    value = row.values["value"]
    if parameter.kind is Kind.CHOICE and value in parameter.choices:
        return replace(binding, value=float(parameter.choices.index(str(value))))
    return replace(binding, value=_number(row, "value", parameter.low, parameter.high, 0.0))


def _number(row: Fields, key: str, low: float, high: float, default: float) -> float:
    value = row.values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        row.fail(key, f"a number from {low:g} to {high:g}")
    return float(value)


def _numbers(row: Fields) -> tuple[int, ...]:
    """A list, or a text like "0-7 16-23"."""
    given = row.values.get("numbers")
    if isinstance(given, list) and all(type(one) is int and 0 <= one <= 127 for one in given):
        return tuple(given)
    if isinstance(given, str):
        spans = [part.partition("-") for part in given.split()]
        if all(a.isdigit() and (b.isdigit() or not dash) for a, dash, b in spans):
            found = [n for a, _, b in spans for n in range(int(a), int(b or a) + 1)]
            if found and max(found) <= 127:
                return tuple(found)
    return row.fail("numbers", 'a list like [0, 1] or a text like "0-7 16-23", each 0 to 127')


def _read_lights(fields: Fields) -> Lights:
    frame = fields.child("lights")
    rows = tuple(_read_light(row) for row in fields.children("light"))
    return Lights(start=_fixed(frame, "start"), end=_fixed(frame, "end"), rows=rows)


def _read_light(row: Fields) -> LightRow:
    return LightRow(
        listens=MidiKind(row.choice("listens", tuple(MidiKind), "note")),
        channel=row.integer("channel", 1, 16, 1),
        numbers=_numbers(row),
        templates={lit: _template(row, lit) for lit in Lit if lit in row.values},
        blinks=row.boolean("blinks", default=True),
    )


def _fixed(fields: Fields, key: str) -> Messages:
    return filled(_template(fields, key), 0, Shown(Lit.DARK))


def _template(fields: Fields, key: str) -> Template:
    try:
        return template(fields.strings(key))
    except ValueError as error:
        fields.fail(key, f'messages like ["90 n 7f"]; {error}')


# ---------------------------------------------------------------- writing


def controller_text(controller: Controller, path: Path) -> str:
    """Return the text of a controller's own file, made on what stands there now.

    Raises:
        ShowError: it is read-only, or what stands there is no TOML.
    """
    if controller.is_read_only:
        raise ShowError(
            f"the map of {controller.name!r} was written by a newer Segue and is read-only here; "
            "change it with that version"
        )
    document = parse(path) if path.is_file() else tomlkit.document()
    for key, value in _head(controller).items():
        if document.get(key) != value:
            document[key] = value
    old = document.get("control", [])
    rows = tomlkit.aot()
    for binding in controller.bindings:
        rows.append(_row(binding, old))
    document.pop("control", None)
    if controller.bindings:
        document["control"] = rows
    return tomlkit.dumps(document)


def _head(controller: Controller) -> dict[str, object]:
    head: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "name": controller.name,
        "match": list(controller.match),
        "programs": controller.programs,
    }
    return {**head, "based_on": controller.based_on} if controller.based_on else head


def _row(binding: MidiBinding, old: Sequence[object]) -> tomlkit.items.Table:
    """The table of a binding; fields that we do not know stay on the control they stand at."""
    wanted = _fields_of(binding)
    table = tomlkit.table()
    same = ("kind", "channel", "number", "target", "shift", "page", "press")
    for row in old:
        if isinstance(row, dict) and all(row.get(key) == wanted.get(key) for key in same):
            table.update({key: row[key] for key in row if key not in _CONTROL_KEYS})
    table.update(wanted)
    return table


def _fields_of(binding: MidiBinding) -> dict[str, object]:
    """Return what differs from the defaults, and what says which control it is."""
    every: dict[str, object] = {
        "kind": binding.kind.value, "channel": binding.channel, "number": binding.number,
        "target": binding.target, "mode": binding.mode.value,
        "takeover": binding.takeover.value, "press": binding.press.value,
        "shift": binding.shift, "page": binding.page, "value": binding.value,
        "acceleration": binding.acceleration, "factory": binding.is_factory,
    }  # fmt: skip
    default: dict[str, object] = {
        "mode": "knob", "takeover": "pickup", "press": "any", "shift": False, "page": 0,
        "value": None, "acceleration": 0.5, "factory": False,
    }  # fmt: skip
    return {
        key: value for key, value in every.items() if key not in default or value != default[key]
    }
