"""Read and write shows: a folder with `show.toml` and one TOML file a preset, beside it.

Reading never changes anything. Writing keeps comments, order and fields it does not know, writes
only files that differ, presets first and `show.toml` last, each of them atomically. A show of a
newer schema is read as well as it can be and never written; saved elsewhere, it becomes a copy that
keeps all that is newer and may be written.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import tomlkit

from engine.errors import ShowError
from engine.protocol.atomic_file import write_atomically
from engine.protocol.parameters import PARAMETERS, Kind, Parameter
from engine.protocol.show import (
    DEFAULT_COLOUR,
    MAX_CUT_CHUNKS,
    MAX_SEED,
    SCHEMA_VERSION,
    SOURCE_KINDS,
    Binding,
    ControlKind,
    FieldError,
    Preset,
    Show,
)
from engine.protocol.show_beat import BEAT_KEYS, SOUND_KEYS, read_beat
from engine.protocol.show_cues import CUE_KEYS, read_cues
from engine.protocol.show_document import preset_text, show_text
from engine.protocol.show_fields import Fields, parse
from engine.protocol.show_guides import (
    GUIDE_KEYS,
    bring_pictures,
    missing_pictures,
    read_guides,
)
from engine.protocol.show_modulators import MODULATOR_KEYS, read_modulators
from engine.protocol.values import (
    CODECS,
    MAX_LATENTS_PER_CHUNK,
    PRECISIONS,
    Cut,
    ModelChoice,
    OutputSpec,
    SourceSpec,
)

SHOW_FILE = "show.toml"
EDITED_BY_OLDER = "edited_by_older"  # in a copy of a newer show that an older Segue may write
_CUTS = (Cut.HARD.value, Cut.SOFT.value)
_DEVICES = ("auto", "cpu", "cuda")
_SHOW_KEYS = (
    "schema_version", "name", "presets", "soft_cut_chunks", "source", "output", "model", "midi",
    "cue", "modulator", "beat", "sound", EDITED_BY_OLDER,
)  # fmt: skip
_PRESET_KEYS = (
    "schema_version", "name", "prompt", "seed", "cut", "chunks", "colour", "picture",
    "parameters", "guides",
)  # fmt: skip


# ---------------------------------------------------------------- reading


def load_show(path: str | Path) -> Show:
    """Return the show in a folder (or in the folder of a `show.toml`).

    Raises:
        ShowError: a file is missing or broken: file, line, field, value, expectation.
    """
    given = Path(path)
    folder = (given.parent if given.name == SHOW_FILE else given).absolute()
    if not (folder / SHOW_FILE).is_file():
        raise ShowError(f"{folder}: no {SHOW_FILE} in it, expected the folder of a show")
    fields = _fields(folder / SHOW_FILE)
    newer = _is_newer(fields)
    stems = fields.strings("presets")
    pages = [_preset_fields(fields, folder, stem) for stem in stems]
    presets = [_read_preset(page, folder, newer or _is_newer(page)) for page in pages]
    known = tuple(PARAMETERS)
    remarks = [*fields.remarks(_SHOW_KEYS)]
    for page, preset in zip(pages, presets, strict=True):
        remarks += page.remarks(_PRESET_KEYS) + page.child("parameters").remarks(known)
        guides = page.child("guides")
        remarks += guides.remarks(GUIDE_KEYS) + missing_pictures(guides, preset.guides)
    for row in fields.children("cue"):
        remarks += row.remarks(CUE_KEYS)
    for row in fields.children("modulator"):
        remarks += row.remarks(MODULATOR_KEYS)
    beat, sound = fields.child("beat"), fields.child("sound")
    remarks += beat.remarks(BEAT_KEYS) + sound.remarks(SOUND_KEYS)
    try:
        return Show(
            name=fields.string("name"),
            presets=tuple(presets),
            cues=read_cues(fields, [preset.name for preset in presets], newer),
            source=_read_source(fields.child("source"), folder),
            output=_read_output(fields.child("output")),
            model=_read_model(fields.child("model")),
            bindings=_read_bindings(fields, newer),
            modulators=read_modulators(fields, newer),
            beat=read_beat(beat, sound, newer),
            soft_cut_chunks=fields.integer("soft_cut_chunks", 1, MAX_CUT_CHUNKS, 4),
            folder=folder,
            files={preset.name: stem for preset, stem in zip(presets, stems, strict=True)},
            read_only=(newer or any(_is_newer(page) for page in pages))
            and not fields.boolean(EDITED_BY_OLDER, False),
            remarks=tuple(remarks),
        )
    except FieldError as error:
        fields.fail(error.field, error.expected)


def _fields(path: Path) -> Fields:
    return Fields(path, parse(path).unwrap())


def _is_newer(fields: Fields) -> bool:
    return fields.integer("schema_version", 1, 2**31, SCHEMA_VERSION) > SCHEMA_VERSION


def _preset_fields(fields: Fields, folder: Path, stem: str) -> Fields:
    path = folder / f"{stem}.toml"
    if not re.fullmatch(r"[\w][\w .-]*", stem) or stem == "show" or not path.is_file():
        fields.fail("presets", f"names of preset files beside it; there is no {path.name!r}")
    return _fields(path)


def _read_preset(fields: Fields, folder: Path, newer: bool) -> Preset:
    seed = None
    if "seed" in fields.values:
        seed = fields.integer("seed", 0, MAX_SEED, 0)
    try:
        return Preset(
            name=fields.string("name"),
            prompt=fields.string("prompt"),
            parameters=_read_parameters(fields.child("parameters"), newer),
            seed=seed,
            cut=Cut(fields.choice("cut", _CUTS, Cut.HARD.value)),
            chunks=fields.integer("chunks", 1, MAX_CUT_CHUNKS, 4),
            colour=fields.string("colour", DEFAULT_COLOUR),
            picture=fields.string("picture", ""),
            guides=read_guides(fields.child("guides"), folder),
        )
    except FieldError as error:
        fields.fail(error.field, error.expected)


def _read_parameters(fields: Fields, newer: bool) -> dict[str, float]:
    values = {}
    for key in fields.values:
        if key in PARAMETERS:
            values[key] = _read_value(fields, PARAMETERS[key])
        elif not newer:  # a newer Segue may have more knobs than we do
            fields.fail(key, f"one of the parameters {', '.join(PARAMETERS)}")
    return values


def _read_value(fields: Fields, row: Parameter) -> float:
    value = fields.values[row.id]
    if row.kind is Kind.CHOICE and value in row.choices:
        return float(row.choices.index(str(value)))
    if row.kind is Kind.SWITCH and isinstance(value, bool):
        return float(value)
    if row.kind is Kind.CHOICE:
        fields.fail(row.id, f"one of {', '.join(row.choices)}")
    if row.kind is Kind.SWITCH:
        fields.fail(row.id, "true or false")
    whole = row.kind is Kind.INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        fields.fail(row.id, f"a {'whole ' * whole}number from {row.low:g} to {row.high:g}")
    if not row.low <= value <= row.high:
        fields.fail(row.id, f"a {'whole ' * whole}number from {row.low:g} to {row.high:g}")
    return float(value)


def _read_source(fields: Fields, folder: Path) -> SourceSpec:
    kind = fields.choice("kind", SOURCE_KINDS, "none")
    address = fields.string("address", "")
    if kind == "file" and not address:
        fields.fail("address", "the path of a video file, relative to the show")
    if kind == "file":
        address = str(folder / address)
    return SourceSpec(kind=kind, address=address)


def _read_output(fields: Fields) -> OutputSpec:
    default = OutputSpec()
    spec = OutputSpec(
        width_px=fields.integer("width_px", 64, 7680, default.width_px),
        height_px=fields.integer("height_px", 64, 4320, default.height_px),
        rate_numerator=fields.integer("rate_numerator", 1, 240_000, default.rate_numerator),
        rate_denominator=fields.integer("rate_denominator", 1, 10_010, default.rate_denominator),
        ndi_name=fields.string("ndi_name", default.ndi_name),
        ndi=fields.boolean("ndi", default.ndi),
    )
    for key, value in (("width_px", spec.width_px), ("height_px", spec.height_px)):
        if value % 2:
            fields.fail(key, "an even number of pixels")
    if not 23.97 <= spec.rate_fps <= 60:
        fields.fail("rate_numerator", "a rate from 24000/1001 to 60/1 frames a second")
    if not spec.ndi_name.strip():
        fields.fail("ndi_name", "a name with at least one letter")
    return spec


def _read_model(fields: Fields) -> ModelChoice:
    default = ModelChoice()
    choice = ModelChoice(
        name=fields.string("name", default.name),
        width_px=fields.integer("width_px", 64, 4096, default.width_px),
        height_px=fields.integer("height_px", 64, 4096, default.height_px),
        device=fields.choice("device", _DEVICES, default.device),
        latents_per_chunk=fields.integer(
            "latents_per_chunk", 0, MAX_LATENTS_PER_CHUNK, default.latents_per_chunk
        ),
        codec=fields.choice("codec", CODECS, default.codec),
        precision=fields.choice("precision", PRECISIONS, default.precision),
    )
    for key, value in (("width_px", choice.width_px), ("height_px", choice.height_px)):
        if value % 16:
            fields.fail(key, "a number of pixels divisible by 16")
    return choice


def _read_bindings(fields: Fields, newer: bool) -> tuple[Binding, ...]:
    bindings = []
    for row in fields.children("midi"):
        try:
            bindings.append(_read_binding(row))
        except FieldError as error:
            if not newer:
                row.fail(error.field, error.expected)
    return tuple(bindings)


def _read_binding(row: Fields) -> Binding:
    return Binding(
        kind=ControlKind(row.choice("kind", tuple(ControlKind), "cc")),
        channel=row.integer("channel", 1, 16, 1),
        number=row.integer("number", 0, 127, 0),
        target=row.string("target"),
        port=row.string("port", ""),
    )


# ---------------------------------------------------------------- writing


def save_show(show: Show, folder: str | Path | None = None) -> Show:
    """Write the show to `folder` (default: where it came from) and return it with its place.

    Raises:
        ShowError: read-only, no place, a file there that is no TOML, or a disk that refuses;
            every file holds either its old or its new text.
    """
    target = Path(folder) if folder is not None else show.folder
    if target is None:
        raise ShowError(f"show {show.name!r} has no folder yet; name one to save it in")
    target = target.absolute()
    if show.read_only:
        show = _copy_of_newer(show, target)
    placed = replace(_with_pictures(show, target), folder=target, files=_stems(show, target))
    texts = {}
    for preset in placed.presets:
        path = target / f"{placed.files[preset.name]}.toml"
        texts[path] = preset_text(preset, path)
    texts[target / SHOW_FILE] = show_text(placed, target / SHOW_FILE)  # last: it lists the others
    _write_changed(target, texts)
    return placed


def _copy_of_newer(show: Show, target: Path) -> Show:
    """Copy a newer show as it is, with all that only a newer Segue knows, and allow edits there."""
    if show.folder is None or target == show.folder or target.exists():
        raise ShowError(
            f"show {show.name!r} was written by a newer Segue and is read-only here; save it with "
            f"that version, or elsewhere: a new folder gets a copy that keeps what is newer"
        )
    half = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(show.folder, half)
        document = parse(half / SHOW_FILE)
        document[EDITED_BY_OLDER] = True
        write_atomically(half / SHOW_FILE, tomlkit.dumps(document))
        half.rename(target)
    except OSError as error:
        raise _not_saved(target, error) from error
    return replace(show, read_only=False)


def _with_pictures(show: Show, target: Path) -> Show:
    """Return the show with every picture that steers it below `target`."""
    try:
        brought = tuple(
            replace(preset, guides=bring_pictures(preset.guides, target)) for preset in show.presets
        )
    except OSError as error:
        raise _not_saved(target, error) from error
    return replace(show, presets=brought)


def _stems(show: Show, target: Path) -> dict[str, str]:
    """Keep the file of each preset; a new one gets a free name made of its own."""
    stems: dict[str, str] = {}
    kept = {show.files[p.name] for p in show.presets if p.name in show.files}
    for preset in show.presets:
        stem = show.files.get(preset.name)
        if stem is None:
            stem = _free_stem(preset.name, kept | set(stems.values()), target)
        stems[preset.name] = stem
    return stems


def _free_stem(name: str, taken: set[str], target: Path) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "preset"
    numbered = [base, *(f"{base}-{n}" for n in range(2, 1000))]
    for stem in numbered:
        if stem not in taken and stem != "show" and not (target / f"{stem}.toml").exists():
            return stem
    raise ShowError(f"{target}: no free file name for preset {name!r}; rename it")


def _write_changed(target: Path, texts: Mapping[Path, str]) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                write_atomically(path, text)
    except OSError as error:
        raise _not_saved(target, error) from error


def _not_saved(target: Path, error: OSError) -> ShowError:
    return ShowError(
        f"{target}: saving failed ({error.strerror}); every file there is whole, "
        f"make room or choose another folder and save again"
    )
