"""What is known about one make of controller, and which file belongs to which device. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from app.core.midi_binding import MidiBinding
from app.core.midi_lights import Lights

SCHEMA_VERSION = 1
PROGRAMS = ("pad", "cue", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A controller's map. Its bindings name no port: the device it is used with does."""

    name: str
    match: tuple[str, ...]  # patterns of device names, * for anything; capitals do not matter
    bindings: tuple[MidiBinding, ...] = ()
    lights: Lights = field(default_factory=Lights)
    programs: str = "pad"  # what program changes without a binding mean
    is_tried: bool = False  # on real hardware
    based_on: str = ""  # the factory file whose lights it uses
    stem: str = ""  # of its file
    is_read_only: bool = False  # factory, or written by a newer Segue
    remarks: tuple[str, ...] = ()

    def fits(self, device: str) -> bool:
        """Whether this is the map of a device."""
        name = re.sub(r" #\d+$", "", device).lower()
        return any(fnmatchcase(name, pattern.lower()) for pattern in self.match)


def chosen(
    device: str, own: Sequence[Controller], factory: Sequence[Controller]
) -> Controller | None:
    """Return the map of a device: the performer's own before the factory's, exact names first."""
    for controllers in (own, factory):
        fitting = [one for one in controllers if one.fits(device)]
        exact = [one for one in fitting if exact_pattern(device) in one.match]
        if fitting:
            return (exact or fitting)[0]
    return None


def exact_pattern(device: str) -> str:
    """Return the pattern that fits this device alone."""
    return re.sub(r"([*?\[])", r"[\1]", re.sub(r" #\d+$", "", device))


def file_stem(name: str) -> str:
    """Return a file name made of a device's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "controller"
