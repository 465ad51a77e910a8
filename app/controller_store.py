"""The controllers' files: the factory's beside the program, the performer's own in their folder."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

from app.controller_file import controller_text, load_controller
from app.core.controller import Controller, chosen, exact_pattern, file_stem
from engine.errors import ShowError
from engine.protocol.atomic_file import write_atomically
from engine.protocol.places import controllers_folder

FACTORY = Path(__file__).resolve().parent / "controllers"


class ControllerStore:
    """Reads all files when it is asked to; one that is broken is told and keeps its old map."""

    def __init__(self, factory: Path = FACTORY, own: Path | None = None) -> None:
        self._factory_folder = factory
        self._own_folder = controllers_folder() if own is None else own
        self._factory: dict[str, Controller] = {}
        self._own: dict[str, Controller] = {}
        self._told: set[str] = set()

    def refresh(self) -> list[str]:
        """Read the files anew; returns a sentence for each that is broken, once."""
        self._factory, broken = _read(self._factory_folder, self._factory, is_factory=True)
        self._own, also = _read(self._own_folder, self._own, is_factory=False)
        new = [text for text in (*broken, *also) if text not in self._told]
        self._told |= set(new)
        return new

    def of(self, device: str) -> Controller:
        """Return the map of a device; an empty one with its name when nobody made one."""
        found = chosen(device, tuple(self._own.values()), tuple(self._factory.values()))
        if found is None:
            return Controller(name=device, match=(exact_pattern(device),))
        base = self._factory.get(found.based_on)
        if base is not None and not found.lights.rows:
            found = replace(found, lights=base.lights, is_tried=base.is_tried)
        return found

    def is_own(self, controller: Controller) -> bool:
        """Whether a map stands in the performer's folder."""
        return self._own.get(controller.stem) is not None and (
            self._own[controller.stem].match == controller.match
        )

    def keep(self, device: str, controller: Controller) -> Controller:
        """Write the performer's own map of a device; a factory map becomes a copy of theirs.

        Raises:
            ShowError: written by a newer Segue, or the disk refuses; the old file stays.
        """
        own = controller if self.is_own(controller) else self._copy(device, controller)
        path = self._own_folder / f"{own.stem}.toml"
        try:
            text = controller_text(own, path)
            self._own_folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
        except OSError as error:
            raise ShowError(
                f"{path}: saving failed ({error.strerror}); the old map is still there, "
                "make room and learn once more"
            ) from error
        self._own[own.stem] = own
        return own

    def _copy(self, device: str, controller: Controller) -> Controller:
        stem = controller.stem or file_stem(device)
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        free = next(n for n in names if not (self._own_folder / f"{n}.toml").exists())
        return replace(controller, stem=free, based_on=controller.stem, is_read_only=False)


def _read(
    folder: Path, before: dict[str, Controller], is_factory: bool
) -> tuple[dict[str, Controller], list[str]]:
    found, broken = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path.stem] = load_controller(path, is_factory)
        except ShowError as error:
            broken.append(f"{error}; the map before stays")
            if path.stem in before:
                found[path.stem] = before[path.stem]
    return found, broken
