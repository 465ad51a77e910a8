"""What a show is: presets in order, where pictures come from and go to, what the knobs do.

PURE: frozen dataclasses; `show_file.py` reads and writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from engine.errors import ConfigError
from engine.protocol.beat import QUANTA
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.cues import MAX_CUES, MAX_FADE_S, MAX_FOLLOW_S, CueSpec
from engine.protocol.guides import NO_GUIDES
from engine.protocol.modulators import Modulator, trouble_of
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, parameter
from engine.protocol.values import Cut, Guides, Look, ModelChoice, OutputSpec, SourceSpec

SCHEMA_VERSION = 1
SOURCE_KINDS = ("none", "pattern", "visuals", "file", "camera", "ndi")
MAX_CUT_CHUNKS = 64
MAX_SEED = 2**63 - 1  # what TOML holds
DEFAULT_COLOUR = "#7c8aa5"
ACTIONS = ("hard", "soft", "cancel")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class FieldError(ConfigError):
    """A field of a show holds what it cannot; `field`, `got` and `expected` are kept apart."""

    def __init__(self, name: str, got: object, expected: str) -> None:
        self.field = name
        self.got = got
        self.expected = expected
        super().__init__(f"{name}: got {got!r}, expected {expected}")


class ControlKind(StrEnum):
    """What a controller sends."""

    CC = "cc"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One control of a controller and what it does.

    `target` is `parameter:<id>`, `preset:<name>` or `cut:hard`, `cut:soft`, `cut:cancel`.
    `port` is the device name without the trailing port numbers; empty means any device.
    """

    kind: ControlKind
    channel: int  # 1..16, as printed on controllers
    number: int  # 0..127
    target: str
    port: str = ""

    def __post_init__(self) -> None:
        """Check the ranges."""
        _expect(1 <= self.channel <= 16, "channel", self.channel, "1 to 16")
        _expect(0 <= self.number <= 127, "number", self.number, "0 to 127")
        kind, _, name = self.target.partition(":")
        known = {"parameter": name in PARAMETERS, "preset": bool(name), "cut": name in ACTIONS}
        _expect(
            known.get(kind, False),
            "target",
            self.target,
            "parameter:<id>, preset:<name>, cut:hard, cut:soft or cut:cancel",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named prompt with the parameters that belong to it, and how it likes to be cut to."""

    name: str
    prompt: str
    parameters: Mapping[str, float] = field(default_factory=dict)  # partial: the rest stays
    seed: int | None = None  # None: a new one at every cut
    cut: Cut = Cut.HARD
    chunks: int = 4  # length of a soft cut
    colour: str = DEFAULT_COLOUR  # of its pad, #rrggbb
    picture: str = ""  # for its pad: an image file, relative to the show; empty for none
    guides: Guides = NO_GUIDES  # pictures that steer it, by full path

    def __post_init__(self) -> None:
        """Check what the types cannot and freeze the parameters."""
        _expect(bool(self.name.strip()), "name", self.name, "a name with at least one letter")
        _expect(self.cut is not Cut.NONE, "cut", self.cut.value, "hard or soft")
        _expect(1 <= self.chunks <= MAX_CUT_CHUNKS, "chunks", self.chunks, f"1 to {MAX_CUT_CHUNKS}")
        _expect(bool(_COLOUR.fullmatch(self.colour)), "colour", self.colour, "#rrggbb")
        _expect(self.seed is None or 0 <= self.seed <= MAX_SEED, "seed", self.seed, "0 to 2^63-1")
        clean = {key: parameter(key).clean(value) for key, value in self.parameters.items()}
        object.__setattr__(self, "parameters", MappingProxyType(clean))

    def look(self) -> Look:
        """Return what a cut to this preset asks for."""
        return Look(
            prompt=self.prompt, parameters=dict(self.parameters), seed=self.seed, name=self.name,
            guides=self.guides,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One numbered step of a show: a preset and how it comes."""

    name: str
    preset: str
    cut: Cut | None = None  # None: as the preset likes it; Cut.NONE: parameters only
    chunks: int | None = None  # length of a soft cut; None: as the preset likes it
    fade_s: float = 0.0  # how long continuous parameters travel; 0: with the cut
    rows: tuple[str, ...] | None = None  # parameters that it moves; None: all of the preset
    follow_s: float | None = None  # on air for so long, then GO by itself
    note: str = ""

    def __post_init__(self) -> None:
        """Check what the types cannot."""
        _expect(bool(self.name.strip()), "name", self.name, "a name with at least one letter")
        length = self.chunks
        _expect(
            length is None or 1 <= length <= MAX_CUT_CHUNKS, "chunks", length,
            f"1 to {MAX_CUT_CHUNKS}",
        )  # fmt: skip
        _expect(0 <= self.fade_s <= MAX_FADE_S, "fade_s", self.fade_s, f"0 to {MAX_FADE_S:g} s")
        follow = self.follow_s
        _expect(
            follow is None or 0 <= follow <= MAX_FOLLOW_S, "follow_s", follow,
            f"0 to {MAX_FOLLOW_S:g} s",
        )  # fmt: skip
        unknown = [row for row in self.rows or () if row not in PARAMETERS]
        _expect(not unknown, "rows", ", ".join(unknown), "ids of the parameter table")

    def spec(self, preset: Preset) -> CueSpec:
        """Return the cue as the host plays it."""
        look = preset.look()
        moved = {k: v for k, v in look.parameters.items() if self.rows is None or k in self.rows}
        return CueSpec(
            name=self.name,
            look=replace(look, parameters=moved),
            cut=preset.cut if self.cut is None else self.cut,
            num_chunks=preset.chunks if self.chunks is None else self.chunks,
            fade_s=self.fade_s,
            follow_s=self.follow_s,
            note=self.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A whole show. The first preset is what it opens with."""

    name: str
    presets: tuple[Preset, ...] = ()
    cues: tuple[Cue, ...] = ()
    source: SourceSpec = field(default_factory=SourceSpec)
    output: OutputSpec = field(default_factory=OutputSpec)
    model: ModelChoice = field(default_factory=ModelChoice)
    bindings: tuple[Binding, ...] = ()
    modulators: tuple[Modulator, ...] = ()
    beat: BeatSettings = field(default_factory=BeatSettings)
    soft_cut_chunks: int = 4
    folder: Path | None = field(default=None, compare=False)  # None: never saved
    files: Mapping[str, str] = field(default_factory=dict, compare=False)  # preset name → file stem
    read_only: bool = field(default=False, compare=False)  # written by a newer Segue
    remarks: tuple[str, ...] = field(
        default=(), compare=False
    )  # fields left alone, one sentence each

    def __post_init__(self) -> None:
        """Check what the parts cannot."""
        _expect(bool(self.name.strip()), "name", self.name, "a name with at least one letter")
        length = self.soft_cut_chunks
        _expect(1 <= length <= MAX_CUT_CHUNKS, "soft_cut_chunks", length, f"1 to {MAX_CUT_CHUNKS}")
        names = [preset.name for preset in self.presets]
        _expect_once("presets", names)
        _expect_once("cue", [cue.name for cue in self.cues])
        _expect(len(self.cues) <= MAX_CUES, "cue", len(self.cues), f"at most {MAX_CUES} cues")
        for trouble in filter(None, map(trouble_of, self.modulators)):
            raise FieldError(f"modulator.{trouble[0]}", trouble[1], trouble[2])
        waits = self.beat.quantum_beats
        known = ", ".join(f"{beats:g}" for beats, _ in QUANTA)
        _expect(waits is None or waits in dict(QUANTA), "beat.wait", waits, f"one of {known} beats")
        lost = sorted({cue.preset for cue in self.cues} - set(names))
        _expect(not lost, "cue", ", ".join(lost), f"presets of the show: {', '.join(names)}")

    @property
    def guides(self) -> tuple[Guides, ...]:
        """Return the pictures that steer its presets, in their order."""
        return tuple(preset.guides for preset in self.presets if preset.guides != NO_GUIDES)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What its presets say, in their order."""
        return tuple(preset.prompt for preset in self.presets)

    @property
    def cue_specs(self) -> tuple[CueSpec, ...]:
        """Return its cues as the host plays them."""
        return tuple(cue.spec(self.preset(cue.preset)) for cue in self.cues)

    @property
    def pad_specs(self) -> tuple[PadSpec, ...]:
        """Return its presets as remotes play them."""
        return tuple(
            PadSpec(
                name=preset.name, look=preset.look(), cut=preset.cut, num_chunks=preset.chunks,
                colour=preset.colour, picture=self._full_path(preset.picture),
            )
            for preset in self.presets
        )  # fmt: skip

    def _full_path(self, picture: str) -> str:
        return str((self.folder / picture).absolute()) if picture and self.folder else ""

    def preset(self, name: str) -> Preset:
        """Return the preset called `name`.

        Raises:
            ConfigError: there is none; the message lists those that exist.
        """
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(preset.name for preset in self.presets) or "none"
        raise ConfigError(f"show {self.name!r} has no preset {name!r}; it has: {known}")


def _expect(holds: bool, name: str, got: object, expected: str) -> None:
    if not holds:
        raise FieldError(name, got, expected)


def _expect_once(name: str, names: list[str]) -> None:
    twice = sorted({one for one in names if names.count(one) > 1})
    _expect(not twice, name, ", ".join(twice), "every name once")
