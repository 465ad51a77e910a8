"""Where a performer's own files live. Nothing here creates a folder; who writes, makes it.

`SEGUE_HOME` overrides the system's place for user data: tests set it, and so may a show that
travels on a stick.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_dir

HOME_VARIABLE = "SEGUE_HOME"


def home() -> Path:
    """Return the folder of all user data, absolute."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen or user_data_dir("segue")).expanduser().absolute()


def takes_folder() -> Path:
    """Return the folder with one folder per take."""
    return home() / "takes"


def recordings_folder() -> Path:
    """Return the folder of MP4 recordings."""
    return home() / "recordings"


def shows_folder() -> Path:
    """Return the folder of the performer's shows."""
    return home() / "shows"


def controllers_folder() -> Path:
    """Return the folder with one file per MIDI controller."""
    return home() / "controllers"


def models_folder() -> Path:
    """Return the folder with one folder per downloaded model."""
    return home() / "models"


def remote_key_file() -> Path:
    """Return the file with the key that remotes of the network need."""
    return home() / "remote-key"


def autosave_folder() -> Path:
    """Return the folder of autosaved shows and the last session."""
    return home() / "autosave"
