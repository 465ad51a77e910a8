"""Find a published model's files: in its own folder, then in those of Wan 2.1 beside it.

    models/krea-14b/              krea-realtime-video-14b.safetensors, loras/
    models/Wan2.1-T2V-1.3B/       Wan2.1_VAE.pth, models_t5_umt5-xxl-enc-bf16.pth, google/umt5-xxl/
    models/umt5-xxl/              or as `segue models pull` puts them, each part in its own folder

Autoencoder and text encoder are the same for all of them, so they need to lie there once only.
Where `models` is, see `places.models_folder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import ConfigError, WeightsError
from engine.protocol import places
from engine.worker.models.house.house import WEIGHTS_DIR
from engine.worker.models.spec import HOUSE, MODELS, ModelSpec

_PULLED: Final = ("wan2.1-vae", "umt5-xxl", "taew2.1")  # rows of `model_store.catalogue`
_SHARED: Final = (
    *_PULLED,
    "Wan2.1",
    "Wan2.1-T2V-1.3B",
    "Wan2.1-T2V-14B",
    "Wan2.1-T2V-1.3B-Diffusers",
)
_LORAS: Final = "loras"
_LORA_SUFFIXES: Final = (".safetensors", ".pt", ".pth")
_HOUSE_FILE: Final = "captions.safetensors"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model and where its files are."""

    spec: ModelSpec
    folder: Path

    def own(self, places_below: Sequence[str], what: str) -> Path:
        """Return the first of these files in the model's own folder.

        Raises:
            WeightsError: there is none.
        """
        return _first(places_below, (self.folder,), f"{self.spec.name}, {what}")

    def shared(self, places_below: Sequence[str], what: str) -> Path:
        """Return the first of these files in the model's own folder or in a folder of Wan 2.1.

        Raises:
            WeightsError: there is none.
        """
        return _first(places_below, self._folders(), f"{self.spec.name}, {what}")

    def shared_folder(self, places_below: Sequence[str], what: str) -> Path:
        """Return the folder in which `shared` finds its file.

        Raises:
            WeightsError: there is none.
        """
        self.shared(places_below, what)
        return next(
            folder
            for folder in self._folders()
            if any((folder / place).exists() for place in places_below)
        )

    def loras(self) -> tuple[Path, ...]:
        """Return the LoRAs that the performer has put beside the model, by name."""
        folder = self.folder / _LORAS
        if not folder.is_dir():
            return ()
        return tuple(sorted(p for p in folder.iterdir() if p.suffix in _LORA_SUFFIXES))

    def _folders(self) -> tuple[Path, ...]:
        return (self.folder, *(self.folder.parent / name for name in _SHARED))


def find_model(name: str) -> ModelFolder:
    """Return the model that a show names, by its name or by a folder with its weights.

    Raises:
        ConfigError: there is no such model.
    """
    if name == HOUSE.name:
        return ModelFolder(HOUSE, WEIGHTS_DIR)
    spec = MODELS.get(name)
    if spec is not None and spec.files is not None:
        return ModelFolder(spec, places.models_folder() / spec.files.folder)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ConfigError(
            f"model {name!r} does not exist; choose one of {', '.join(MODELS)}, "
            "or a folder with the weights of one"
        )
    return ModelFolder(_spec_for(folder), folder)


def _spec_for(folder: Path) -> ModelSpec:
    """Return the model whose name the folder bears, or whose weights lie in it."""
    if folder.name in MODELS:
        return MODELS[folder.name]
    if (folder / _HOUSE_FILE).is_file():
        return HOUSE
    for spec in MODELS.values():
        if spec.files and any((folder / place).is_file() for place in spec.files.telling):
            return spec
    telling = [spec.files.telling[0] for spec in MODELS.values() if spec.files]
    raise ConfigError(
        f"folder {folder} holds no model that Segue knows: expected {', '.join(telling)} or "
        f"{_HOUSE_FILE}; or name the folder after the model: {', '.join(MODELS)}"
    )


def _first(places_below: Sequence[str], folders: Iterable[Path], what: str) -> Path:
    looked_in = tuple(folders)
    for folder in looked_in:
        for place in places_below:
            if (folder / place).exists():
                return folder / place
    raise WeightsError(
        f"{what}: no {' or '.join(places_below)} in {', '.join(map(str, looked_in))}; "
        "`segue models pull` downloads it"
    )
